using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.Plugins.RoutingLpm.Tests;

public sealed class CompileTests
{
    private readonly LpmRoutePolicy _policy = new(new FakeContext());

    [Fact]
    public void Longest_prefix_wins_whatever_its_rank()
    {
        IRouteLookup lookup = _policy.Compile(Snapshot(
            Route("192.168.0.0/16", A) with { Preference = 200, Metric = 1 },
            Route("192.168.7.0/24", B) with { Metric = 5_000 },
            Route("192.168.7.9/32", C) with { Stale = true }));
        Assert.Equal(A, HopFor(lookup, To("192.168.8.1")));
        Assert.Equal(B, HopFor(lookup, To("192.168.7.1")));
        Assert.Equal(C, HopFor(lookup, To("192.168.7.9")));
        Assert.Null(HopFor(lookup, To("10.0.0.1")));
        Assert.Null(HopFor(lookup, To("fd00::1")));
    }

    [Fact]
    public void Batch_larger_than_the_table_takes_at_once_is_looked_up_whole()
    {
        IRouteLookup lookup = _policy.Compile(Snapshot(Route("10.0.0.0/8", A), Route("fd00::/8", B)));
        PacketKey[] keys = [.. Enumerable.Range(0, 200).Select(i => To((i % 3) switch { 0 => "10.0.0.1", 1 => "fd00::1", _ => "11.0.0.1" }))];
        ushort[] groups = new ushort[keys.Length];
        lookup.Find(keys, groups);
        Assert.Equal(
            Enumerable.Range(0, 200).Select(i => (i % 3) switch { 0 => A, 1 => B, _ => (Fingerprint?)null }),
            groups.Select(group => lookup.Groups[group].Hops.Select(hop => (Fingerprint?)hop.Peer).SingleOrDefault()));
    }

    [Fact]
    public void Lower_metric_wins_among_equal_prefixes()
    {
        IRouteLookup lookup = _policy.Compile(Snapshot(
            Route("10.42.0.5/32", A) with { Metric = 300 }, Route("10.42.0.5/32", B) with { Metric = 299 }));
        Assert.Equal(B, HopFor(lookup, To("10.42.0.5")));
    }

    [Fact]
    public void Peer_that_is_not_connected_is_passed_over_even_for_a_wider_prefix()
    {
        RouteSnapshot snapshot = Snapshot(Route("10.42.0.5/32", A), Route("10.42.0.0/24", B))
            .Among(Peer(A, "a", connected: false), Peer(B, "b"));
        Assert.Equal(B, HopFor(_policy.Compile(snapshot), To("10.42.0.5")));
    }

    [Fact]
    public void Route_held_as_stale_stays_until_a_fresh_one_comes()
    {
        PeerFacts[] peers = [Peer(A, "a", connected: false), Peer(B, "b")];
        RouteCandidate held = Route("10.42.0.5/32", A) with { Stale = true, Metric = 1 };
        RouteCandidate fresh = Route("10.42.0.5/32", B) with { Metric = 1_000 };
        Assert.Equal(A, HopFor(_policy.Compile(Snapshot(held).Among(peers)), To("10.42.0.5")));
        Assert.Equal(B, HopFor(_policy.Compile(Snapshot(held, fresh).Among(peers)), To("10.42.0.5")));
    }

    [Fact]
    public void Next_hop_that_is_no_member_and_infinite_metric_are_never_used()
    {
        RouteSnapshot snapshot = Snapshot(
            Route("10.42.0.5/32", Id(9)), Route("10.42.0.6/32", A) with { Metric = uint.MaxValue });
        IRouteLookup lookup = _policy.Compile(snapshot);
        Assert.Null(HopFor(lookup, To("10.42.0.5")));
        Assert.Null(HopFor(lookup, To("10.42.0.6")));
        Assert.Single(lookup.Groups);
    }

    [Fact]
    public void First_group_means_no_route()
    {
        IRouteLookup lookup = _policy.Compile(Snapshot());
        Assert.Empty(Assert.Single(lookup.Groups).Hops);
        Assert.Null(HopFor(lookup, default));
    }

