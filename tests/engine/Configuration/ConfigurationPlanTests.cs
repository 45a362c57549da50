using System.Collections.Immutable;
using System.Net;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Tests.Configuration;

public sealed class ConfigurationPlanTests
{
    private static readonly NodeIdentity Identity = new(Fingerprint.Parse(new string('1', 64)), "certificate", "the secret key");

    [Fact]
    public void A_configuration_differs_in_nothing_from_itself_or_its_copy()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            EngineConfiguration one = Make(new Random(seed));
            Assert.Empty(ConfigurationPlan.Between(one, one));
            Assert.Empty(ConfigurationPlan.Between(one, Make(new Random(seed))));
        }
    }

    [Fact]
    public void A_plan_is_empty_exactly_when_both_say_the_same_and_its_lines_are_sorted()
    {
        var random = new Random(7);
        int equal = 0;
        for (int i = 0; i < 2_000; i++)
        {
            EngineConfiguration before = Make(new Random(random.Next(30)));
            EngineConfiguration after = Make(new Random(random.Next(30)));
            IReadOnlyList<string> lines = ConfigurationPlan.Between(before, after);
            Assert.Equal(ConfigurationPlan.TextOf(before) == ConfigurationPlan.TextOf(after), lines.Count == 0);
            Assert.Equal(lines.Order(StringComparer.Ordinal), lines);
            Assert.Equal(lines, ConfigurationPlan.Between(before, after));
            equal += lines.Count == 0 ? 1 : 0;
        }

        Assert.InRange(equal, 20, 1_000);
    }

    [Fact]
    public void The_order_of_peers_says_nothing()
    {
        EngineConfiguration one = Make(new Random(3)) with { Peers = [Peer("a"), Peer("b")] };
        Assert.Empty(ConfigurationPlan.Between(one, one with { Peers = [Peer("b"), Peer("a")] }));
        Assert.Equal(ConfigurationPlan.TextOf(one), ConfigurationPlan.TextOf(one with { Peers = [Peer("b"), Peer("a")] }));
    }

    [Fact]
    public void Each_change_is_one_line()
    {
        var before = new EngineConfiguration
        {
            Identity = Identity,
            Listen = [IPEndPoint.Parse("0.0.0.0:51820")],
            Peers = [Peer("gone"), Peer("kept")],
            Networks = [Network("corp"), Network("old")],
        };
        EngineConfiguration after = before with
        {
            Identity = Identity with { Fingerprint = Fingerprint.Parse(new string('2', 64)) },
            Listen = [IPEndPoint.Parse("0.0.0.0:51821")],
            Peers = [Peer("kept") with { Addresses = ["h:1"], Fingerprint = Fingerprint.Parse(new string('3', 64)) }, Peer("new")],
            Networks = [Network("corp") with { Mtu = 1300, Limits = new RouteLimits(PerPeer: 9) }, Network("lab")],
        };
        Assert.Equal(
            [
                $"identity: {new string('1', 64)} -> {new string('2', 64)} at the next start",
                "listen: [0.0.0.0:51820] -> [0.0.0.0:51821]",
                "network corp: limits.per_peer 256 -> 9",
                "network corp: mtu 1380 -> 1300",
                "network lab: added",
                "network old: removed",
                "peer gone: removed",
                "peer kept: addresses [] -> [\"h:1\"]",
                $"peer kept: fingerprint none -> {new string('3', 64)}",
                "peer new: added",
            ],
            ConfigurationPlan.Between(before, after));
    }

    [Fact]
    public void A_long_list_is_shown_by_what_came_and_went()
    {
        IpPrefix[] many = [.. Enumerable.Range(0, 20).Select(i => IpPrefix.Parse($"10.{i}.0.0/16"))];
        NetworkConfiguration network = Network("corp") with { Originate = [.. many] };
        NetworkConfiguration other = network with { Originate = [.. many[1..], IpPrefix.Parse("10.99.0.0/16")] };
        Assert.Equal(["n: originate +10.99.0.0/16 -10.0.0.0/16"], ConfigurationText.Differences("n", network, other));
    }

    [Fact]
    public void The_key_is_in_no_text()
    {
        Assert.DoesNotContain("secret", ConfigurationPlan.TextOf(Make(new Random(1))), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_a_rule_stands_is_no_part_of_what_it_says()
    {
        var rule = new ImportRule { Prefixes = [], Position = new SourcePosition("config.toml", 3, 1) };
        Assert.Equal(ConfigurationText.Of(rule), ConfigurationText.Of(rule with { Position = new SourcePosition("config.toml", 9, 1) }));
        Assert.NotEqual(ConfigurationText.Of(rule), ConfigurationText.Of(rule with { Deny = true }));
    }

    private static EngineConfiguration Make(Random random) => new()
    {
        Identity = Identity,
        Listen = [new IPEndPoint(IPAddress.Any, 51820 + random.Next(2))],
        Peers = [.. Some(random, "abc").Select(name => Peer(name) with { Addresses = [.. Some(random, "xy")], Networks = [.. Some(random, "lm")] })],
        Networks = [.. Some(random, "lm").Select(name => Network(name) with
        {
            Mtu = 1300 + random.Next(2),
            Export = random.Next(2) == 0,
            Rules = new NetworkRules { Import = [.. Some(random, "pq").Select(peer => new ImportRule { Peers = [peer], Prefixes = [] })] },
        })],
    };

    private static ImmutableArray<string> Some(Random random, string letters) =>
        [.. letters.Where(_ => random.Next(2) == 0).Select(letter => letter.ToString())];

    private static PeerConfiguration Peer(string name) => new() { Name = name };

    private static NetworkConfiguration Network(string name) => new() { Name = name, Prefix = IpPrefix.Parse("10.0.0.0/24") };
}
