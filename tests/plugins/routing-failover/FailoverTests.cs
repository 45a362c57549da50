using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.Plugins.RoutingFailover.Tests;

public sealed class FailoverTests
{
    private const string Lan = "192.168.7.0/24";

    private static readonly RouteSnapshot Both =
        Snapshot(Route(Lan, A) with { Metric = 900 }, Route(Lan, B) with { Metric = 300 }, Route(Lan, C) with { Metric = 1 });

    [Fact]
    public async Task First_gateway_that_is_up_is_used_whatever_the_metrics()
    {
        Assert.Equal(A, await HopAsync(Up(A), Up(B), Up(C)));
        Assert.Equal(B, await HopAsync(Down(A), Up(B), Up(C)));
        Assert.Equal(C, await HopAsync(Down(A), Down(B), Up(C)));
        Assert.Null(await HopAsync(Down(A), Down(B), Down(C)));
    }

    [Fact]
    public async Task Gateway_that_is_back_waits_for_the_fail_back_delay()
    {
        Assert.Equal(B, await HopAsync(Back(A, lostAgo: 70, upFor: 59), Up(B)));
        Assert.Equal(A, await HopAsync(Back(A, lostAgo: 71, upFor: 60), Up(B)));
    }

    [Fact]
    public async Task Gateway_that_was_lost_is_held_down_even_with_a_short_fail_back()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync($"{Lan} via a, b");
        RouteExplanation explanation = policy.Explain(
            Both.Among(Back(A, lostAgo: 3, upFor: 57), Up(B)), To("192.168.7.1"));
        Assert.Equal(B, Assert.Single(explanation.Chosen).NextHop);
        CandidateVerdict loser = explanation.Considered.Single(verdict => verdict.Candidate.NextHop == A);
        Assert.Equal(RouteReason.HeldDown, loser.Reason);
        Assert.Equal("Passed over: a was lost lately and is held down for 7 s more.", loser.Text);
    }

    [Fact]
    public async Task Waiting_gateway_carries_when_nobody_else_is_up() =>
        Assert.Equal(A, await HopAsync(Back(A, lostAgo: 2, upFor: 1), Down(B)));

    [Fact]
    public async Task Of_waiting_gateways_the_one_that_is_up_longest_carries() =>
        Assert.Equal(B, await HopAsync(Back(A, lostAgo: 20, upFor: 4), Back(B, lostAgo: 20, upFor: 9)));

    [Fact]
    public async Task Held_route_of_the_first_gateway_stands_behind_every_gateway_that_is_up()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync($"{Lan} via a, b");
        RouteSnapshot held = Snapshot(Route(Lan, A) with { Stale = true }, Route(Lan, B)).Among(Down(A), Up(B));
        Assert.Equal(B, HopFor(policy.Compile(held), To("192.168.7.1")));
        Assert.Equal(A, HopFor(policy.Compile(held.Among(Down(A), Down(B))), To("192.168.7.1")));
    }

    [Fact]
    public async Task Table_says_when_a_waiting_gateway_may_take_over()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync($"{Lan} via a, b");
        Assert.Null(policy.Compile(Both.Among(Up(A), Up(B))).Lifetime);
        Assert.Equal(
            TimeSpan.FromSeconds(48), policy.Compile(Both.Among(Back(A, lostAgo: 30, upFor: 12), Up(B))).Lifetime);
        Assert.Null(policy.Compile(Both.Among(Back(A, lostAgo: 90, upFor: 60), Up(B))).Lifetime);
    }

    [Fact]
    public async Task List_holds_for_prefixes_within_its_own_and_for_its_network_first()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync(
            "192.168.0.0/16 via a, b", "192.168.0.0/16 in corp via b, a", "192.168.7.0/24 in lab via a");
        Assert.Equal(B, HopFor(policy.Compile(Both.Among(Up(A), Up(B))), To("192.168.7.1")));
        Assert.Equal(A, HopFor(policy.Compile(Both.Among(Up(A), Up(B)) with { Network = "lab" }), To("192.168.7.1")));
    }

    [Fact]
    public async Task Prefix_without_a_list_follows_the_ordinary_order()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync("10.0.0.0/8 via a, b");
        Assert.Equal(C, HopFor(policy.Compile(Both), To("192.168.7.1")));
    }

    [Fact]
    public async Task Explanation_names_the_place_in_the_list()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync($"{Lan} via a, b");
        RouteExplanation explanation = policy.Explain(Both, To("192.168.7.1"));
        Assert.Equal(
            [
                "Best: Chosen: nothing beats it.",
                "GatewayOrder: Lost: not in the list of gateways, behind a, number 1 of 2 gateways.",
                "GatewayOrder: Lost: number 2 of 2 gateways, behind a, number 1 of 2 gateways.",
            ],
            explanation.Considered.Select(verdict => $"{verdict.Reason}: {verdict.Text}"));
    }

    [Fact]
    public async Task Table_selection_and_explanation_agree_whatever_happened_to_the_gateways()
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync("10.42.0.0/29 via c, a", "10.42.0.4/30 via b");
        for (int seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var routes = new RouteCandidate[random.Next(1, 12)];
            for (int i = 0; i < routes.Length; i++)
                routes[i] = Draw(random) with { Prefix = new IpPrefix(IpAddress.FromV4(0x0A2A0000 + (uint)random.Next(8)), random.Next(29, 33)) };
            RouteSnapshot snapshot = Snapshot([.. routes.DistinctBy(route => (route.Prefix, route.NextHop))])
                .Among(DrawPeer(random, A), DrawPeer(random, B), DrawPeer(random, C));
            IRouteLookup lookup = policy.Compile(snapshot);
            for (uint host = 0; host < 9; host++)
            {
                PacketKey key = To(IpAddress.FromV4(0x0A2A0000 + host));
                RouteExplanation explanation = policy.Explain(snapshot, key);
                Assert.Equal(HopFor(lookup, key), explanation.Chosen.IsEmpty ? null : explanation.Chosen[0].NextHop);
                if (!explanation.Chosen.IsEmpty)
                    Assert.Equal(HopFor(lookup, key), Assert.Single(policy.SelectNextHops(snapshot, explanation.Chosen[0].Prefix).Group.Hops).Peer);
            }
        }
    }

    [Theory]
    [InlineData("", "write \"PREFIX via PEER, PEER\"")]
    [InlineData("192.168.7.0/24", "write \"PREFIX via PEER, PEER\"")]
    [InlineData("192.168.7.0/24 in via a", "write \"PREFIX via PEER, PEER\"")]
    [InlineData("192.168.7.0/24 via", "separate the gateways by single commas")]
    [InlineData("192.168.7.0/24 via a b", "separate the gateways by single commas")]
    [InlineData("192.168.7.0/24 via a,, b", "separate the gateways by single commas")]
    [InlineData("192.168.7.0/24 via a, a", "a gateway is listed twice")]
    [InlineData("192.168.7.1/24 via a", "192.168.7.1/24 has bits set beyond its length; write 192.168.7.0/24")]
    [InlineData("elsewhere via a", "'elsewhere' is no prefix")]
    public async Task Line_that_is_not_understood_stops_the_start_and_says_where(string line, string fault)
    {
        PluginException exception = await Assert.ThrowsAsync<PluginException>(() => FakeContext.StartedAsync(line));
        Assert.Equal(PluginFault.Configuration, exception.Fault);
        Assert.StartsWith("plugins.toml(7,3): ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(fault, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prefix_with_two_lists_stops_the_start() =>
        await Assert.ThrowsAsync<PluginException>(() => FakeContext.StartedAsync($"{Lan} via a", $"{Lan} via b"));

    private static async Task<Fingerprint?> HopAsync(params PeerFacts[] peers)
    {
        FailoverRoutePolicy policy = await FakeContext.StartedAsync($"{Lan} via a, b");
        return HopFor(policy.Compile(Both.Among(peers)), To("192.168.7.1"));
    }

    private static PeerFacts Up(Fingerprint id) => Peer(id, NameOf(id)) with { ConnectedFor = TimeSpan.FromSeconds(1) };

    private static PeerFacts Down(Fingerprint id) => Peer(id, NameOf(id), connected: false) with { LostAgo = TimeSpan.FromSeconds(1) };

    private static PeerFacts Back(Fingerprint id, int lostAgo, int upFor) => Up(id) with
    {
        LostAgo = TimeSpan.FromSeconds(lostAgo),
        ConnectedFor = TimeSpan.FromSeconds(upFor),
    };

    private static PeerFacts DrawPeer(Random random, Fingerprint id) => random.Next(3) switch
    {
        0 => Up(id),
        1 => Down(id),
        _ => Back(id, random.Next(5, 80), random.Next(0, 80)),
    };

    private static string NameOf(Fingerprint id) => id == A ? "a" : id == B ? "b" : "c";
}
