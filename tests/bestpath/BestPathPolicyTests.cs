using System.Collections.Immutable;
using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.BestPath.Tests;

public sealed class BestPathPolicyTests
{
    private readonly BestPathPolicy _policy = new((_, _) => BestInOrder.Instance);

    [Fact]
    public void Equal_paths_share_the_packets_up_to_the_limit()
    {
        RouteSnapshot snapshot = Snapshot(
            Route("10.42.0.5/32", C), Route("10.42.0.5/32", A), Route("10.42.0.5/32", B)) with { MaxPaths = 2 };
        Assert.Equal([A, B], Hops(snapshot));
        Assert.Equal([A, B, C], Hops(snapshot with { MaxPaths = 8 }));
        Assert.Equal([A], Hops(snapshot with { MaxPaths = 1 }));
    }

    [Fact]
    public void Path_that_is_worse_by_any_step_an_operator_sets_is_no_equal()
    {
        RouteCandidate best = Route("10.42.0.5/32", A);
        RouteCandidate[] worse =
        [
            best with { Source = RouteSource.Legacy }, best with { Stale = true }, best with { Preference = 99 },
            best with { Metric = best.Metric + 1 }, best with { Relayed = true }, best with { Path = [C] },
        ];
        foreach (RouteCandidate candidate in worse)
            Assert.Equal([A], Hops(Snapshot(best, candidate with { NextHop = B, Origin = B }) with { MaxPaths = 8 }));
    }

    [Fact]
    public void Same_next_hops_are_one_group_whichever_is_best()
    {
        RouteSnapshot snapshot = Snapshot(
            Route("10.42.0.5/32", A) with { Origin = B }, Route("10.42.0.5/32", B) with { Origin = A },
            Route("10.42.0.6/32", A) with { Origin = A }, Route("10.42.0.6/32", B) with { Origin = B }) with { MaxPaths = 2 };
        Assert.Equal(2, _policy.Compile(snapshot).Groups.Length);
    }

    [Fact]
    public void Selection_explanation_and_table_agree_on_random_sets()
    {
        for (int seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var routes = new RouteCandidate[random.Next(1, 20)];
            for (int i = 0; i < routes.Length; i++)
            {
                routes[i] = Draw(random) with
                {
                    Prefix = new IpPrefix(IpAddress.FromV4(0x0A2A0000 + (uint)random.Next(8)), random.Next(29, 33)),
                };
            }
            // A peer announces a prefix once.
            RouteSnapshot snapshot = Snapshot([.. routes.DistinctBy(route => (route.Prefix, route.NextHop))])
                .Among(Peer(A, "a"), Peer(B, "b", connected: random.Next(2) == 0)) with { MaxPaths = random.Next(1, 4) };
            IRouteLookup lookup = _policy.Compile(snapshot);
            for (uint host = 0; host < 9; host++)
            {
                IpAddress address = IpAddress.FromV4(0x0A2A0000 + host);
                ImmutableArray<NextHop> table = HopsFor(lookup, To(address));
                RouteExplanation explanation = _policy.Explain(snapshot, address);
                Assert.Equal(table.Select(hop => hop.Peer), explanation.Chosen.Select(route => route.NextHop).Order());
                Assert.Equal(
                    explanation.Chosen.Length,
                    explanation.Considered.Count(verdict => verdict.Reason is RouteReason.Best or RouteReason.EqualPath));
                if (!explanation.Chosen.IsEmpty)
                    Assert.Equal(table, _policy.Select(snapshot, explanation.Chosen[0].Prefix).Group.Hops);
            }
        }
    }

    private IEnumerable<Fingerprint> Hops(RouteSnapshot snapshot) =>
        HopsFor(_policy.Compile(snapshot), To("10.42.0.5")).Select(hop => hop.Peer);
}
