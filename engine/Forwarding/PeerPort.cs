using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Engine.Forwarding;

/// <summary>What forwarding needs to know of one peer in one network.</summary>
/// <remarks>
/// Lives as long as the peer is the network's member.
/// The control thread sets it, packet threads read it; each property is one volatile reference to something
/// immutable, so no reader ever sees half a change.
/// </remarks>
/// <param name="peer">Who.</param>
/// <param name="network">The network the peer is a member of.</param>
internal sealed class PeerPort(Fingerprint peer, NetworkPort network)
{
    private volatile ActiveConnection? _active;
    private volatile PrefixSet _allowedSources = PrefixSet.Empty;

    /// <summary>Who.</summary>
    public Fingerprint Peer { get; } = peer;

    /// <summary>The network the peer is a member of.</summary>
    public NetworkPort Network { get; } = network;

    /// <summary>Where packets for the peer go now; null while it has no connection that carries traffic.</summary>
    public ActiveConnection? Active
    {
        get => _active;
        set => _active = value;
    }

    /// <summary>
    /// The sources the peer may use in this network: every prefix accepted from it, not only where it is the best
    /// way, so that asymmetric routes work. Empty to begin with.
    /// </summary>
    public PrefixSet AllowedSources
    {
        get => _allowedSources;
        set => _allowedSources = value;
    }

    /// <summary>Packets that a connection to the peer took.</summary>
    public TrafficCounters Sent { get; } = new();

    /// <summary>Packets from the peer that the device took.</summary>
    public TrafficCounters Received { get; } = new();

    /// <summary>Packets to the peer, and from it, that went nowhere.</summary>
    public DropCounters Drops { get; } = new();
}

/// <summary>A connection that carries a peer's traffic and our number of the network on it, set and read together.</summary>
/// <param name="Connection">The connection.</param>
/// <param name="Number">The network's number as our own Hello on this connection gave it.</param>
internal sealed record ActiveConnection(ITransportConnection Connection, byte Number);
