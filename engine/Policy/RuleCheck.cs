using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Policy;

/// <summary>Looks for routing rules that do nothing, or more than they were meant to.</summary>
/// <remarks>Any thread; takes as long as the rules of one kind times themselves.</remarks>
public static class RuleCheck
{
    /// <summary>An earlier rule decides all that this one could.</summary>
    public const string Shadowed = "VPN1201";

    /// <summary>No configured peer is meant.</summary>
    public const string NoPeer = "VPN1202";

    /// <summary>Takes default routes, or more than a network usually holds.</summary>
    public const string TooWide = "VPN1203";

    /// <summary>Tells what this node does not originate.</summary>
    public const string NotOriginated = "VPN1204";

    /// <summary>Names no prefix.</summary>
    public const string Empty = "VPN1205";

    /// <summary>Allows what is our own, which nobody may announce.</summary>
    public const string OwnPrefix = "VPN1206";

    // Wider blocks than these are no site's LAN.
    private const int WidestV4 = 8;
    private const int WidestV6 = 16;

    /// <summary>All warnings, by network, in the file's order.</summary>
    public static ImmutableArray<ConfigurationWarning> Warnings(EngineConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return
        [
            .. configuration.Networks.SelectMany(network =>
            {
                string[] members = [.. configuration.Peers.Where(peer => peer.Networks.Contains(network.Name)).Select(peer => peer.Name)];
                return Import(network, members).Concat(Export(network, members));
            }).OrderBy(warning => warning.Position.Line).ThenBy(warning => warning.Code, StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<ConfigurationWarning> Import(NetworkConfiguration network, string[] members)
    {
        ImmutableArray<ImportRule> rules = network.Rules.Import;
        for (int i = 0; i < rules.Length; i++)
        {
            ImportRule rule = rules[i];
            string name = $"import rule {i + 1} of network '{network.Name}'";
            if (rule.Prefixes.IsEmpty)
                yield return new(Empty, rule.Position, $"{name} names no prefix and decides nothing: name some, or remove it.");
            string[] meant = [.. members.Where(member => PeerGlob.MatchesAny(rule.Peers.AsSpan(), member))];
            if (meant.Length == 0)
            {
                yield return new(NoPeer, rule.Position,
                    $"{name} is about '{string.Join("', '", rule.Peers)}', which is no configured peer of the network: correct 'peer', or remove the rule.");
            }
            else if (!rule.Prefixes.IsEmpty && rule.Prefixes.All(range => IsDecidedBefore(rules, i, range, meant)))
            {
                yield return new(Shadowed, rule.Position,
                    $"{name} never decides: rules before it match all of the same peers and prefixes. Move it up, or remove it.");
            }
            if (rule.Deny)
                continue;
            foreach (PrefixRange range in rule.Prefixes)
            {
                if (AllowWarning(network, rule, range, name) is { } warning)
                    yield return warning;
            }
        }
    }

    private static bool IsDecidedBefore(ImmutableArray<ImportRule> rules, int index, PrefixRange range, string[] meant) =>
        meant.All(member => rules.AsSpan(0, index).ToArray().Any(earlier =>
            PeerGlob.MatchesAny(earlier.Peers.AsSpan(), member) && earlier.Prefixes.Any(other => other.Contains(range))));

    private static ConfigurationWarning? AllowWarning(
        NetworkConfiguration network, ImportRule rule, PrefixRange range, string name)
    {
        IpAddress? address = range.Block.Family == IpFamily.V4 ? network.Address : network.Address6;
        if (network.Originate.Any(ours => ours.Contains(range.Block)) || (address is { } own && range.Block == IpPrefix.Host(own)))
        {
            return new(OwnPrefix, rule.Position,
                $"{name} allows \"{range}\", which is this node's own: nobody may announce that. Remove it.");
        }
        IpPrefix? subnet = range.Block.Family == IpFamily.V4 ? network.Prefix : network.Prefix6;
        bool isWide = range.Shortest < (range.Block.Family == IpFamily.V4 ? WidestV4 : WidestV6);
        bool holdsNetwork = subnet is { } shared && range.Block.Contains(shared) && range.Block != shared;
        if (rule.Outside || !(isWide || holdsNetwork))
            return null;
        string why = isWide ? "takes blocks that are wider than any site's network" : $"reaches around the network's own subnet {subnet}";
        return new(TooWide, rule.Position,
            $"{name} allows \"{range}\", which {why}: name what the peers may announce, or add 'outside = true' if it is meant.");
    }

    private static IEnumerable<ConfigurationWarning> Export(NetworkConfiguration network, string[] members)
    {
        ImmutableArray<ExportRule> rules = network.Rules.Export ?? [];
        RouteCandidate[] originated = [.. network.Originate.Select(prefix => Own(network, prefix))];
        for (int i = 0; i < rules.Length; i++)
        {
            ExportRule rule = rules[i];
            string name = $"export rule {i + 1} of network '{network.Name}'";
            string[] meant = [.. members.Where(member => PeerGlob.MatchesAny(rule.To.AsSpan(), member))];
            RouteCandidate[] told = [.. originated.Where(route => ExportRules.IsAbout(rule, route))];
            if (meant.Length == 0)
            {
                yield return new(NoPeer, rule.Position,
                    $"{name} is for '{string.Join("', '", rule.To)}', which is no configured peer of the network: correct 'to', or remove the rule.");
            }
            if (told.Length == 0)
            {
                yield return new(NotOriginated, rule.Position,
                    $"{name} matches nothing that this node originates: add it to 'originate', or correct 'match'.");
            }
            else if (meant.Length > 0 && meant.All(member => told.All(route => rules.AsSpan(0, i).ToArray().Any(earlier =>
                PeerGlob.MatchesAny(earlier.To.AsSpan(), member) && ExportRules.IsAbout(earlier, route)))))
            {
                yield return new(Shadowed, rule.Position,
                    $"{name} never decides: rules before it match all of the same peers and prefixes. Move it up, or remove it.");
            }
        }
    }

    private static RouteCandidate Own(NetworkConfiguration network, IpPrefix prefix)
    {
        string? tag = network.OriginateDetails.FirstOrDefault(detail => detail.Prefix == prefix).Tag;
        return new RouteCandidate { Prefix = prefix, NextHop = default, Origin = default, Tags = tag is null ? [] : [tag] };
    }
}
