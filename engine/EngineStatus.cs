using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>A consistent picture of the engine, taken on its control thread. Everything sorted.</summary>
/// <param name="Uptime">Since start.</param>
/// <param name="Peers">By name.</param>
/// <param name="Networks">By name.</param>
/// <param name="Routes">By network, prefix, then next hop.</param>
/// <param name="Warnings">What an operator should look at, one sentence each.</param>
public sealed record EngineStatus(
    TimeSpan Uptime,
    ImmutableArray<PeerStatus> Peers,
    ImmutableArray<NetworkStatus> Networks,
    ImmutableArray<RouteStatus> Routes,
    ImmutableArray<string> Warnings)
{
    /// <summary>What kernel and network card do for us, and why not more: a line for each transport and each open network.</summary>
    public ImmutableArray<string> Offloads { get; init; } = [];
}

/// <summary>What the control thread says of the node when it is asked whether it runs.</summary>
/// <param name="PeersUp">Peers with a connection that carries traffic.</param>
/// <param name="PeersConfigured">Peers in the configuration.</param>
/// <param name="NetworksOpen">Networks with an interface.</param>
/// <param name="Networks">Networks in the configuration.</param>
public readonly record struct EnginePulse(int PeersUp, int PeersConfigured, int NetworksOpen, int Networks);

/// <summary>One configured peer.</summary>
public sealed record PeerStatus
{
    /// <summary>The operator's label.</summary>
    public required string Name { get; init; }

    /// <summary>The certificate in use or configured; null when not yet known.</summary>
    public Fingerprint? Id { get; init; }

    /// <summary>Where we dial, best first; empty when the peer dials us.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary><c>up</c>, <c>connecting</c>, <c>waiting</c> (for the back-off) or <c>idle</c> (the peer dials us).</summary>
    public required string State { get; init; }

    /// <summary>Names of its networks.</summary>
    public ImmutableArray<string> Networks { get; init; } = [];

    /// <summary>When it was last heard, UTC, or null for never.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>When the present connection came up, UTC, or null.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Which end we are of the active connection.</summary>
    public ConnectionRole? Role { get; init; }

    /// <summary>Connections open to the peer now; 1 when all is well.</summary>
    public int Connections { get; init; }

    /// <summary>The active connection's path, or null.</summary>
    public PathFacts? Path { get; init; }

    /// <summary>The active connection's counters.</summary>
    public ConnectionStatistics Counters { get; init; }

    /// <summary>Why the last try or connection ended, or empty.</summary>
    public string LastError { get; init; } = "";

    /// <summary>Time until the next dial, or null.</summary>
    public TimeSpan? NextDial { get; init; }

    /// <summary>When these numbers were taken, since the engine's start.</summary>
    public TimeSpan SampledAt { get; init; }
}

/// <summary>One network.</summary>
public sealed record NetworkStatus
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The interface's name, or empty when it is not open.</summary>
    public required string Device { get; init; }

    /// <summary>Interface MTU, in bytes.</summary>
    public int Mtu { get; init; }

    /// <summary>Our addresses with subnet length.</summary>
    public ImmutableArray<InterfaceAddress> Addresses { get; init; } = [];

    /// <summary>Prefixes behind this node that peers are told.</summary>
    public ImmutableArray<IpPrefix> Originate { get; init; } = [];

    /// <summary>Members among the peers that are up.</summary>
    public int PeersUp { get; init; }

    /// <summary>Packets and bytes from the kernel into the overlay.</summary>
    public long PacketsOut { get; init; }

    /// <summary>Bytes from the kernel into the overlay.</summary>
    public long BytesOut { get; init; }

    /// <summary>Packets from the overlay into the kernel.</summary>
    public long PacketsIn { get; init; }

    /// <summary>Bytes from the overlay into the kernel.</summary>
    public long BytesIn { get; init; }

    /// <summary>Packets dropped, by reason; only reasons that occurred, sorted by code.</summary>
    public ImmutableArray<KeyValuePair<DropReason, long>> Drops { get; init; } = [];

    /// <summary>Why the network does not work, or empty.</summary>
    public string Error { get; init; } = "";
}

/// <summary>One accepted candidate.</summary>
/// <param name="Network">The network's name.</param>
/// <param name="Candidate">The route.</param>
/// <param name="PeerName">The next hop's label, or empty when no longer configured.</param>
/// <param name="Best">Whether packets for exactly this prefix use it.</param>
/// <param name="Expires">When it goes unless refreshed, UTC.</param>
public sealed record RouteStatus(
    string Network, RouteCandidate Candidate, string PeerName, bool Best, DateTimeOffset? Expires)
{
    /// <summary>Why it is not used although it was announced; null for an accepted one.</summary>
    public RouteRefusal? Refusal { get; init; }
}
