using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Judges the candidates of one prefix by the order that the table is compiled by.</summary>
internal static class Selection
{
    public static RouteSelection Of(RouteSnapshot snapshot, IpPrefix prefix)
    {
        var eligibility = new Eligibility(snapshot);
        RouteCandidate[] candidates =
            [.. snapshot.Candidates.Where(route => route.Prefix == prefix).OrderBy(route => route, RouteOrder.Instance)];
        RouteCandidate? best = Array.Find(candidates, route => eligibility.Judge(route) == RouteReason.Accepted);
        ImmutableArray<CandidateVerdict> verdicts =
        [
            .. candidates
                .OrderBy(route => eligibility.Judge(route) == RouteReason.Accepted ? 0 : 1)
                .Select(route => eligibility.Judge(route) != RouteReason.Accepted ? eligibility.Explain(route)
                    : ReferenceEquals(route, best) ? new CandidateVerdict(route, RouteReason.Best, "Chosen: nothing beats it.")
                    : RouteOrder.Verdict(route, best!)),
        ];
        return new RouteSelection(new NextHopGroup(best is null ? [] : [new NextHop(best.NextHop)]), verdicts);
    }
}
