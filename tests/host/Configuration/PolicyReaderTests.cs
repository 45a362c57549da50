using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;
using VibePN.Host.Configuration;

namespace VibePN.Host.Tests.Configuration;

/// <summary>What <c>[networks.NAME]</c> says of routing: rules, limits, damping, multipath, originated prefixes.</summary>
public sealed class PolicyReaderTests : IDisposable
{
    private const string Head = "[identity]\ncert = \"node.crt\"\nkey = \"node.key\"\n[networks.corp]\nprefix = \"10.42.0.0/24\"\n";

    private readonly Scratch _scratch = new();

    public PolicyReaderTests() => Identity.Shared.WriteTo(_scratch);

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Every_routing_key_is_read()
    {
        NetworkConfiguration network = Read("""
            [networks.corp.limits]
            per_peer = 300
            total = 1000
            on_limit = "teardown"
            [networks.corp.damping]
            enabled = false
            [networks.corp.multipath]
            max = 4
            hash = "flow"
            [[networks.corp.originate]]
            prefix = "192.168.7.0/24"
            metric = 10
            tag = "lan"
            [[networks.corp.originate]]
            prefix = "192.168.8.0/24"
            [[networks.corp.policy.import]]
            peer = "branch-*"
            allow = ["192.168.0.0/16 ge 24 le 28", "172.16.0.0/12"]
            set = { preference = 120, metric = "+10", tag = ["a", "b"] }
            outside = true
            [[networks.corp.policy.import]]
            peer = ["hub", "lab"]
            deny = "fd99::/16 le 64"
            [[networks.corp.policy.export]]
            to = ["hub"]
            match = { tag = "lan", prefix = "192.168.0.0/16 le 24" }
            set = { metric = 7 }
            [[networks.corp.policy.export]]
            deny = true
            """);
        Assert.Equal(new RouteLimits(300, 1_000, LimitAction.Teardown), network.Limits);
        Assert.False(network.Damping);
        Assert.Equal(4, network.MaxPaths);
        Assert.Equal([IpPrefix.Parse("192.168.7.0/24"), IpPrefix.Parse("192.168.8.0/24")], network.Originate);
        Assert.Equal([new OriginateDetail(IpPrefix.Parse("192.168.7.0/24"), 10, "lan")], network.OriginateDetails);
        Assert.Equal(
            new NetworkRules
            {
                Import =
                [
                    new ImportRule
                    {
                        Peers = ["branch-*"],
                        Prefixes = [new PrefixRange(IpPrefix.Parse("192.168.0.0/16"), 24, 28), PrefixRange.Exactly(IpPrefix.Parse("172.16.0.0/12"))],
                        Set = new RuleChanges { Preference = 120, Metric = new MetricChange(10, IsAdded: true), Tags = ["a", "b"] },
                        Outside = true,
                    },
                    new ImportRule { Peers = ["hub", "lab"], Prefixes = [new PrefixRange(IpPrefix.Parse("fd99::/16"), 16, 64)], Deny = true },
                ],
                Export =
                [
                    new ExportRule
                    {
                        To = ["hub"],
                        Tag = "lan",
                        Prefixes = [new PrefixRange(IpPrefix.Parse("192.168.0.0/16"), 16, 24)],
                        Set = new RuleChanges { Metric = new MetricChange(7, IsAdded: false) },
                    },
                    new ExportRule { Deny = true },
                ],
            },
            network.Rules);
        Assert.Equal([new SourcePosition("config.toml", 21, 24), new SourcePosition("config.toml", 26, 24)],
            network.Rules.Import.Select(rule => rule.Position));
    }

    [Fact]
    public void Absent_routing_keys_have_the_documented_defaults()
    {
        NetworkConfiguration network = Read("originate = [\"192.168.7.0/24\"]");
        Assert.Equal(new RouteLimits(256, 100_000, LimitAction.Reject), network.Limits);
        Assert.True(network.Damping);
        Assert.Equal(1, network.MaxPaths);
        Assert.Empty(network.OriginateDetails);
        Assert.Empty(network.Rules.Import);
        Assert.Null(network.Rules.Export);
    }

    [Fact]
    public void Rules_in_other_lines_say_the_same()
    {
        const string Rules = "[[networks.corp.policy.import]]\nallow = [\"192.168.0.0/16 le 24\"]\n[[networks.corp.policy.export]]\nto = \"a\"\n";
        NetworkConfiguration one = Read(Rules), moved = Read("# a remark\n" + Rules);
        Assert.Equal(one.Rules, moved.Rules);
        Assert.NotEqual(one.Rules.Import[0].Position, moved.Rules.Import[0].Position);
    }

    [Theory]
    [InlineData("192.168.0.0/16", "192.168.0.0/16")]
    [InlineData("192.168.0.0/16 le 28", "192.168.0.0/16 le 28")]
    [InlineData("192.168.0.0/16 ge 24", "192.168.0.0/16 ge 24")]
    [InlineData("192.168.0.0/16  le 28 ge 24", "192.168.0.0/16 ge 24 le 28")]
    [InlineData("192.168.0.0/16 le 32", "192.168.0.0/16 le 32")]
    [InlineData("fd99::/16 ge 128", "fd99::/16 ge 128")]
    public void Prefix_ranges_are_written_as_they_are_read(string text, string expected)
    {
        Assert.Null(PrefixRangeText.Parse(text, out PrefixRange range));
        Assert.Equal(expected, range.ToString());
        Assert.Null(PrefixRangeText.Parse(expected, out PrefixRange again));
        Assert.Equal(range, again);
    }

