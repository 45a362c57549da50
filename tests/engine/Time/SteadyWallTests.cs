using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Time;

public sealed class SteadyWallTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void An_instant_keeps_its_time_of_day_however_the_two_clocks_are_read()
    {
        var wall = new SteadyWall();
        DateTimeOffset first = wall.At(At(10), Noon);
        for (int i = 1; i < 100; i++)
        {
            DateTimeOffset wavers = Noon.AddSeconds(i) + TimeSpan.FromMicroseconds((i * 7919 % 400_000) - 200_000);
            Assert.Equal(first, wall.At(At(10 + i), wavers) - TimeSpan.FromSeconds(i));
        }
    }

    [Theory]
    [InlineData(3_600)]
    [InlineData(-3_600)]
    [InlineData(2)]
    public void A_clock_that_is_set_is_followed(int seconds)
    {
        var wall = new SteadyWall();
        Assert.Equal(Noon, wall.At(At(10), Noon));
        Assert.Equal(Noon.AddSeconds(5 + seconds), wall.At(At(15), Noon.AddSeconds(5 + seconds)));
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
