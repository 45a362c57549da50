using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>Rules of a running engine: what they take, what another configuration makes of what is known, and limits.</summary>
public sealed class PolicyReloadTests
{
    private static readonly IpPrefix Lan = IpPrefix.Parse("192.168.7.0/24");

    [Fact]
    public async Task Without_a_rule_a_peers_addresses_are_taken_and_its_network_is_not()
    {
        await using var lab = WithLan(NetworkRules.None);
        await lab.StartAndMeetAsync();
        Assert.DoesNotContain((await lab[0].StatusAsync()).Routes, route => route.Candidate.Prefix == Lan);
        RouteReport report = await ExplainAsync(lab[0], "192.168.7.9");
        RouteCandidateReport candidate = Assert.Single(report.Candidates);
        Assert.Equal((RouteReason.NoRule, "rules", "node2"), (candidate.Reason, candidate.RefusedBy, candidate.PeerName));
        Assert.Equal(DropReason.NoRoute, report.Drop);
    }

    [Fact]
    public async Task Another_configuration_judges_what_is_known_again_and_keeps_the_sessions()
    {
        await using var lab = WithLan(NetworkRules.None);
        await lab.StartAndMeetAsync();
        MemoryConnection connection = Assert.Single(lab[0].Transport.Connections);
        await ReloadAsync(lab[0], corp => corp with { Rules = Allow(new RuleChanges { Preference = 150, Tags = ["lan"] }) });
        RouteStatus taken = Assert.Single((await lab[0].StatusAsync()).Routes, route => route.Candidate.Prefix == Lan);
        Assert.Equal(150, taken.Candidate.Preference);
        Assert.Equal(["lan"], taken.Candidate.Tags);
        Assert.Equal("forward to node2", (await ExplainAsync(lab[0], "192.168.7.9")).Verdict);
        await lab[0].SendAsync(lab[1], "corp", destination: "192.168.7.9");

        await ReloadAsync(lab[0], corp => corp with { Rules = NetworkRules.None });
        Assert.DoesNotContain((await lab[0].StatusAsync()).Routes, route => route.Candidate.Prefix == Lan);
        Assert.Same(connection, Assert.Single(lab[0].Transport.Connections));
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task Export_rules_take_back_and_give_with_another_metric()
    {
        await using var lab = WithLan(Allow(RuleChanges.None));
        await lab.StartAndMeetAsync();
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == Lan), "the LAN");
        await ReloadAsync(lab[1], corp => corp with { Rules = new NetworkRules { Export = [new ExportRule { Deny = true }] } });
        await lab[0].UntilAsync(status => status.Routes.All(route => route.Candidate.Prefix != Lan), "the LAN taken back");
        await ReloadAsync(lab[1], corp => corp with
        {
            Rules = new NetworkRules { Export = [new ExportRule { To = ["node?"], Set = new RuleChanges { Metric = new MetricChange(10, true) } }] },
            OriginateDetails = [new OriginateDetail(Lan, 5)],
        });
        EngineStatus status = await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == Lan), "the LAN again");
        Assert.Equal(271u, status.Routes.Single(route => route.Candidate.Prefix == Lan).Candidate.Metric); // 5 + 10 + the link's 256
    }

    [Fact]
    public async Task Route_that_only_a_limit_kept_out_is_taken_once_there_is_room()
    {
        await using NodeLab lab = NodeLab.Mesh(3);
        // Each peer announces one IPv4 and one IPv6 address: only the first peer's have room.
        lab[0].Configuration = lab[0].Configuration with
        {
            Networks = [.. lab[0].Configuration.Networks.Select(network => network with { Limits = network.Limits with { Total = 2 } })],
        };
        await lab[0].StartAsync();
        await lab[1].StartAsync();
        await lab[0].UntilAsync(status => status.Routes.Count(route => route.PeerName == "node2") == 4, "the first peer's routes");
        await lab[2].StartAsync();
        await lab[2].UntilAsync(status => status.Routes.Count(route => route.PeerName == "node1") == 4, "the second peer is up");
        await lab[1].Engine.GoodbyeAsync(TestContext.Current.CancellationToken); // a plain one: its routes go at once
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.PeerName == "node3"), "the second peer's routes");
    }

    [Fact]
    public async Task A_peer_over_its_limit_is_torn_down_and_left_alone_where_that_is_wanted()
    {
        await using var lab = WithLan(Allow(RuleChanges.None));
        lab[0].Configuration = With(lab[0].Configuration, corp => corp with { Limits = new RouteLimits(PerPeer: 2, OnLimit: LimitAction.Teardown) });
        await lab.StartAsync();
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Peers[0].LastError.Contains("more than 2 routes in corp", StringComparison.Ordinal), "the session torn down");
        Assert.Equal((0, 0), (status.Peers[0].Connections, status.Routes.Length));
        Assert.InRange(status.Peers[0].NextDial!.Value.TotalSeconds, 240, 300);
        // More room ends the wait.
        await ReloadAsync(lab[0], corp => corp with { Limits = RouteLimits.Standard });
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == Lan), "the LAN");
    }

    [Fact]
    public async Task A_route_that_comes_and_goes_is_left_unused_and_the_peers_own_address_is_not()
    {
        await using var lab = WithLan(Allow(RuleChanges.None));
        await lab.StartAndMeetAsync();
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == Lan), "the LAN");
        for (int i = 0; i < 9; i++)
        {
            await ReloadAsync(lab[1], corp => corp with { Originate = [], Export = false });
            await lab[0].UntilAsync(status => status.Routes.All(route => route.Network != "corp"), "withdrawn");
            await ReloadAsync(lab[1], corp => corp with { Originate = [Lan], Export = true });
            await lab[0].UntilAsync(status => status.Routes.Count(route => route.Network == "corp") >= 2, "announced");
        }
        RouteCandidateReport damped = Assert.Single((await ExplainAsync(lab[0], "192.168.7.9")).Candidates);
        Assert.Equal((RouteReason.Damped, "damping"), (damped.Reason, damped.RefusedBy));
        Assert.InRange(damped.Penalty, 3_000, 9_000);
        Assert.InRange(damped.DampedFor!.Value.TotalSeconds, 60, 240);
        Assert.Equal("forward to node2", (await ExplainAsync(lab[0], "10.42.0.2")).Verdict);
        await ReloadAsync(lab[0], corp => corp with { Damping = false });
        Assert.Contains((await lab[0].StatusAsync()).Routes, route => route.Candidate.Prefix == Lan);
    }

    [Fact]
    public async Task Explain_knows_what_is_local_what_peers_may_send_from_and_where_nothing_is()
    {
        await using var lab = WithLan(Allow(RuleChanges.None));
        await lab.StartAndMeetAsync();
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == Lan), "the LAN");
        Assert.Equal("delivered here: 10.42.0.1 is this node's own address", (await ExplainAsync(lab[0], "10.42.0.1")).Verdict);
        RouteReport inbound = await ExplainAsync(lab[0], "10.42.0.1", from: "192.168.7.9");
        Assert.Equal("delivered here, when it comes from node2", inbound.Verdict);
        Assert.Equal(["node2"], inbound.SourceCheck!.Peers);
        Assert.Equal(DropReason.SourceNotAllowed, (await ExplainAsync(lab[0], "10.42.0.1", from: "8.8.8.8")).Drop);
        Assert.Equal(DropReason.DestinationNotLocal, (await ExplainAsync(lab[0], "10.42.0.77", from: "10.42.0.2")).Drop);
        RouteAnswer nowhere = await lab[0].Engine.ExplainRouteAsync(new RouteQuestion(IpAddress.Parse("8.8.8.8")), TestContext.Current.CancellationToken);
        Assert.Equal(
            "8.8.8.8 lies in no network's subnet, and no route covers it. There are: corp (10.42.0.0/24 fd42::/64), lab (10.43.0.0/24 fd43::/64). "
            + "--network names the one to ask.", nowhere.Problem);
        RouteAnswer unknown = await lab[0].Engine.ExplainRouteAsync(new RouteQuestion(IpAddress.Parse("8.8.8.8"), "crop"), TestContext.Current.CancellationToken);
        Assert.StartsWith("there is no network 'crop'. There are: corp", unknown.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rule_for_nobody_is_a_warning_in_status_and_log()
    {
        await using var lab = WithLan(Allow(RuleChanges.None, "brnach-*"));
        await lab.StartAsync();
        Assert.Contains((await lab[0].StatusAsync()).Warnings, warning => warning.Contains("VPN1202", StringComparison.Ordinal));
        Assert.Contains(lab[0].Lines.From(Microsoft.Extensions.Logging.LogLevel.Warning), line => line.Contains("VPN1202", StringComparison.Ordinal));
    }

    /// <summary>Two nodes; the second has a network behind it, the first has these rules.</summary>
    private static NodeLab WithLan(NetworkRules rules)
    {
        NodeLab lab = NodeLab.Mesh(2);
        lab[0].Configuration = With(lab[0].Configuration, corp => corp with { Rules = rules });
        lab[1].Configuration = With(lab[1].Configuration, corp => corp with { Originate = [Lan] });
        return lab;
    }

    private static NetworkRules Allow(RuleChanges set, string peer = "node*") => new()
    {
        Import = [new ImportRule { Peers = [peer], Prefixes = [new PrefixRange(IpPrefix.Parse("192.168.0.0/16"), 24, 28)], Set = set }],
    };

    private static EngineConfiguration With(EngineConfiguration old, Func<NetworkConfiguration, NetworkConfiguration> change) =>
        old with { Networks = [change(old.Networks[0]), old.Networks[1]] };

    private static Task<IReadOnlyList<string>> ReloadAsync(LabEngine node, Func<NetworkConfiguration, NetworkConfiguration> change) =>
        node.ReloadAsync(old => With(old, change));

    private static async Task<RouteReport> ExplainAsync(LabEngine node, string destination, string? from = null)
    {
        RouteAnswer answer = await node.Engine.ExplainRouteAsync(
            new RouteQuestion(IpAddress.Parse(destination), "corp", from is null ? null : IpAddress.Parse(from)), TestContext.Current.CancellationToken);
        Assert.Equal("", answer.Problem);
        Assert.Equal("", answer.Report!.Fault);
        return answer.Report;
    }
}
