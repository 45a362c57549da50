using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Routes;
using VibePN.Engine.Sessions;

namespace VibePN.Engine.Node;

/// <summary>What of a node is worth counting, as one immutable value that any thread may read.</summary>
/// <param name="Peers">The configured peers, by name; their ports and connections go on counting.</param>
/// <param name="RoutesRefused">Announcements refused since start.</param>
/// <param name="Networks">The networks; their ports' counters go on counting.</param>
internal sealed record NodeFacts(
    ImmutableArray<NodeFacts.Peer> Peers, long RoutesRefused, ImmutableArray<NodeFacts.Network> Networks)
{
    /// <summary>A node that has not begun.</summary>
    public static NodeFacts None { get; } = new([], 0, []);

    /// <summary>Peers in the configuration.</summary>
    public int PeersConfigured => Peers.Length;

    /// <summary>Peers with a connection that carries traffic.</summary>
    public int PeersUp => Peers.Count(peer => peer.Active is not null);

    /// <summary>The facts of now. Control thread only.</summary>
    public static NodeFacts Of(ControlPlane plane) => new(
        [.. plane.Peers.Select(peer => Peer.Of(peer, plane.Networks.All))],
        plane.Routes.Refused,
        [.. plane.Networks.All.Select(network => new Network(network.Configuration.Name, network.Routes.States, network.Port))]);

    /// <summary>One network.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Routes">Routes known now.</param>
    /// <param name="Port">Its counters, or null while it has no interface.</param>
    internal sealed record Network(string Name, RouteStates Routes, NetworkPort? Port);

    /// <summary>One configured peer.</summary>
    /// <param name="Name">The operator's label.</param>
    /// <param name="State">As in a status.</param>
    /// <param name="Active">The connection that carries its traffic, or null.</param>
    /// <param name="Connections">All open connections.</param>
    /// <param name="Ended">Counters of connections that are over.</param>
    /// <param name="Ports">Its counters in each network that is open and that it is a member of.</param>
    internal sealed record Peer(
        string Name, string State, ITransportConnection? Active, ImmutableArray<ITransportConnection> Connections,
        ConnectionStatistics Ended, ImmutableArray<PeerPort> Ports)
    {
        /// <summary>The counters of all its connections since the daemon's start.</summary>
        public ConnectionStatistics Total
        {
            get
            {
                ConnectionStatistics total = Ended;
                foreach (ITransportConnection connection in Connections)
                    total = total.And(connection.GetStatistics());
                return total;
            }
        }

        /// <summary>The facts of now.</summary>
        public static Peer Of(PeerMachine peer, IReadOnlyCollection<OverlayNetwork> networks) => new(
            peer.Configuration.Name, StatusReport.StateOf(peer), peer.Active?.Transport,
            [.. peer.Connections.Select(connection => connection.Transport)], peer.Ended, [.. PortsOf(peer, networks)]);

        private static IEnumerable<PeerPort> PortsOf(PeerMachine peer, IReadOnlyCollection<OverlayNetwork> networks)
        {
            if (peer.Identity is not { } identity)
                yield break;
            foreach (OverlayNetwork network in networks)
            {
                if (network.Ports.TryGetValue(identity, out PeerPort? port)
                    && peer.Configuration.Networks.Contains(network.Configuration.Name))
                    yield return port;
            }
        }
    }
}
