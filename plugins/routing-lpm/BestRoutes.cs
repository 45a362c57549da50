using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Picks the best usable candidate of every prefix.</summary>
internal static class BestRoutes
{
    /// <summary>One candidate per prefix that has a usable one, sorted by prefix, whatever the snapshot's order.</summary>
    public static List<RouteCandidate> Of(RouteSnapshot snapshot)
    {
        var eligibility = new Eligibility(snapshot);
        var best = new Dictionary<IpPrefix, RouteCandidate>(snapshot.Candidates.Length);
        foreach (RouteCandidate route in snapshot.Candidates)
        {
            if (eligibility.Judge(route) != RouteReason.Accepted)
                continue;
            if (!best.TryGetValue(route.Prefix, out RouteCandidate? other) || RouteOrder.Instance.Compare(route, other) < 0)
                best[route.Prefix] = route;
        }
        List<RouteCandidate> sorted = [.. best.Values];
        sorted.Sort(static (a, b) => a.Prefix.CompareTo(b.Prefix));
        return sorted;
    }
}
