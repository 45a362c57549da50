using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>The part of config.toml that concerns the daemon itself, not the overlay.</summary>
internal sealed record HostSettings
{
    /// <summary>Where the daemon and its plugins keep what must survive a restart. Absolute.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>The control endpoint: for a Unix socket its path.</summary>
    public required string ControlSocket { get; init; }

    /// <summary>Where metrics are served, or null when they are off.</summary>
    public required IPEndPoint? MetricsListen { get; init; }

    /// <summary>The least severe level that is logged.</summary>
    public required LogLevel LogLevel { get; init; }
}

/// <summary>All of config.toml, checked.</summary>
/// <param name="Host">What concerns the daemon.</param>
/// <param name="Engine">What concerns the overlay.</param>
internal sealed record DaemonConfiguration(HostSettings Host, EngineConfiguration Engine);

/// <summary>What could be read of a config.toml that may have mistakes.</summary>
/// <param name="Host">What concerns the daemon.</param>
/// <param name="Identity">Who we are; null when certificate or key could not be read.</param>
/// <param name="Listen">Where to accept connections.</param>
/// <param name="Peers">The peers that have a name.</param>
/// <param name="Networks">The networks, sorted by name.</param>
/// <param name="Sessions">How connections are kept.</param>
internal sealed record ConfigDraft(
    HostSettings Host, NodeIdentity? Identity, ImmutableArray<IPEndPoint> Listen, ImmutableArray<PeerConfiguration> Peers,
    ImmutableArray<NetworkConfiguration> Networks, SessionConfiguration Sessions)
{
    /// <summary>The configuration of a node with this identity.</summary>
    public DaemonConfiguration With(NodeIdentity identity) => new(Host, new EngineConfiguration
    {
        Identity = identity,
        Listen = Listen,
        Peers = Peers,
        Networks = Networks,
        Sessions = Sessions,
    });
}
