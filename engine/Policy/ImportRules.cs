using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Policy;

/// <summary>Judges announcements by the configuration's import rules: the first that matches decides.</summary>
/// <remarks>
/// Without a rule a peer may announce its own addresses inside the network's subnets and nothing else
/// (the idea of RFC 8212: no route without a rule).
/// </remarks>
internal static class ImportRules
{
    /// <summary>Whether the rules take a prefix from a peer.</summary>
    /// <param name="network">The network with its rules.</param>
    /// <param name="peer">The peer's name.</param>
    /// <param name="prefix">What it announces.</param>
    public static RuleVerdict Judge(NetworkConfiguration network, string peer, IpPrefix prefix)
    {
        for (int i = 0; i < network.Rules.Import.Length; i++)
        {
            ImportRule rule = network.Rules.Import[i];
            if (!PeerGlob.MatchesAny(rule.Peers.AsSpan(), peer))
                continue;
            foreach (PrefixRange range in rule.Prefixes)
            {
                if (!range.Contains(prefix))
                    continue;
                string name = $"import rule {i + 1}{RuleVerdict.Place(rule.Position)}";
                return rule.Deny
                    ? new RuleVerdict(false, RouteReason.RuleRefused, $"{name} denies \"{range}\"", i + 1, rule.Set)
                    : new RuleVerdict(true, RouteReason.Accepted, $"{name} allows \"{range}\"", i + 1, rule.Set);
            }
        }
        return IsAddressInSubnet(network, prefix)
            ? RuleVerdict.Default(true, RouteReason.Accepted, $"no rule needed: {prefix} is an address in the network's subnet")
            : RuleVerdict.Default(false, RouteReason.NoRule,
                $"no import rule allows {prefix} from {peer} in {network.Name}: add one to [[networks.{network.Name}.policy.import]] if it should be taken");
    }

    /// <summary>The candidate with what a rule sets on it.</summary>
    /// <param name="candidate">As announced, with the link's cost in its metric.</param>
    /// <param name="changes">What the rule sets.</param>
    /// <param name="announced">The metric as announced.</param>
    /// <param name="linkCost">What the way to the peer costs.</param>
    public static RouteCandidate Apply(RouteCandidate candidate, RuleChanges changes, uint announced, uint linkCost) => candidate with
    {
        Preference = changes.Preference ?? candidate.Preference,
        Metric = new MetricChange(linkCost, IsAdded: true).Apply(changes.Metric?.Apply(announced) ?? announced),
        Tags = changes.Tags,
    };

    /// <summary>Whether a prefix is one address in one of the network's subnets.</summary>
    public static bool IsAddressInSubnet(NetworkConfiguration network, IpPrefix prefix)
    {
        IpPrefix? subnet = prefix.Family == IpFamily.V4 ? network.Prefix : network.Prefix6;
        return prefix.IsHost && subnet is { } shared && shared.Contains(prefix);
    }
}
