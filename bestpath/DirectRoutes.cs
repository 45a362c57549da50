using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>What every policy of direct routes takes and gives, after the engine's own rules have allowed it.</summary>
public static class DirectRoutes
{
    /// <summary>Taken: what a peer announces as its own.</summary>
    public static ImportVerdict Import(ImportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RouteCandidate route = request.Candidate;
        string peer = request.Peer.Name;
        if (route.Origin != request.Peer.Id || route.NextHop != request.Peer.Id || !route.Path.IsDefaultOrEmpty)
            return Refused(RouteReason.NotPermitted, $"{route.Prefix} is not {peer}'s own: only direct routes are taken.");
        if (route.Metric == RouteOrder.Infinity)
            return Refused(RouteReason.PolicyRefused, $"{route.Prefix} is announced as not reachable.");
        string what = route.Prefix.IsHost ? $"an address of {peer}" : $"a network behind {peer}";
        return new ImportVerdict(route, RouteReason.Accepted, $"{route.Prefix} is {what}.");
    }

    /// <summary>Given: what the configuration names, and never back to where it came from.</summary>
    public static ExportVerdict Export(ExportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RouteCandidate route = request.Candidate;
        string peer = request.Peer.Name;
        if (ComesFrom(route, request.Peer.Id))
            return Kept(RouteReason.SplitHorizon, $"{route.Prefix} came from {peer} and is not announced back to it.");
        if (!request.ConfiguredExport)
            return Kept(RouteReason.NotExported, $"{route.Prefix} is neither our exported address nor originated here.");
        return new ExportVerdict(true, route.Metric, RouteReason.Accepted, $"{route.Prefix} is announced to {peer}.");
    }

    private static bool ComesFrom(RouteCandidate route, Fingerprint peer) =>
        route.NextHop == peer || route.Origin == peer || (!route.Path.IsDefaultOrEmpty && route.Path.Contains(peer));

    private static ImportVerdict Refused(RouteReason reason, string text) => new(null, reason, text);

    private static ExportVerdict Kept(RouteReason reason, string text) => new(false, RouteOrder.Infinity, reason, text);
}
