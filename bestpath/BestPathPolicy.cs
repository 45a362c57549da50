using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>A chooser made into a policy: tables, selections and explanations that all ask it alike.</summary>
/// <param name="chooserOf">The chooser for a network and prefix.</param>
public sealed class BestPathPolicy(Func<string, IpPrefix, IPathChooser> chooserOf)
{
    /// <summary>The table of a network: the chosen candidates of each prefix that has a usable one.</summary>
    public IRouteLookup Compile(RouteSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var members = new Members(snapshot);
        RouteCandidate[] usable =
            [.. snapshot.Candidates.Where(route => members.Judge(route) == RouteReason.Accepted)];
        Array.Sort(usable, CompareByPrefix);
        var choices = new List<PathChoice>();
        for (int start = 0, end; start < usable.Length; start = end)
        {
            end = start + 1;
            while (end < usable.Length && usable[end].Prefix == usable[start].Prefix)
                end++;
            choices.Add(Choose(snapshot, members, usable.AsSpan(start, end - start)));
        }
        return CompiledTable.Build(choices);
    }

    /// <summary>What becomes of the candidates of exactly this prefix.</summary>
    public RouteSelection Select(RouteSnapshot snapshot, IpPrefix prefix)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var members = new Members(snapshot);
        (PathChoice? choice, List<CandidateVerdict> verdicts) = Judge(snapshot, members, prefix);
        ImmutableArray<NextHop> hops = choice is { } made
            ? [.. made.Chosen.Select(route => route.NextHop).Order().Select(peer => new NextHop(peer))]
            : [];
        return new RouteSelection(new NextHopGroup(hops), [.. verdicts]);
    }

    /// <summary>Why a destination goes where it goes.</summary>
    public RouteExplanation Explain(RouteSnapshot snapshot, IpAddress destination)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var members = new Members(snapshot);
        IpPrefix[] covering =
        [
            .. snapshot.Candidates.Select(route => route.Prefix).Where(prefix => prefix.Contains(destination))
                .Distinct().OrderByDescending(prefix => prefix.Length),
        ];
        PathChoice? chosen = null;
        var used = new List<CandidateVerdict>();
        var unused = new List<CandidateVerdict>();
        foreach (IpPrefix prefix in covering)
        {
            (PathChoice? choice, List<CandidateVerdict> verdicts) = Judge(snapshot, members, prefix);
            foreach (CandidateVerdict verdict in verdicts)
            {
                bool usable = members.Judge(verdict.Candidate) == RouteReason.Accepted;
                bool isWider = usable && chosen is not null;
                (usable ? used : unused).Add(isWider ? Wider(verdict.Candidate, chosen!.Value.Best) : verdict);
            }
            chosen ??= choice;
        }
        return new RouteExplanation(
            chosen?.Chosen ?? [], [.. used, .. unused], TextOf(snapshot, members, destination, covering.Length, chosen));
    }

    private static string TextOf(
        RouteSnapshot snapshot, Members members, IpAddress destination, int covering, PathChoice? chosen)
    {
        if (chosen is not { } made)
        {
            string none = covering == 0 ? "nothing covers it" : "nothing that covers it is usable";
            return $"{destination} has no route in {snapshot.Network}: {none}.";
        }
        string hops = string.Join(" or ", made.Chosen.Select(route => members.NameOf(route.NextHop)));
        return $"{destination} goes to {hops} by {made.Best.Prefix} in {snapshot.Network}.";
    }

    private static CandidateVerdict Wider(RouteCandidate route, RouteCandidate best) =>
        new(route, RouteReason.ShorterPrefix, $"Lost: {route.Prefix} is wider than {best.Prefix}.");

    private (PathChoice? Choice, List<CandidateVerdict> Verdicts) Judge(RouteSnapshot snapshot, Members members, IpPrefix prefix)
    {
        RouteCandidate[] all =
            [.. snapshot.Candidates.Where(route => route.Prefix == prefix).OrderBy(route => route, RouteOrder.Instance)];
        RouteCandidate[] usable = Array.FindAll(all, route => members.Judge(route) == RouteReason.Accepted);
        PathChoice? choice = usable.Length == 0 ? null : Choose(snapshot, members, usable);
        IPathChooser chooser = chooserOf(snapshot.Network, prefix);
        var verdicts = new List<CandidateVerdict>(all.Length);
        if (choice is { } made)
        {
            verdicts.AddRange(made.Chosen.Select((route, i) => i == 0
                ? new CandidateVerdict(route, RouteReason.Best, "Chosen: nothing beats it.")
                : new CandidateVerdict(route, RouteReason.EqualPath, "Chosen beside the best: its equal.")));
            verdicts.AddRange(usable.Where(route => !made.Chosen.Contains(route))
                .Select(route => chooser.ExplainLoss(members, route, made)));
        }
        verdicts.AddRange(all.Where(route => !usable.Contains(route)).Select(members.Explain));
        return (choice, verdicts);
    }

    private PathChoice Choose(RouteSnapshot snapshot, Members members, Span<RouteCandidate> usable) =>
        chooserOf(snapshot.Network, usable[0].Prefix).Choose(members, usable, Math.Clamp(snapshot.MaxPaths, 1, 8));

    private static int CompareByPrefix(RouteCandidate left, RouteCandidate right)
    {
        int order = left.Prefix.CompareTo(right.Prefix);
        return order != 0 ? order : RouteOrder.Instance.Compare(left, right);
    }
}
