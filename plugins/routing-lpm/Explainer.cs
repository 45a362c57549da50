using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Tells why a destination goes where it goes, with the rules that the table is compiled by.</summary>
internal static class Explainer
{
    public static RouteExplanation Explain(RouteSnapshot snapshot, IpAddress destination)
    {
        var eligibility = new Eligibility(snapshot);
        RouteCandidate[] covering = [.. snapshot.Candidates.Where(route => route.Prefix.Contains(destination))];
        RouteCandidate[] usable =
        [
            .. covering
                .Where(route => eligibility.Judge(route) == RouteReason.Accepted)
                .OrderByDescending(route => route.Prefix.Length)
                .ThenBy(route => route, RouteOrder.Instance),
        ];
        IEnumerable<CandidateVerdict> unusable = covering
            .Where(route => eligibility.Judge(route) != RouteReason.Accepted)
            .OrderByDescending(route => route.Prefix.Length)
            .ThenBy(route => route, RouteOrder.Instance)
            .Select(eligibility.Explain);

        if (usable.Length == 0)
        {
            string none = covering.Length == 0 ? "nothing covers it" : "nothing that covers it is usable";
            return new RouteExplanation([], [.. unusable], $"{destination} has no route in {snapshot.Network}: {none}.");
        }
        RouteCandidate best = usable[0];
        ImmutableArray<CandidateVerdict> considered =
            [.. usable.Select(route => Verdict(route, best)), .. unusable];
        return new RouteExplanation([best], considered,
            $"{destination} goes to {eligibility.NameOf(best.NextHop)} by {best.Prefix} in {snapshot.Network}.");
    }

    private static CandidateVerdict Verdict(RouteCandidate route, RouteCandidate best)
    {
        if (ReferenceEquals(route, best))
            return new CandidateVerdict(route, RouteReason.Best, "Chosen: nothing beats it.");
        return route.Prefix == best.Prefix
            ? RouteOrder.Verdict(route, best)
            : new CandidateVerdict(route, RouteReason.ShorterPrefix, $"Lost: {route.Prefix} is wider than {best.Prefix}.");
    }
}
