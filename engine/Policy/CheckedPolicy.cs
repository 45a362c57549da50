using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine.Policy;

/// <summary>Asks a routing plugin and holds its answers to the contract.</summary>
/// <remarks>
/// What a plugin may not say becomes a refusal, or an <see cref="InvalidOperationException"/> that callers treat like any
/// other fault of the plugin. Debug builds ask twice: equal questions must get equal answers.
/// </remarks>
internal static class CheckedPolicy
{
    /// <summary>The largest preference; the smallest is 0.</summary>
    public const int MaxPreference = 65_535;

    /// <summary>Most tags on a route.</summary>
    public const int MaxTags = 8;

    /// <summary>Most next hops in a group.</summary>
    public const int MaxHops = 8;

    private const int MaxTagLength = 32;
    private const int MaxWeight = 256;
    private const int MaxGroups = 65_535;

    /// <summary>Asks whether an announcement is taken.</summary>
    public static ImportVerdict Import(IRoutePolicyPlugin policy, ImportRequest request)
    {
        ImportVerdict verdict = policy.Import(request);
        AssertSame(verdict.Candidate is null, policy.Import(request).Candidate is null, nameof(Import));
        if (verdict.Candidate is not { } taken)
            return verdict;
        return WrongIn(taken, request.Candidate) is { } wrong
            ? new ImportVerdict(null, RouteReason.PolicyRefused, $"the routing policy {wrong}")
            : verdict;
    }

    /// <summary>Asks whether a route is told.</summary>
    public static ExportVerdict Export(IRoutePolicyPlugin policy, ExportRequest request)
    {
        ExportVerdict verdict = policy.Export(request);
        AssertSame(verdict, policy.Export(request), nameof(Export));
        return verdict;
    }

    /// <summary>Asks for a table.</summary>
    /// <exception cref="InvalidOperationException">The table leads where no candidate leads, or is not what a table is.</exception>
    public static IRouteLookup Compile(IRoutePolicyPlugin policy, RouteSnapshot snapshot)
    {
        IRouteLookup lookup = policy.Compile(snapshot);
        ImmutableArray<NextHopGroup> groups = lookup.Groups;
        if (groups.IsDefaultOrEmpty || !groups[0].Hops.IsEmpty || groups.Length > MaxGroups)
            throw new InvalidOperationException("its table does not begin with the empty group, or has too many");
        HashSet<Fingerprint> known = [.. snapshot.Candidates.Select(candidate => candidate.NextHop)];
        foreach (NextHopGroup group in groups)
            CheckGroup(group, known);
        return lookup;
    }

    /// <summary>Asks for the next hops of one prefix.</summary>
    /// <exception cref="InvalidOperationException">It left out, repeated or made up a candidate, or chose one it did not name.</exception>
    public static RouteSelection SelectNextHops(IRoutePolicyPlugin policy, RouteSnapshot snapshot, IpPrefix prefix)
    {
        RouteSelection selection = policy.SelectNextHops(snapshot, prefix);
        RouteCandidate[] candidates = [.. snapshot.Candidates.Where(candidate => candidate.Prefix == prefix)];
        Fingerprint[] judged = [.. selection.Verdicts.Select(verdict => verdict.Candidate.NextHop).Order()];
        if (!judged.SequenceEqual(candidates.Select(candidate => candidate.NextHop).Order())
            || selection.Verdicts.Any(verdict => verdict.Candidate.Prefix != prefix))
            throw new InvalidOperationException($"its verdicts on {prefix} are not one for each candidate");
        CheckGroup(selection.Group, [.. judged]);
        AssertSame(
            string.Join(' ', selection.Group.Hops),
            string.Join(' ', policy.SelectNextHops(snapshot, prefix).Group.Hops), nameof(SelectNextHops));
        return selection;
    }

    /// <summary>Asks why a packet goes where it goes.</summary>
    /// <exception cref="InvalidOperationException">It names a candidate that is none, or chose one it did not consider.</exception>
    public static RouteExplanation Explain(IRoutePolicyPlugin policy, RouteSnapshot snapshot, in PacketKey packet)
    {
        RouteExplanation explanation = policy.Explain(snapshot, packet);
        HashSet<(IpPrefix, Fingerprint)> known = [.. snapshot.Candidates.Select(candidate => (candidate.Prefix, candidate.NextHop))];
        foreach (RouteCandidate candidate in explanation.Considered.Select(verdict => verdict.Candidate).Concat(explanation.Chosen))
        {
            if (!known.Contains((candidate.Prefix, candidate.NextHop)))
                throw new InvalidOperationException($"it explains with {candidate.Prefix} by {candidate.NextHop.ToShortString()}, which is no candidate");
        }
        return explanation;
    }

    private static string? WrongIn(RouteCandidate taken, RouteCandidate offered)
    {
        if (taken.Prefix != offered.Prefix || taken.NextHop != offered.NextHop || taken.Origin != offered.Origin)
            return "changed what it may not: prefix, next hop and origin stay";
        if (taken.Source != offered.Source || taken.Relayed != offered.Relayed || taken.Stale != offered.Stale
            || taken.OriginSequence != offered.OriginSequence || !taken.Path.AsSpan().SequenceEqual(offered.Path.AsSpan()))
            return "changed what it may not: source, path and sequence stay";
        if (taken.Preference is < 0 or > MaxPreference)
            return $"gave the preference {taken.Preference}: it is 0 to {MaxPreference}";
        if (taken.Metric == uint.MaxValue)
            return "gave an infinite metric";
        bool areTags = taken.Tags.IsDefaultOrEmpty
            || (taken.Tags.Length <= MaxTags && taken.Tags.All(tag => tag is { Length: >= 1 and <= MaxTagLength }));
        return areTags ? null : $"gave tags that are none: at most {MaxTags} of 1 to {MaxTagLength} characters";
    }

    private static void CheckGroup(NextHopGroup group, HashSet<Fingerprint> known)
    {
        if (group.Hops.IsDefault || group.Hops.Length > MaxHops)
            throw new InvalidOperationException($"it made a group of more than {MaxHops} next hops");
        for (int i = 0; i < group.Hops.Length; i++)
        {
            NextHop hop = group.Hops[i];
            if (!known.Contains(hop.Peer) || hop.Weight is < 1 or > MaxWeight)
                throw new InvalidOperationException($"its next hop {hop.Peer.ToShortString()}, weight {hop.Weight}, is no candidate's, or no weight");
            for (int other = 0; other < i; other++)
            {
                if (group.Hops[other].Peer == hop.Peer)
                    throw new InvalidOperationException($"it made a group with {hop.Peer.ToShortString()} twice");
            }
        }
    }

    // The second answer is asked for as an argument, so release builds do not ask at all.
    [System.Diagnostics.Conditional("DEBUG")]
    private static void AssertSame<T>(T first, T second, string call)
    {
        if (!EqualityComparer<T>.Default.Equals(first, second))
            throw new InvalidOperationException($"{call} gave two answers to one question");
    }
}
