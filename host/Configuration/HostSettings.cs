using System.Net;
using Microsoft.Extensions.Logging;
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
