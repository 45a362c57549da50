using VibePN.Contracts;
using VibePN.Engine.Sessions;

namespace VibePN.Engine.Tests.Sessions;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_stay_between_the_floor_and_a_bound_that_doubles_to_thirty_seconds()
    {
        var backoff = new Backoff(new Random(7));
        double bound = 0.5;
        for (int failure = 0; failure < 40; failure++)
        {
            TimeSpan wait = backoff.OnFailure(CloseCode.HandshakeTimeout);
            Assert.InRange(wait.TotalSeconds, 0.05, Math.Max(0.05, bound));
            bound = Math.Min(bound * 2, 30);
        }
    }

    [Fact]
    public void Waits_are_spread_over_the_whole_bound()
    {
        var random = new Random(11);
        double[] first = [.. Enumerable.Range(0, 1_000).Select(_ => new Backoff(random).OnFailure(CloseCode.Unreachable).TotalSeconds)];
        Assert.InRange(first.Average(), 0.22, 0.29);
        Assert.True(first.Max() > 0.45, $"largest of 1,000 first waits: {first.Max()} s");
    }

    [Fact]
    public void A_refused_certificate_waits_one_minute_then_twice_as_long_and_never_more_than_ten()
    {
        var backoff = new Backoff(new Random(3));
        double least = 60;
        for (int refusal = 0; refusal < 20; refusal++)
        {
            Assert.InRange(backoff.OnFailure(CloseCode.TrustRefused).TotalSeconds, least, Math.Min(600, least * 1.1));
            least = Math.Min(600, least * 2);
        }
    }

    [Theory]
    [InlineData(CloseCode.LimitExceeded)]
    [InlineData(CloseCode.IdentityCloned)]
    public void What_no_quick_repetition_mends_waits_a_minute(CloseCode code)
    {
        var backoff = new Backoff(new Random(3));
        for (int i = 0; i < 20; i++)
            Assert.InRange(backoff.OnFailure(code).TotalSeconds, 60, 66);
    }

    [Fact]
    public void Nonsense_waits_a_minute_from_the_third_time_on()
    {
        var backoff = new Backoff(new Random(3));
        Assert.InRange(backoff.OnFailure(CloseCode.ProtocolError).TotalSeconds, 0.05, 0.5);
        Assert.InRange(backoff.OnFailure(CloseCode.ProtocolError).TotalSeconds, 0.05, 1);
        Assert.InRange(backoff.OnFailure(CloseCode.ProtocolError).TotalSeconds, 60, 66);
    }

    [Fact]
    public void A_reset_starts_again_from_the_first_bound()
    {
        var backoff = new Backoff(new Random(5));
        for (int i = 0; i < 20; i++)
            backoff.OnFailure(CloseCode.IdleTimeout);
        backoff.Reset();
        Assert.InRange(backoff.OnFailure(CloseCode.IdleTimeout).TotalSeconds, 0.05, 0.5);
    }
}
