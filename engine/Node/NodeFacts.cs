using System.Collections.Immutable;
using VibePN.Engine.Forwarding;

namespace VibePN.Engine.Node;

/// <summary>What of a node is worth counting, as one immutable value that any thread may read.</summary>
/// <param name="PeersConfigured">Peers in the configuration.</param>
/// <param name="PeersUp">Peers with a connection that carries traffic.</param>
/// <param name="RoutesRefused">Announcements refused since start.</param>
/// <param name="Networks">The networks; their ports' counters go on counting.</param>
internal sealed record NodeFacts(
    int PeersConfigured, int PeersUp, long RoutesRefused, ImmutableArray<NodeFacts.Network> Networks)
{
    /// <summary>A node that has not begun.</summary>
    public static NodeFacts None { get; } = new(0, 0, 0, []);

    /// <summary>The facts of now. Control thread only.</summary>
    public static NodeFacts Of(ControlPlane plane) => new(
        plane.Peers.Count,
        plane.Peers.Count(peer => peer.Active is not null),
        plane.Routes.Refused,
        [.. plane.Networks.All.Select(network => new Network(network.Configuration.Name, network.Routes.Count, network.Port))]);

    /// <summary>One network.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Routes">Routes accepted now.</param>
    /// <param name="Port">Its counters, or null while it has no interface.</param>
    internal sealed record Network(string Name, int Routes, NetworkPort? Port);
}