    [Theory]
    [InlineData("[networks.corp.limits]\nper_peer = 0", "(7,12)", "VPN1007")]
    [InlineData("[networks.corp.limits]\ntotal = 1000001", "(7,9)", "VPN1007")]
    [InlineData("[networks.corp.limits]\non_limit = \"rejct\"", "(7,12)", "VPN1007")]
    [InlineData("[networks.corp.limits]\nper_per = 3", "(7,1)", "VPN1004")]
    [InlineData("[networks.corp.damping]\nenabled = 1", "(7,11)", "VPN1005")]
    [InlineData("[networks.corp.multipath]\nmax = 9", "(7,7)", "VPN1007")]
    [InlineData("[networks.corp.multipath]\nhash = \"packet\"", "(7,8)", "VPN1007")]
    [InlineData("[[networks.corp.originate]]\nmetric = 3", "(6,17)", "VPN1006")]
    [InlineData("[[networks.corp.originate]]\nprefix = \"192.168.7.1/24\"", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.originate]]\nprefix = \"192.168.7.0/24\"\nmetric = -1", "(8,10)", "VPN1007")]
    [InlineData("originate = [3]", "(6,14)", "VPN1005")]
    [InlineData("[[networks.corp.policy.import]]\npeer = \"a\"", "(6,24)", "VPN1006")]
    [InlineData("[[networks.corp.policy.import]]\nallow = [\"192.168.0.0/16 ge 8\"]", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.policy.import]]\nallow = [\"192.168.0.0/16 le 33\"]", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.policy.import]]\nallow = [\"192.168.0.0/16 le 24 le 28\"]", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.policy.import]]\nallow = [\"192.168.0.0/16 24\"]", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.policy.import]]\nallow = [\"192.168.0.1/16\"]", "(7,10)", "VPN1010")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\ndeny = []", "(8,1)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\npeer = \"a b\"", "(8,8)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\nset = { preference = 70000 }", "(8,22)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\nset = { metric = \"-3\" }", "(8,18)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\nset = { tag = \"a b\" }", "(8,15)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\nset = { prefrence = 3 }", "(8,9)", "VPN1004")]
    [InlineData("[[networks.corp.policy.import]]\ndeny = [\"192.168.0.0/16\"]\nset = { metric = 3 }", "(8,1)", "VPN1007")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\norigin = [\"a\"]", "(8,1)", "VPN1004")]
    [InlineData("[[networks.corp.policy.import]]\nallow = []\nvia = { max_hops = 3 }", "(8,1)", "VPN1004")]
    [InlineData("mode = \"transit\"", "(6,1)", "VPN1004")]
    [InlineData("[[networks.corp.policy.export]]\nset = { preference = 3 }", "(7,9)", "VPN1004")]
    [InlineData("[[networks.corp.policy.export]]\nmatch = { prefix = [] }", "(7,11)", "VPN1007")]
    [InlineData("[networks.corp.policy]\nimprt = []", "(7,1)", "VPN1004")]
    [InlineData("[networks.corp.policy]\nimport = true", "(7,10)", "VPN1005")]
    public void A_routing_mistake_is_named_with_its_place(string text, string position, string code)
    {
        var errors = new ConfigErrors("config.toml");
        Assert.Null(ConfigReader.Read(Head + text, _scratch.Path, errors));
        Assert.StartsWith($"config.toml{position}: error {code}: ", Assert.Single(errors.Sorted).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Warnings_carry_the_rules_place()
    {
        var errors = new ConfigErrors("config.toml");
        EngineConfiguration engine = ConfigReader.Read(
            Head + "[[networks.corp.policy.import]]\npeer = \"nobody\"\nallow = [\"192.168.0.0/16 le 24\"]", _scratch.Path, errors)!.Engine;
        Assert.StartsWith("config.toml(6,24): warning VPN1202: import rule 1 of network 'corp' is about 'nobody'",
            Assert.Single(RuleCheck.Warnings(engine)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void No_prefix_range_whatever_makes_the_reader_throw()
    {
        var random = new Random(3);
        string[] words = ["192.168.0.0/16", "::/0", "ge", "le", "24", "-1", "99999999999", "x", "/", ""];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Join(' ', Enumerable.Range(0, random.Next(7)).Select(_ => words[random.Next(words.Length)]));
            if (PrefixRangeText.Parse(text, out PrefixRange range) is null)
                Assert.InRange(range.Shortest, range.Block.Length, range.Longest);
        }
    }

    private NetworkConfiguration Read(string text)
    {
        var errors = new ConfigErrors("config.toml");
        DaemonConfiguration? configuration = ConfigReader.Read(Head + text, _scratch.Path, errors);
        Assert.Empty(errors.Sorted);
        return Assert.Single(configuration!.Engine.Networks);
    }
}
