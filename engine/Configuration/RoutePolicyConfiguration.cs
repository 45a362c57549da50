using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine.Configuration;

/// <summary>The rules of one network: <c>[[networks.NAME.policy.import]]</c> and <c>[[networks.NAME.policy.export]]</c>.</summary>
/// <remarks>
/// The operator's word holds whatever routing plugin is loaded, so the engine judges by these rules before it asks the
/// plugin. Rules are tried in order and the first that matches decides. Equal when they say the same, wherever they stand.
/// </remarks>
public sealed record NetworkRules
{
    /// <summary>No rule: peers may announce their own addresses, and what we originate is announced to all members.</summary>
    public static NetworkRules None { get; } = new();

    /// <summary>What peers may announce, in the file's order.</summary>
    public ImmutableArray<ImportRule> Import { get; init; } = [];

    /// <summary>Which originated prefixes are told to whom, in the file's order; null when the file has no rule at all.</summary>
    public ImmutableArray<ExportRule>? Export { get; init; }

    /// <inheritdoc/>
    public bool Equals(NetworkRules? other) => other is not null
        && Import.SequenceEqual(other.Import)
        && Export.HasValue == other.Export.HasValue
        && (Export ?? []).SequenceEqual(other.Export ?? []);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Import.Length, Export?.Length);
}

/// <summary>One <c>[[networks.NAME.policy.import]]</c>: what some peers may, or may not, announce.</summary>
public sealed record ImportRule
{
    /// <summary>Globs over peers' names, with <c>*</c> and <c>?</c>; the rule concerns a peer that one of them matches.</summary>
    public ImmutableArray<string> Peers { get; init; } = ["*"];

    /// <summary>The prefixes it concerns.</summary>
    public required ImmutableArray<PrefixRange> Prefixes { get; init; }

    /// <summary>Whether they are refused (<c>deny</c>) and not taken (<c>allow</c>).</summary>
    public bool Deny { get; init; }

    /// <summary>Whether the operator means it that the rule reaches beyond what a network usually holds.</summary>
    public bool Outside { get; init; }

    /// <summary>What is changed on what it takes.</summary>
    public RuleChanges Set { get; init; } = RuleChanges.None;

    /// <summary>Where it stands in the file; no part of what it says.</summary>
    public SourcePosition Position { get; init; }

    /// <inheritdoc/>
    public bool Equals(ImportRule? other) => other is not null && Deny == other.Deny && Outside == other.Outside
        && Set == other.Set && Peers.SequenceEqual(other.Peers) && Prefixes.SequenceEqual(other.Prefixes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Deny, Outside, Set, Peers.Length, Prefixes.Length);
}

/// <summary>One <c>[[networks.NAME.policy.export]]</c>: which originated prefixes some peers are told, or are not.</summary>
public sealed record ExportRule
{
    /// <summary>Globs over peers' names, with <c>*</c> and <c>?</c>; the rule concerns a peer that one of them matches.</summary>
    public ImmutableArray<string> To { get; init; } = ["*"];

    /// <summary>The tag a prefix must carry, or null for any.</summary>
    public string? Tag { get; init; }

    /// <summary>The prefixes it concerns; empty for all.</summary>
    public ImmutableArray<PrefixRange> Prefixes { get; init; } = [];

    /// <summary>Whether they are kept back.</summary>
    public bool Deny { get; init; }

    /// <summary>What is changed on what it tells. Only the metric may be.</summary>
    public RuleChanges Set { get; init; } = RuleChanges.None;

    /// <summary>Where it stands in the file; no part of what it says.</summary>
    public SourcePosition Position { get; init; }

    /// <inheritdoc/>
    public bool Equals(ExportRule? other) => other is not null && Deny == other.Deny && Tag == other.Tag
        && Set == other.Set && To.SequenceEqual(other.To) && Prefixes.SequenceEqual(other.Prefixes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Deny, Tag, Set, To.Length, Prefixes.Length);
}

