using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Which announcements are taken. What no rule here allows is refused.</summary>
/// <remarks>
/// The engine has checked before that the sender is a member, that the prefix is canonical and no martian, that
/// a single address lies inside the network's subnet, and that it is not ours.
/// </remarks>
internal static class ImportRules
{
    public static ImportVerdict Judge(ImportRequest request, LpmSettings settings)
    {
        RouteCandidate route = request.Candidate;
        string peer = request.Peer.Name;
        if (route.Origin != request.Peer.Id || route.NextHop != request.Peer.Id || !route.Path.IsDefaultOrEmpty)
            return Refused(RouteReason.NotPermitted, $"{route.Prefix} is not {peer}'s own: only direct routes are taken.");
        if (route.Prefix.Length == 0)
            return Refused(RouteReason.Martian, $"{route.Prefix} is a default route, which no peer may announce.");
        if (route.Metric == RouteOrder.Infinity)
            return Refused(RouteReason.PolicyRefused, $"{route.Prefix} is announced as not reachable.");
        if (!route.Prefix.IsHost && !settings.AcceptOriginated)
        {
            return Refused(RouteReason.NotPermitted,
                $"{route.Prefix} is a network behind {peer}, and accept_originated is false.");
        }
        if (request.AcceptedFromPeer >= settings.MaxRoutesPerPeer)
        {
            return Refused(RouteReason.LimitReached,
                $"{peer} has its {settings.MaxRoutesPerPeer} routes in {request.Network} already (max_routes_per_peer).");
        }
        string what = route.Prefix.IsHost ? $"an address of {peer}" : $"a network behind {peer}";
        return new ImportVerdict(route, RouteReason.Accepted, $"{route.Prefix} is {what}.");
    }

    private static ImportVerdict Refused(RouteReason reason, string text) => new(null, reason, text);
}