    [Fact]
    public void Table_depends_on_the_set_alone()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            RouteCandidate[] routes = RandomRoutes(random);
            IRouteLookup first = _policy.Compile(Snapshot(routes));
            random.Shuffle(routes);
            IRouteLookup second = _policy.Compile(Snapshot(routes));
            Assert.Equal(first.Groups.SelectMany(g => g.Hops), second.Groups.SelectMany(g => g.Hops));
            for (uint host = 0; host < 16; host++)
            {
                PacketKey key = To(IpAddress.FromV4(0x0A2A0000 + host));
                Assert.Equal(HopFor(first, key), HopFor(second, key));
            }
        }
    }

    [Fact]
    public void Explain_never_disagrees_with_the_table()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            RouteSnapshot snapshot = Snapshot(RandomRoutes(random))
            .Among(Peer(A, "a"), Peer(B, "b", connected: random.Next(2) == 0));
            IRouteLookup lookup = _policy.Compile(snapshot);
            for (uint host = 0; host < 17; host++)
            {
                PacketKey key = To(IpAddress.FromV4(0x0A2A0000 + host));
                RouteExplanation explanation = _policy.Explain(snapshot, key);
                Assert.Equal(HopFor(lookup, key), explanation.Chosen.IsEmpty ? null : explanation.Chosen[0].NextHop);
                Assert.Equal(
                    snapshot.Candidates.Count(c => c.Prefix.Contains(key.Destination)), explanation.Considered.Length);
                Assert.Equal(explanation.Chosen.Length, explanation.Considered.Count(v => v.Reason == RouteReason.Best));
            }
        }
    }

    [Fact]
    public void Explain_names_the_step_for_every_candidate()
    {
        RouteSnapshot snapshot = Snapshot(
            Route("10.42.0.0/24", A),
            Route("10.42.0.5/32", B) with { Metric = 290 },
            Route("10.42.0.5/32", A) with { Metric = 532 },
            Route("10.42.0.5/32", C))
            .Among(Peer(A, "a"), Peer(B, "b"), Peer(C, "c", connected: false));
        RouteExplanation explanation = _policy.Explain(snapshot, To("10.42.0.5"));
        Assert.Equal("10.42.0.5 goes to b by 10.42.0.5/32 in corp.", explanation.Text);
        Assert.Equal(
            [
                "Best: Chosen: nothing beats it.",
                "Metric: Lost at step 4: metric 532 against 290.",
                "ShorterPrefix: Lost: 10.42.0.0/24 is wider than 10.42.0.5/32.",
                "NotConnected: Not usable: c is not connected.",
            ],
            explanation.Considered.Select(v => $"{v.Reason}: {v.Text}"));
        Assert.Equal(
            "10.43.0.1 has no route in corp: nothing covers it.", _policy.Explain(snapshot, To("10.43.0.1")).Text);
    }

    [Fact]
    public void Lookups_allocate_nothing()
    {
        IRouteLookup lookup = _policy.Compile(Snapshot(Route("10.42.0.5/32", A), Route("fd00::5/128", B)));
        PacketKey[] keys = [To("10.42.0.5"), To("fd00::5"), To("192.0.2.1")];
        ushort[] groups = new ushort[3];
        lookup.Find(keys, groups);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            lookup.Find(keys, groups);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Ten_thousand_routes_compile_to_ten_thousand_answers()
    {
        RouteCandidate[] routes = new RouteCandidate[10_000];
        for (int i = 0; i < routes.Length; i++)
            routes[i] = Route("10.42.0.0/32", i % 2 == 0 ? A : B) with { Prefix = IpPrefix.Host(IpAddress.FromV4(0x0A2A0000 + (uint)i)) };
        IRouteLookup lookup = _policy.Compile(Snapshot(routes));
        for (int i = 0; i < routes.Length; i++)
            Assert.Equal(routes[i].NextHop, HopFor(lookup, To(routes[i].Prefix.Address)));
    }

    private static RouteCandidate[] RandomRoutes(Random random)
    {
        var routes = new RouteCandidate[random.Next(1, 30)];
        for (int i = 0; i < routes.Length; i++)
        {
            routes[i] = Draw(random) with
            {
                Prefix = new IpPrefix(IpAddress.FromV4(0x0A2A0000 + (uint)random.Next(16)), random.Next(27, 33)),
            };
        }
        return routes;
    }
}