/// <summary>Prefixes inside a block with lengths in a range: <c>"192.168.0.0/16 ge 24 le 28"</c>.</summary>
/// <param name="Block">What they lie in.</param>
/// <param name="Shortest">The shortest length that is meant, at least the block's own.</param>
/// <param name="Longest">The longest length that is meant, at most the family's.</param>
public readonly record struct PrefixRange(IpPrefix Block, int Shortest, int Longest)
{
    /// <summary>Exactly one prefix.</summary>
    public static PrefixRange Exactly(IpPrefix prefix) => new(prefix, prefix.Length, prefix.Length);

    /// <summary>Whether a prefix is meant.</summary>
    public bool Contains(IpPrefix prefix) =>
        prefix.Length >= Shortest && prefix.Length <= Longest && Block.Contains(prefix);

    /// <summary>Whether every prefix that the other range means is meant by this one too.</summary>
    public bool Contains(PrefixRange other) =>
        Block.Contains(other.Block) && Shortest <= other.Shortest && Longest >= other.Longest;

    /// <summary>As the configuration writes it.</summary>
    public override string ToString()
    {
        string text = Block.ToString();
        if (Shortest == Block.Length && Longest == Block.Length)
            return text;
        if (Shortest > Block.Length)
            text += $" ge {Shortest}";
        return Longest < Block.Address.BitLength || Shortest == Block.Length ? text + $" le {Longest}" : text;
    }
}

/// <summary>What a rule's <c>set</c> changes.</summary>
public sealed record RuleChanges
{
    /// <summary>Nothing.</summary>
    public static RuleChanges None { get; } = new();

    /// <summary>The preference, 0 to 65,535, or null to leave it.</summary>
    public int? Preference { get; init; }

    /// <summary>The metric, or null to leave it.</summary>
    public MetricChange? Metric { get; init; }

    /// <summary>Tags that are added, at most 8.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(RuleChanges? other) => other is not null
        && Preference == other.Preference && Metric == other.Metric && Tags.SequenceEqual(other.Tags);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Preference, Metric, Tags.Length);
}

/// <summary>Another metric: <c>10</c> in place of the announced one, or <c>"+10"</c> on top of it.</summary>
/// <param name="Value">The number.</param>
/// <param name="IsAdded">Whether it is added.</param>
public readonly record struct MetricChange(uint Value, bool IsAdded)
{
    /// <summary>The changed metric; the largest that still means "reachable" when the sum is beyond it.</summary>
    public uint Apply(uint metric)
    {
        ulong changed = IsAdded ? (ulong)metric + Value : Value;
        return (uint)Math.Min(changed, uint.MaxValue - 1);
    }
}

/// <summary>A prefix behind this node with more to say than that it is there: <c>[[networks.NAME.originate]]</c>.</summary>
/// <param name="Prefix">One of the network's originated prefixes.</param>
/// <param name="Metric">The metric it is announced with; 0 for those without an entry.</param>
/// <param name="Tag">What export rules may know it by, or null.</param>
public readonly record struct OriginateDetail(IpPrefix Prefix, uint Metric, string? Tag = null);

/// <summary>What is done with a peer that announces more than it may.</summary>
public enum LimitAction
{
    /// <summary>What is over the limit is refused; what was taken stays.</summary>
    Reject = 0,

    /// <summary>Its session ends and is not taken up again for five minutes.</summary>
    Teardown = 1,
}

/// <summary><c>[networks.NAME.limits]</c>: how many routes are taken.</summary>
/// <param name="PerPeer">From one peer, 1 to 100,000.</param>
/// <param name="Total">In the network, 1 to 1,000,000.</param>
/// <param name="OnLimit">What happens to a peer that goes over its own limit.</param>
public sealed record RouteLimits(int PerPeer = 256, int Total = 100_000, LimitAction OnLimit = LimitAction.Reject)
{
    /// <summary>The defaults.</summary>
    public static RouteLimits Standard { get; } = new();

    /// <summary>Whether a peer with so many routes has used up 80 % of what it may.</summary>
    public bool IsNear(int routes) => routes * 5L >= PerPeer * 4L;
}
