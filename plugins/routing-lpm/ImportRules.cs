using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>Which announcements are taken: those that the configuration's rules let through, as long as they are direct.</summary>
/// <remarks>
/// The engine has checked before that the sender is a member, that the prefix is canonical, no martian and not ours, that the
/// limits allow it and that a rule takes it.
/// </remarks>
internal static class ImportRules
{
    /// <summary>A metric that means "not reachable".</summary>
    public const uint Infinity = uint.MaxValue;

    public static ImportVerdict Judge(ImportRequest request)
    {
        RouteCandidate route = request.Candidate;
        string peer = request.Peer.Name;
        if (route.Origin != request.Peer.Id || route.NextHop != request.Peer.Id || !route.Path.IsDefaultOrEmpty)
            return Refused(RouteReason.NotPermitted, $"{route.Prefix} is not {peer}'s own: only direct routes are taken.");
        if (route.Prefix.Length == 0)
            return Refused(RouteReason.Martian, $"{route.Prefix} is a default route, which no peer may announce.");
        if (route.Metric == Infinity)
            return Refused(RouteReason.PolicyRefused, $"{route.Prefix} is announced as not reachable.");
        string what = route.Prefix.IsHost ? $"an address of {peer}" : $"a network behind {peer}";
        return new ImportVerdict(route, RouteReason.Accepted, $"{route.Prefix} is {what}.");
    }

    private static ImportVerdict Refused(RouteReason reason, string text) => new(null, reason, text);
}
