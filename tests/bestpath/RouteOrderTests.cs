using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.BestPath.Tests;

public sealed class RouteOrderTests
{
    private static readonly RouteCandidate Base = Route("10.42.0.5/32", B);

    // Each candidate is better than the base by one step and worse by every later one.
    private static readonly (RouteReason Step, RouteCandidate Better)[] ByStep =
    [
        (RouteReason.SourceClass, Base with
        {
            Source = RouteSource.Static, Stale = true, Preference = 1, Metric = 999, Relayed = true,
            Path = [A, A], Origin = C, NextHop = C,
        }),
        (RouteReason.Preference, Base with { Preference = 101, Metric = 999, Relayed = true, Path = [A, A], Origin = C, NextHop = C }),
        (RouteReason.Metric, Base with { Metric = 255, Relayed = true, Path = [A, A], Origin = C, NextHop = C }),
        (RouteReason.OriginFingerprint, Base with { Origin = A, NextHop = C }),
        (RouteReason.OriginSequence, Base with { OriginSequence = ulong.MaxValue, NextHop = C }),
        (RouteReason.NextHopFingerprint, Base with { NextHop = A }),
    ];

    [Fact]
    public void First_difference_decides_whatever_follows()
    {
        foreach ((RouteReason step, RouteCandidate better) in ByStep)
            AssertBeats(better, Base, step);
        AssertBeats(Base, Base with { Stale = true, Preference = 999 }, RouteReason.Stale);
        AssertBeats(Base, Base with { Relayed = true, Origin = A }, RouteReason.Relayed);
        AssertBeats(Base, Base with { Path = [A], Origin = A }, RouteReason.PathLength);
    }

    [Fact]
    public void Age_and_tags_do_not_count() =>
        Assert.Equal(0, RouteOrder.Instance.Compare(Base, Base with { Age = TimeSpan.FromDays(1), Tags = ["x"] }));

    [Fact]
    public void Order_is_total_on_random_candidates()
    {
        var random = new Random(1);
        for (int round = 0; round < 20_000; round++)
        {
            RouteCandidate a = Draw(random), b = Draw(random), c = Draw(random);
            Assert.Equal(Sign(a, b), -Sign(b, a));
            if (Sign(a, b) <= 0 && Sign(b, c) <= 0)
                Assert.True(Sign(a, c) <= 0);
        }
    }

    private static void AssertBeats(RouteCandidate better, RouteCandidate worse, RouteReason step)
    {
        Assert.True(RouteOrder.Instance.Compare(better, worse) < 0, step.ToString());
        Assert.True(RouteOrder.Instance.Compare(worse, better) > 0, step.ToString());
        Assert.Equal(step, RouteOrder.Verdict(worse, better).Reason);
    }

    private static int Sign(RouteCandidate a, RouteCandidate b) => Math.Sign(RouteOrder.Instance.Compare(a, b));
}
