using VibePN.Contracts;
using VibePN.Engine.Policy;
using VibePN.Engine.Routes;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Where a ping goes.</summary>
/// <param name="Network">The network.</param>
/// <param name="Source">Our address in it.</param>
/// <param name="Destination">Whom.</param>
internal sealed record PingTarget(string Network, IpAddress Source, IpAddress Destination)
{
    /// <summary>Finds where a ping goes. Runs on the control thread.</summary>
    /// <param name="plane">The node.</param>
    /// <param name="request">What to ping.</param>
    /// <param name="now">The time.</param>
    /// <param name="problem">Why it cannot be pinged, and what to do.</param>
    public static PingTarget? Find(ControlPlane plane, PingRequest request, Instant now, out string problem)
    {
        string? name = request.Network;
        if (!IpAddress.TryParse(request.Target, out IpAddress destination)
            && !TryAddressOf(plane, request, now, out destination, out name, out problem))
            return null;
        RouteAnswer answer = plane.Explain(new RouteQuestion(destination, name), now);
        problem = answer.Problem;
        if (answer.Report is not { } report)
            return null;
        OverlayNetwork network = plane.Networks.Find(report.Network)!;
        IpAddress source = network.OwnAddresses.FirstOrDefault(own => own.Family == destination.Family);
        problem = report.Local.Length > 0 ? $"{destination} is this node's own: {report.Local}"
            : network.Port is null ? $"network {report.Network} has no interface: {network.Error}"
            : source.Family == IpFamily.None
                ? $"this node has no {(destination.Family == IpFamily.V6 ? "IPv6" : "IPv4")} address in network {report.Network}, so nobody could answer"
            : "";
        return problem.Length == 0 ? new PingTarget(report.Network, source, destination) : null;
    }

    /// <summary>The first address that a peer has told to be its own, IPv4 before IPv6.</summary>
    private static bool TryAddressOf(
        ControlPlane plane, PingRequest request, Instant now, out IpAddress address, out string? network, out string problem)
    {
        address = default;
        network = null;
        problem = "";
        PeerMachine? peer = plane.Peers.FirstOrDefault(candidate => candidate.Configuration.Name == request.Target);
        if (peer is null)
        {
            problem = $"'{request.Target}' is neither an address nor a peer. "
                + (plane.Peers.Count == 0 ? "There are no peers." : $"Peers: {string.Join(", ", plane.Peers.Select(known => known.Configuration.Name))}.");
            return false;
        }
        foreach (OverlayNetwork candidate in plane.Networks.All.Where(each => request.Network is null || each.Configuration.Name == request.Network))
        {
            IpPrefix own = candidate.Routes.Candidates(now)
                .FirstOrDefault(route => route.NextHop == peer.Identity && ImportRules.IsAddressInSubnet(candidate.Configuration, route.Prefix))
                ?.Prefix ?? default;
            if (own.Address.Family == IpFamily.None)
                continue;
            (address, network) = (own.Address, candidate.Configuration.Name);
            return true;
        }
        problem = peer.Active is null
            ? $"peer {request.Target} is not connected ({StatusReport.StateOf(peer)}{(peer.LastError.Length > 0 ? $"; {peer.LastError}" : "")}), and no address of it is known. 'vpnctl peers {request.Target}' says more."
            : $"peer {request.Target} has told no address of its own{(request.Network is null ? "" : $" in network {request.Network}")}: "
                + "has it 'export = true' there, and do the import rules take it ('vpnctl routes --filtered')?";
        return false;
    }
}
