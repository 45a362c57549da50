using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Time;

public sealed class TokenBucketTests
{
    [Fact]
    public void The_burst_goes_through_and_then_the_rate()
    {
        var bucket = new TokenBucket(perSecond: 10, burst: 5, At(1_000));
        Assert.Equal(5, TakeAll(ref bucket, At(1_000)));
        Assert.Equal(0, TakeAll(ref bucket, At(1_099)));
        Assert.Equal(1, TakeAll(ref bucket, At(1_100)));
        Assert.Equal(3, TakeAll(ref bucket, At(1_400)));
    }

    [Fact]
    public void A_long_rest_saves_up_no_more_than_the_burst()
    {
        var bucket = new TokenBucket(perSecond: 10, burst: 5, At(0));
        Assert.Equal(5, TakeAll(ref bucket, At(1_000_000)));
    }

    [Fact]
    public void Over_a_minute_exactly_the_rate_and_the_burst_go_through()
    {
        var bucket = new TokenBucket(perSecond: 7, burst: 3, At(0));
        int taken = 0;
        for (int ms = 0; ms <= 60_000; ms++)
            taken += bucket.TryTake(At(ms)) ? 1 : 0;
        Assert.Equal((60 * 7) + 3, taken);
    }

    [Fact]
    public void The_default_lets_nothing_through()
    {
        TokenBucket bucket = default;
        Assert.False(bucket.TryTake(At(1_000_000)));
    }

    private static int TakeAll(ref TokenBucket bucket, Instant now)
    {
        int taken = 0;
        while (bucket.TryTake(now))
            taken++;
        return taken;
    }

    private static Instant At(long milliseconds) => new(milliseconds * 1_000_000);
}
