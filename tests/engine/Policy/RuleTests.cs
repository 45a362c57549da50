using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;

namespace VibePN.Engine.Tests.Policy;

/// <summary>Import and export rules: one row for each kind, and a naive twin for all of them together.</summary>
public sealed class RuleTests
{
    private static readonly Fingerprint Self = Fingerprint.Of([1]);

    [Theory]
    // No rule at all: addresses in the subnets, nothing else.
    [InlineData("hub", "10.42.0.9/32", "", true, RouteReason.Accepted, 0)]
    [InlineData("hub", "fd42::9/128", "", true, RouteReason.Accepted, 0)]
    [InlineData("hub", "10.43.0.9/32", "", false, RouteReason.NoRule, 0)]
    [InlineData("hub", "10.42.0.0/28", "", false, RouteReason.NoRule, 0)]
    [InlineData("hub", "192.168.7.0/24", "", false, RouteReason.NoRule, 0)]
    // A bare prefix is just itself; ranges have both ends.
    [InlineData("hub", "192.168.0.0/16", "* allow 192.168.0.0/16", true, RouteReason.Accepted, 1)]
    [InlineData("hub", "192.168.7.0/24", "* allow 192.168.0.0/16", false, RouteReason.NoRule, 0)]
    [InlineData("hub", "192.168.7.0/24", "* allow 192.168.0.0/16-24-28", true, RouteReason.Accepted, 1)]
    [InlineData("hub", "192.168.6.0/23", "* allow 192.168.0.0/16-24-28", false, RouteReason.NoRule, 0)]
    [InlineData("hub", "192.168.7.0/29", "* allow 192.168.0.0/16-24-28", false, RouteReason.NoRule, 0)]
    [InlineData("hub", "fd99:1::/64", "* allow fd99::/16-48-64", true, RouteReason.Accepted, 1)]
    [InlineData("hub", "192.168.7.0/24", "* allow fd99::/16-48-64", false, RouteReason.NoRule, 0)]
    // Peers by name and pattern.
    [InlineData("branch-7", "192.168.7.0/24", "branch-* allow 192.168.7.0/24", true, RouteReason.Accepted, 1)]
    [InlineData("hub", "192.168.7.0/24", "branch-* allow 192.168.7.0/24", false, RouteReason.NoRule, 0)]
    [InlineData("branch-7", "192.168.7.0/24", "branch-?? allow 192.168.7.0/24", false, RouteReason.NoRule, 0)]
    // The first that matches decides.
    [InlineData("hub", "192.168.7.0/24", "* deny 192.168.7.0/24; * allow 192.168.0.0/16-16-32", false, RouteReason.RuleRefused, 1)]
    [InlineData("hub", "192.168.8.0/24", "* deny 192.168.7.0/24; * allow 192.168.0.0/16-16-32", true, RouteReason.Accepted, 2)]
    [InlineData("hub", "192.168.7.0/24", "* allow 192.168.0.0/16-16-32; * deny 192.168.7.0/24", true, RouteReason.Accepted, 1)]
    [InlineData("hub", "192.168.7.0/24", "lab deny 0.0.0.0/0-0-32; hub allow 192.168.7.0/24", true, RouteReason.Accepted, 2)]
    // Addresses of the subnet need no rule, and a rule may take even them away.
    [InlineData("hub", "10.42.0.9/32", "* allow 192.168.7.0/24", true, RouteReason.Accepted, 0)]
    [InlineData("hub", "10.42.0.9/32", "* deny 10.42.0.0/24-32-32", false, RouteReason.RuleRefused, 1)]
    public void Import_rules_decide(string peer, string prefix, string rules, bool accepted, RouteReason reason, int number)
    {
        RuleVerdict verdict = ImportRules.Judge(Network(rules), peer, IpPrefix.Parse(prefix));
        Assert.Equal((accepted, reason, number), (verdict.Accepted, verdict.Reason, verdict.Number));
        Assert.NotEmpty(verdict.Text);
    }

