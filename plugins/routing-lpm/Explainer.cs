using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Tells why a destination goes where it goes, from the selections that the table is compiled from.</summary>
internal static class Explainer
{
    public static RouteExplanation Explain(RouteSnapshot snapshot, IpAddress destination)
    {
        Selection[] covering = [.. Selection.Covering(snapshot, destination)];
        Selection? matched = Array.Find(covering, selection => !selection.Chosen.IsEmpty);
        ImmutableArray<CandidateVerdict> considered =
        [
            .. covering.SelectMany(selection => selection == matched
                ? selection.UsableVerdicts
                : selection.UsableVerdicts.Select(verdict => Wider(verdict.Candidate, matched!.Prefix))),
            .. covering.SelectMany(selection => selection.UnusableVerdicts),
        ];
        if (matched is null)
        {
            string none = covering.Length == 0 ? "nothing covers it" : "nothing that covers it is usable";
            return new RouteExplanation([], considered, $"{destination} has no route in {snapshot.Network}: {none}.");
        }
        var names = new Eligibility(snapshot);
        string hops = string.Join(" or ", matched.Chosen.Select(route => names.NameOf(route.NextHop)));
        return new RouteExplanation(matched.Chosen, considered,
            $"{destination} goes to {hops} by {matched.Prefix} in {snapshot.Network}.");
    }

    private static CandidateVerdict Wider(RouteCandidate route, IpPrefix matched) =>
        new(route, RouteReason.ShorterPrefix, $"Lost: {route.Prefix} is wider than {matched}.");
}
