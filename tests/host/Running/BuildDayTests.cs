using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class BuildDayTests
{
    [Fact]
    public void The_daemon_knows_a_day_before_which_no_clock_is_right()
    {
        Assert.InRange(BuildDay.Start, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), DateTimeOffset.UtcNow);
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (BuildDay.Start.TimeOfDay, BuildDay.Start.Offset));
    }
}
