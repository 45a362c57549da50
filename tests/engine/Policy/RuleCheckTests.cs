using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;
using VibePN.Engine.Tests.Node;

namespace VibePN.Engine.Tests.Policy;

public sealed class RuleCheckTests
{
    [Fact]
    public void Sensible_rules_raise_no_warning() => Assert.Empty(Warnings(
        import: [Allow("branch-*", "192.168.0.0/16", 24, 28), Allow("hub", "172.16.0.0/12", 12, 24)],
        export: [new ExportRule { To = ["hub"] }, new ExportRule { Tag = "lan" }]));

    [Fact]
    public void A_rule_behind_one_that_matches_all_of_it_is_shadowed()
    {
        Assert.Equal("VPN1201 2", Warning(import: [Allow("*", "192.168.0.0/16", 16, 32), Allow("hub", "192.168.7.0/24", 24, 24)]));
        Assert.Equal("VPN1201 3", Warning(import:
            [Allow("hub", "192.168.0.0/16", 16, 32), Allow("branch-*", "192.168.0.0/16", 16, 32), Allow("*", "192.168.7.0/24", 24, 24)]));
        Assert.Equal("VPN1201 2", Warning(export: [new ExportRule(), new ExportRule { To = ["hub"], Deny = true }]));
        Assert.Empty(Warnings(import: [Allow("hub", "192.168.0.0/16", 16, 32), Allow("*", "192.168.7.0/24", 24, 24)]));
        Assert.Empty(Warnings(import: [Allow("*", "192.168.7.0/24", 24, 24), Allow("*", "192.168.0.0/16", 16, 32)]));
    }

    [Fact]
    public void A_rule_for_nobody_is_named()
    {
        Assert.Equal("VPN1202 1", Warning(import: [Allow("brnach-*", "192.168.0.0/16", 24, 28)]));
        Assert.Equal("VPN1202 1", Warning(import: [Allow("outsider", "192.168.0.0/16", 24, 28)])); // a peer, but no member
        Assert.Equal("VPN1202 1", Warning(export: [new ExportRule { To = ["hbu"] }]));
    }

    [Fact]
    public void A_rule_that_takes_too_much_wants_a_word_of_consent()
    {
        Assert.Equal("VPN1203 1", Warning(import: [Allow("hub", "0.0.0.0/0", 0, 32)]));
        Assert.Equal("VPN1203 1", Warning(import: [Allow("hub", "::/0", 0, 128)]));
        Assert.Equal("VPN1203 1", Warning(import: [Allow("hub", "10.0.0.0/8", 24, 32)])); // around the network's subnet
        Assert.Empty(Warnings(import: [Allow("hub", "10.0.0.0/8", 8, 32) with { Outside = true }]));
        Assert.Empty(Warnings(import: [Allow("hub", "0.0.0.0/0", 0, 32) with { Deny = true }]));
    }

    [Fact]
    public void An_export_rule_without_an_originated_prefix_is_dead()
    {
        Assert.Equal("VPN1204 1", Warning(export: [new ExportRule { Prefixes = [PrefixRange.Exactly(IpPrefix.Parse("192.168.8.0/24"))] }]));
        Assert.Equal("VPN1204 1", Warning(export: [new ExportRule { Tag = "dmz" }]));
    }

    [Fact]
    public void A_rule_without_prefixes_and_one_for_our_own_are_named()
    {
        Assert.Equal("VPN1205 1", Warning(import: [new ImportRule { Prefixes = [], Position = At(1) }]));
        Assert.Equal("VPN1206 1", Warning(import: [Allow("hub", "10.99.7.0/25", 25, 32)]));
        Assert.Equal("VPN1206 1", Warning(import: [Allow("hub", "10.42.0.1/32", 32, 32)]));
    }

    [Fact]
    public void A_warning_names_file_line_and_remedy() => Assert.Equal(
        "config.toml(1,1): warning VPN1202: import rule 1 of network 'corp' is about 'brnach-*', which is no configured peer of "
        + "the network: correct 'peer', or remove the rule.",
        Assert.Single(Warnings(import: [Allow("brnach-*", "192.168.0.0/16", 24, 28)])).ToString());

    private static ImportRule Allow(string peer, string block, int shortest, int longest) =>
        new() { Peers = [peer], Prefixes = [new PrefixRange(IpPrefix.Parse(block), shortest, longest)] };

    private static string Warning(ImportRule[]? import = null, ExportRule[]? export = null)
    {
        ConfigurationWarning warning = Assert.Single(Warnings(import, export));
        return $"{warning.Code} {warning.Position.Line}";
    }

    // Each rule stands in the line of its number.
    private static ImmutableArray<ConfigurationWarning> Warnings(ImportRule[]? import = null, ExportRule[]? export = null)
    {
        NetworkConfiguration network = NodeLab.Network("corp", 42, 1) with
        {
            Originate = [IpPrefix.Parse("10.99.7.0/24")],
            OriginateDetails = [new OriginateDetail(IpPrefix.Parse("10.99.7.0/24"), 0, "lan")],
            Rules = new NetworkRules
            {
                Import = [.. (import ?? []).Select((rule, i) => rule with { Position = At(i + 1) })],
                Export = export is null ? null : [.. export.Select((rule, i) => rule with { Position = At(i + 1) })],
            },
        };
        return RuleCheck.Warnings(new EngineConfiguration
        {
            Identity = new NodeIdentity(default, "", ""),
            Listen = [],
            Networks = [network],
            Peers =
            [
                .. new[] { "hub", "branch-1", "branch-2" }.Select(name => new PeerConfiguration { Name = name, Networks = ["corp"] }),
                new PeerConfiguration { Name = "outsider" },
            ],
        });
    }

    private static SourcePosition At(int line) => new("config.toml", line, 1);
}
