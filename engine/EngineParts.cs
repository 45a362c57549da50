using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Events;

namespace VibePN.Engine;

/// <summary>What the host hands the engine: one started plugin per role, and the services that touch the world.</summary>
/// <remarks>The engine calls the plugins; starting and stopping them is the host's.</remarks>
public sealed record EngineParts
{
    /// <summary>At least one; the first serves addresses without a scheme.</summary>
    public required ImmutableArray<ITransportPlugin> Transports { get; init; }

    /// <summary>Makes the interfaces.</summary>
    public required ITunPlugin Tun { get; init; }

    /// <summary>Decides over routes.</summary>
    public required IRoutePolicyPlugin Routing { get; init; }

    /// <summary>At least one; all must accept.</summary>
    public required ImmutableArray<ITrustPlugin> Trust { get; init; }

    /// <summary>Loggers by component, such as <c>engine/sessions</c>.</summary>
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Randomness for jitter and sequence numbers; thread-safe.</summary>
    public required Random Random { get; init; }

    /// <summary>Where what changes is told.</summary>
    public required EventRing Events { get; init; }

    /// <summary>Fills bytes that nobody can guess; thread-safe.</summary>
    public Action<byte[]> FillSecret { get; init; } = bytes => RandomNumberGenerator.Fill(bytes);

    /// <summary>Where the engine's instruments go.</summary>
    public required Meter Meter { get; init; }

    /// <summary>Keeps the instance number and the time across restarts.</summary>
    public required IPluginStore Store { get; init; }

    /// <summary>Keeps invites; null when strangers are never let in.</summary>
    public IJoinAuthority? Joining { get; init; }

    /// <summary>When the daemon was built: a clock that stands before it is wrong. The default says nothing.</summary>
    public DateTimeOffset Built { get; init; }

    /// <summary>
    /// The parts without those that can be swapped: whoever kept them from the start would keep a plugin's code in
    /// memory after another has taken its place.
    /// </summary>
    internal EngineParts WithoutDeciders() => this with { Routing = NoPolicy.Instance, Trust = [] };

    private sealed class NoPolicy : IRoutePolicyPlugin
    {
        public static NoPolicy Instance { get; } = new();

        public ImportVerdict Import(ImportRequest request) => throw Misused();

        public ExportVerdict Export(ExportRequest request) => throw Misused();

        public IRouteLookup Compile(RouteSnapshot snapshot) => throw Misused();

        public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => throw Misused();

        public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) => throw Misused();

        public ValueTask StartAsync(CancellationToken cancellationToken) => throw Misused();

        public ValueTask StopAsync(CancellationToken cancellationToken) => throw Misused();

        private static InvalidOperationException Misused() => new("The policy slot has the policy.");
    }
}
