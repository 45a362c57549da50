using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Policy;

/// <summary>Judges what a peer is told by the configuration: our own addresses by <c>export</c>, originated prefixes by the export rules.</summary>
internal static class ExportRules
{
    /// <summary>Whether the configuration tells a peer one of our own routes.</summary>
    /// <param name="network">The network with its rules.</param>
    /// <param name="peer">The peer's name.</param>
    /// <param name="route">Our own address, or an originated prefix with its tag.</param>
    public static RuleVerdict Judge(NetworkConfiguration network, string peer, RouteCandidate route)
    {
        if (route.Source == RouteSource.Connected)
        {
            return network.Export
                ? RuleVerdict.Default(true, RouteReason.Accepted, $"network {network.Name} has 'export = true'")
                : RuleVerdict.Default(false, RouteReason.NotExported, $"network {network.Name} does not have 'export = true'");
        }
        if (network.Rules.Export is not { } rules)
            return RuleVerdict.Default(true, RouteReason.Accepted, $"{route.Prefix} is originated, and there is no export rule");
        for (int i = 0; i < rules.Length; i++)
        {
            ExportRule rule = rules[i];
            if (!PeerGlob.MatchesAny(rule.To.AsSpan(), peer) || !IsAbout(rule, route))
                continue;
            string name = $"export rule {i + 1}{RuleVerdict.Place(rule.Position)}";
            return rule.Deny
                ? new RuleVerdict(false, RouteReason.RuleRefused, $"{name} keeps {route.Prefix} from {peer}", i + 1, rule.Set)
                : new RuleVerdict(true, RouteReason.Accepted, $"{name} tells {peer} {route.Prefix}", i + 1, rule.Set);
        }
        return RuleVerdict.Default(false, RouteReason.NoRule, $"no export rule tells {peer} {route.Prefix}");
    }

    /// <summary>Whether a rule is about a route, whoever would be told.</summary>
    public static bool IsAbout(ExportRule rule, RouteCandidate route)
    {
        if (rule.Tag is { } tag && !route.Tags.Contains(tag))
            return false;
        if (rule.Prefixes.IsEmpty)
            return true;
        foreach (PrefixRange range in rule.Prefixes)
        {
            if (range.Contains(route.Prefix))
                return true;
        }
        return false;
    }
}
