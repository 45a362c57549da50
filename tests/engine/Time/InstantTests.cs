using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Time;

public sealed class InstantTests
{
    [Fact]
    public void A_duration_moves_an_instant_both_ways()
    {
        var instant = new Instant(1_000);
        Assert.Equal(5_000_001_000, (instant + TimeSpan.FromSeconds(5)).Nanoseconds);
        Assert.Equal(900, (instant - TimeSpan.FromTicks(1)).Nanoseconds);
        Assert.Equal(TimeSpan.FromSeconds(5), instant + TimeSpan.FromSeconds(5) - instant);
    }

    [Fact]
    public void Never_is_later_than_everything_and_stays_never()
    {
        var instant = new Instant(1_000);
        Assert.True(instant < Instant.Never);
        Assert.Equal(Instant.Never, instant + TimeSpan.MaxValue);
        Assert.Equal(Instant.Never, Instant.Never - TimeSpan.FromDays(1));
        Assert.Equal(Instant.Never, Instant.Never + TimeSpan.FromDays(-1));
        Assert.True(Instant.Never - instant > TimeSpan.FromDays(36_500));
    }

    [Fact]
    public void Min_and_max_choose_by_time()
    {
        var early = new Instant(-5);
        var late = new Instant(7);
        Assert.Equal(early, Instant.Min(late, early));
        Assert.Equal(late, Instant.Max(early, late));
        Assert.True(early <= late && late >= early && early != late);
    }
}
