using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Which of our routes are given: those that the configuration names, and never back to where they came from.</summary>
internal static class ExportRules
{
    public static ExportVerdict Judge(ExportRequest request)
    {
        RouteCandidate route = request.Candidate;
        string peer = request.Peer.Name;
        if (ComesFrom(route, request.Peer.Id))
            return Refused(RouteReason.SplitHorizon, $"{route.Prefix} came from {peer} and is not announced back to it.");
        if (!request.ConfiguredExport)
            return Refused(RouteReason.NotExported, $"{route.Prefix} is neither our exported address nor originated here.");
        return new ExportVerdict(true, route.Metric, RouteReason.Accepted, $"{route.Prefix} is announced to {peer}.");
    }

    private static bool ComesFrom(RouteCandidate route, Fingerprint peer) =>
        route.NextHop == peer || route.Origin == peer || (!route.Path.IsDefaultOrEmpty && route.Path.Contains(peer));

    private static ExportVerdict Refused(RouteReason reason, string text) =>
        new(false, RouteOrder.Infinity, reason, text);
}