    [Theory]
    [InlineData(null, null, null, 100, 10u + 256)]
    [InlineData(120, null, null, 120, 10u + 256)]
    [InlineData(null, 5u, false, 100, 5u + 256)]
    [InlineData(null, 5u, true, 100, 15u + 256)]
    [InlineData(0, uint.MaxValue - 1, true, 0, uint.MaxValue - 1)]
    public void An_import_rule_sets_preference_and_metric(int? preference, uint? metric, bool? added, int expected, uint total)
    {
        var changes = new RuleChanges
        {
            Preference = preference,
            Metric = metric is { } value ? new MetricChange(value, added!.Value) : null,
            Tags = ["branch"],
        };
        var candidate = new RouteCandidate { Prefix = IpPrefix.Parse("192.168.7.0/24"), NextHop = Self, Origin = Self };
        RouteCandidate changed = ImportRules.Apply(candidate, changes, announced: 10, linkCost: 256);
        Assert.Equal((expected, total), (changed.Preference, changed.Metric));
        Assert.Equal(["branch"], changed.Tags);
    }

    [Fact]
    public void Our_own_address_is_told_as_export_says_whatever_the_rules()
    {
        RouteCandidate own = Route("10.42.0.1/32") with { Source = RouteSource.Connected };
        NetworkConfiguration network = Exporting(new ExportRule { Deny = true });
        Assert.True(ExportRules.Judge(network with { Export = true }, "hub", own).Accepted);
        Assert.Equal(RouteReason.NotExported, ExportRules.Judge(network, "hub", own).Reason);
    }

    [Fact]
    public void Originated_prefixes_are_told_to_all_until_there_is_an_export_rule()
    {
        Assert.True(ExportRules.Judge(Network(""), "hub", Route("192.168.7.0/24")).Accepted);
        RuleVerdict closed = ExportRules.Judge(Exporting(), "hub", Route("192.168.7.0/24"));
        Assert.Equal((false, RouteReason.NoRule), (closed.Accepted, closed.Reason));
    }

    [Fact]
    public void Export_rules_know_peers_tags_and_prefixes_and_the_first_decides()
    {
        NetworkConfiguration network = Exporting(
            new ExportRule { To = ["lab"], Deny = true },
            new ExportRule { To = ["hub", "branch-*"], Tag = "lan", Set = new RuleChanges { Metric = new MetricChange(10, true) } },
            new ExportRule { Prefixes = [new PrefixRange(IpPrefix.Parse("172.16.0.0/12"), 16, 24)] });
        Assert.Equal((false, RouteReason.RuleRefused, 1), Told(network, "lab", "172.16.0.0/16", "lan"));
        Assert.Equal((true, RouteReason.Accepted, 2), Told(network, "branch-1", "192.168.7.0/24", "lan"));
        Assert.Equal((false, RouteReason.NoRule, 0), Told(network, "branch-1", "192.168.7.0/24", "dmz"));
        Assert.Equal((true, RouteReason.Accepted, 3), Told(network, "other", "172.16.0.0/16", null));
        Assert.Equal((false, RouteReason.NoRule, 0), Told(network, "other", "172.16.0.0/12", null));

        static (bool, RouteReason, int) Told(NetworkConfiguration network, string peer, string prefix, string? tag)
        {
            RuleVerdict verdict = ExportRules.Judge(network, peer, Route(prefix) with { Tags = tag is null ? [] : [tag] });
            return (verdict.Accepted, verdict.Reason, verdict.Number);
        }
    }

    [Fact]
    public void Rules_agree_with_a_naive_evaluator()
    {
        var random = new Random(5);
        int accepted = 0, refused = 0, byDefault = 0;
        for (int round = 0; round < 4_000; round++)
        {
            NetworkConfiguration network = Network("") with { Rules = new NetworkRules { Import = [.. RandomRules(random)] } };
            for (int i = 0; i < 10; i++)
            {
                string peer = Pick(random, "a", "b", "ab", "abc", "ba", "");
                IpPrefix prefix = RandomPrefix(random);
                RuleVerdict verdict = ImportRules.Judge(network, peer, prefix);
                Assert.Equal(NaiveRules.Judge(network, peer, prefix), (verdict.Accepted, verdict.Number));
                accepted += verdict.Accepted ? 1 : 0;
                refused += verdict.Accepted ? 0 : 1;
                byDefault += verdict.Number == 0 ? 1 : 0;
            }
        }
        Assert.All([accepted, refused, byDefault], count => Assert.InRange(count, 2_000, 38_000));
    }

