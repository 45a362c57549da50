using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>What becomes of the candidates of one prefix. Table, selection and explanation are all made from this.</summary>
internal sealed class Selection
{
    private readonly Eligibility _eligibility;
    private readonly RouteCandidate[] _usable;
    private readonly RouteCandidate[] _unusable;

    private Selection(IpPrefix prefix, IEnumerable<RouteCandidate> candidates, Eligibility eligibility, int maxPaths)
    {
        Prefix = prefix;
        _eligibility = eligibility;
        RouteCandidate[] sorted = [.. candidates];
        if (sorted.Length > 1)
            Array.Sort(sorted, RouteOrder.Instance);
        _usable = Array.FindAll(sorted, route => eligibility.Judge(route) == RouteReason.Accepted);
        _unusable = _usable.Length == sorted.Length
            ? []
            : Array.FindAll(sorted, route => eligibility.Judge(route) != RouteReason.Accepted);
        Chosen = Choose(_usable, Math.Clamp(maxPaths, 1, 8));
    }

    /// <summary>The prefix.</summary>
    public IpPrefix Prefix { get; }

    /// <summary>The candidates that carry packets, best first; empty when none can.</summary>
    public ImmutableArray<RouteCandidate> Chosen { get; }

    /// <summary>The next hops that carry packets, each with the same share.</summary>
    public NextHopGroup Group => new([.. Chosen.Select(route => new NextHop(route.NextHop))]);

    /// <summary>Candidates that could be chosen, best first, with why each was or was not.</summary>
    public IEnumerable<CandidateVerdict> UsableVerdicts => _usable.Select(Judge);

    /// <summary>Candidates that cannot be chosen, with why.</summary>
    public IEnumerable<CandidateVerdict> UnusableVerdicts => _unusable.Select(_eligibility.Explain);

    /// <summary>One selection for each prefix, sorted by prefix, whatever the snapshot's order.</summary>
    public static IEnumerable<Selection> All(RouteSnapshot snapshot) => Of(snapshot, snapshot.Candidates);

    /// <summary>The selection of one prefix; nobody is chosen where there is no candidate.</summary>
    public static Selection Of(RouteSnapshot snapshot, IpPrefix prefix) => new(
        prefix, snapshot.Candidates.Where(route => route.Prefix == prefix), new Eligibility(snapshot), snapshot.MaxPaths);

    /// <summary>One selection for each prefix that holds an address, the longest prefix first.</summary>
    public static IEnumerable<Selection> Covering(RouteSnapshot snapshot, IpAddress address) =>
        Of(snapshot, snapshot.Candidates.Where(route => route.Prefix.Contains(address))).Reverse();

    private static IEnumerable<Selection> Of(RouteSnapshot snapshot, IEnumerable<RouteCandidate> candidates)
    {
        var eligibility = new Eligibility(snapshot);
        return candidates
            .GroupBy(route => route.Prefix)
            .OrderBy(group => group.Key)
            .Select(group => new Selection(group.Key, group, eligibility, snapshot.MaxPaths));
    }

    // Those that no step up to the path's length tells from the best share the load; the rest of the order says who is
    // left out where there are too many.
    private static ImmutableArray<RouteCandidate> Choose(RouteCandidate[] usable, int maxPaths)
    {
        if (usable.Length < 2 || maxPaths == 1)
            return [.. usable.Take(1)];
        return
        [
            .. usable
                .TakeWhile(route => RouteOrder.AreOfEqualStanding(route, usable[0]))
                .DistinctBy(route => route.NextHop)
                .Take(maxPaths),
        ];
    }

    private CandidateVerdict Judge(RouteCandidate route)
    {
        int place = Chosen.FindIndex(route);
        if (place < 0)
            return RouteOrder.Verdict(route, Chosen[0]);
        if (place > 0)
            return new CandidateVerdict(route, RouteReason.EqualPath, "Chosen beside the best, whose equal it is through step 6.");
        return new CandidateVerdict(route, RouteReason.Best, "Chosen: nothing beats it.");
    }
}

/// <summary>Finds a candidate by reference: equal ones are told apart by their place.</summary>
internal static class CandidateSearch
{
    public static int FindIndex(this ImmutableArray<RouteCandidate> routes, RouteCandidate route)
    {
        for (int i = 0; i < routes.Length; i++)
        {
            if (ReferenceEquals(routes[i], route))
                return i;
        }
        return -1;
    }
}