    private static IEnumerable<ImportRule> RandomRules(Random random)
    {
        for (int i = random.Next(6); i > 0; i--)
        {
            IpPrefix block = RandomPrefix(random);
            int shortest = random.Next(block.Length, block.Address.BitLength + 1);
            yield return new ImportRule
            {
                Peers = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Pick(random, "*", "a*", "*b", "?", "a?c", "ab", "*b*", "**", "a*c"))],
                Prefixes = [new PrefixRange(block, shortest, random.Next(shortest, block.Address.BitLength + 1)), PrefixRange.Exactly(RandomPrefix(random))],
                Deny = random.Next(3) == 0,
            };
        }
    }

    // Few enough that rules and announcements meet.
    private static IpPrefix RandomPrefix(Random random) => random.Next(4) == 0
        ? new IpPrefix(IpAddress.FromV6(((UInt128)0xfd42 << 112) | (UInt128)random.Next(8)), random.Next(120, 129))
        : new IpPrefix(IpAddress.FromV4(0x0A2A0000 + (uint)random.Next(16)), random.Next(24, 33));

    private static string Pick(Random random, params string[] words) => words[random.Next(words.Length)];

    private static RouteCandidate Route(string prefix) =>
        new() { Prefix = IpPrefix.Parse(prefix), NextHop = Self, Origin = Self, Source = RouteSource.Static };

    private static NetworkConfiguration Exporting(params ExportRule[] rules) =>
        Network("") with { Rules = new NetworkRules { Export = [.. rules] } };

    /// <summary>Rules as <c>PEER allow|deny PREFIX[-SHORTEST-LONGEST]</c>, separated by semicolons.</summary>
    private static NetworkConfiguration Network(string rules) => new()
    {
        Name = "corp",
        Prefix = IpPrefix.Parse("10.42.0.0/24"),
        Prefix6 = IpPrefix.Parse("fd42::/64"),
        Rules = new NetworkRules { Import = [.. rules.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(Rule)] },
    };

    private static ImportRule Rule(string text)
    {
        string[] words = text.Trim().Split(' ');
        string[] range = words[2].Split('-');
        IpPrefix block = IpPrefix.Parse(range[0]);
        return new ImportRule
        {
            Peers = [words[0]],
            Deny = words[1] == "deny",
            Prefixes = [range.Length == 1 ? PrefixRange.Exactly(block) : new PrefixRange(block, int.Parse(range[1], null), int.Parse(range[2], null))],
        };
    }
}

/// <summary>The rules as their documentation reads, bit by bit and with regular expressions: slow, and written apart.</summary>
internal static class NaiveRules
{
    public static (bool Accepted, int Number) Judge(NetworkConfiguration network, string peer, IpPrefix prefix)
    {
        ImmutableArray<ImportRule> rules = network.Rules.Import;
        for (int i = 0; i < rules.Length; i++)
        {
            bool meansPeer = rules[i].Peers.Any(pattern => IsLike(peer, pattern));
            bool meansPrefix = rules[i].Prefixes.Any(range =>
                IsInside(prefix, range.Block) && prefix.Length >= range.Shortest && prefix.Length <= range.Longest);
            if (meansPeer && meansPrefix)
                return (!rules[i].Deny, i + 1);
        }
        bool isAddress = prefix.Length == prefix.Address.BitLength;
        bool inSubnet = (network.Prefix is { } v4 && IsInside(prefix, v4)) || (network.Prefix6 is { } v6 && IsInside(prefix, v6));
        return (isAddress && inSubnet, 0);
    }

    private static bool IsLike(string name, string pattern) => System.Text.RegularExpressions.Regex.IsMatch(
        name, "^" + System.Text.RegularExpressions.Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$");

    private static bool IsInside(IpPrefix prefix, IpPrefix block)
    {
        if (prefix.Family != block.Family || prefix.Length < block.Length)
            return false;
        for (int bit = 0; bit < block.Length; bit++)
        {
            int shift = block.Address.BitLength - 1 - bit;
            if (((prefix.Address.Bits >> shift) & 1) != ((block.Address.Bits >> shift) & 1))
                return false;
        }
        return true;
    }
}
