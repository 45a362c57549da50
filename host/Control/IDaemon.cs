using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Host.Logging;
using VibePN.Host.Trust;
using VibePN.Host.Configuration;
using VibePN.Host.Running;
using VibePN.Host.Enrolment;

namespace VibePN.Host.Control;

/// <summary>The daemon as its control methods see it.</summary>
internal interface IDaemon
{
    /// <summary>Our own fingerprint.</summary>
    Fingerprint Node { get; }

    /// <summary>The last things that happened.</summary>
    EventRing Events { get; }

    /// <summary>How much is logged.</summary>
    LogLevels LogLevels { get; }

    /// <summary>When this node's certificate ends, or null when that cannot be told.</summary>
    DateTimeOffset? CertificateEnds { get; }

    /// <summary>Everything about one peer; null when there is none of that name.</summary>
    Task<PeerDetail?> GetPeerAsync(string name, CancellationToken cancellationToken);

    /// <summary>Ends a peer's connections.</summary>
    Task<PeerOrder> DisconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken);

    /// <summary>Dials a peer at once.</summary>
    Task<PeerOrder> ReconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken);

    /// <summary>Announcements that are known and not used.</summary>
    Task<ImmutableArray<RouteStatus>> GetRefusedRoutesAsync(CancellationToken cancellationToken);

    /// <summary>Pings through the overlay.</summary>
    IAsyncEnumerable<PingStep> PingAsync(PingRequest request, CancellationToken cancellationToken);

    /// <summary>What the files say and waits for the next start, one line each.</summary>
    ImmutableArray<string> Pending { get; }

    /// <summary>What is wrong with the host itself, one sentence each.</summary>
    ImmutableArray<string> Warnings { get; }

    /// <summary>Who is believed, and an operator's say in it.</summary>
    ITrustDesk Trust { get; }
    /// <summary>Where the files are.</summary>
    CommandLine Files { get; }

    /// <summary>The host's settings in effect.</summary>
    HostSettings Settings { get; }

    /// <summary>The last lines of the log, oldest first.</summary>
    IReadOnlyList<string> RecentLog { get; }

    /// <summary>The engine's configuration in effect.</summary>
    Task<EngineConfiguration> GetConfigurationAsync(CancellationToken cancellationToken);

    /// <summary>What the metrics address would answer now; empty when metrics are off.</summary>
    Task<string> GetMetricsAsync(CancellationToken cancellationToken);

    /// <summary>A picture of the engine.</summary>
    Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken);

    /// <summary>Why a packet would go where it goes.</summary>
    Task<RouteAnswer> ExplainRouteAsync(RouteQuestion question, CancellationToken cancellationToken);

    /// <summary>A digest of everything in effect.</summary>
    Task<string> GetConfigurationHashAsync(CancellationToken cancellationToken);

    /// <summary>The plugins, sorted by role and name; those that stand by included.</summary>
    ImmutableArray<PluginReport> GetPlugins();

    /// <summary>Reads both files again and changes to them, all or nothing.</summary>
    /// <param name="dryRun">Whether to say what would change, and change nothing.</param>
    /// <param name="caller">Who asked, for the log.</param>
    /// <param name="cancellationToken">Ends the wait for an earlier change; what has begun is brought to its end.</param>
    Task<ReloadOutcome> ReloadAsync(bool dryRun, string caller, CancellationToken cancellationToken);

    /// <summary>Lets a plugin that is listed take another's place.</summary>
    /// <param name="request">Which.</param>
    /// <param name="caller">Who asked, for the log.</param>
    /// <param name="cancellationToken">As above.</param>
    Task<SwapOutcome> SwapAsync(SwapRequest request, string caller, CancellationToken cancellationToken);

    /// <summary>Inviting and joining.</summary>
    IOnboarding Onboarding { get; }

    /// <summary>Says goodbye to every peer.</summary>
    Task GoodbyeAsync(CancellationToken cancellationToken);

    /// <summary>Begins an orderly stop, soon.</summary>
    void RequestStop(string reason);
}

/// <summary>One plugin for <c>plugins.list</c>.</summary>
/// <param name="Contract">Contract version, <c>major.minor</c>.</param>
/// <param name="File">The folder as plugins.toml has it, with the assembly's file.</param>
/// <param name="Hash">The folder's SHA-256.</param>
/// <param name="Name">The plugin's name.</param>
/// <param name="Role">The role it fills.</param>
/// <param name="State"><c>running</c>, <c>failed</c>, <c>stopped</c>, <c>zombie</c> or <c>standby</c>.</param>
/// <param name="Version">The assembly's version.</param>
internal sealed record PluginReport(
    string Contract, string File, string Hash, string Name, string Role, string State, string Version)
{
    /// <summary>The settings it has, defaults included; by name.</summary>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>What became of a reload.</summary>
/// <param name="Error">None when it was done.</param>
/// <param name="Text">Every error, one a line; empty when there are none.</param>
/// <param name="Changes">What was changed, or would be, one line each.</param>
internal sealed record ReloadOutcome(ControlError Error, string Text, IReadOnlyList<string> Changes)
{
    /// <summary>What is wrong with plugins that the daemon can do without.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Sessions that other trust plugins ended.</summary>
    public ImmutableArray<SessionEnd> EndedSessions { get; init; } = [];
}

/// <summary>Which plugin is to take whose place.</summary>
/// <param name="Role">The role: <c>routing</c> or <c>trust</c>.</param>
/// <param name="Name">Who comes.</param>
/// <param name="Replace">Who goes; null when only one fills the role.</param>
/// <param name="DryRun">Whether to say what would change, and change nothing.</param>
internal sealed record SwapRequest(string Role, string Name, string? Replace, bool DryRun);

/// <summary>What became of a swap.</summary>
/// <param name="Error">None when it was done.</param>
/// <param name="Text">What happened, or why not.</param>
/// <param name="Changes">Destinations and sessions concerned, one line each.</param>
/// <param name="Took">How long the control thread was busy; null when nothing was changed.</param>
internal sealed record SwapOutcome(ControlError Error, string Text, ImmutableArray<string> Changes, TimeSpan? Took)
{
    /// <summary>Nothing was changed, and why.</summary>
    public static SwapOutcome Refused(ControlError error, string text) => new(error, text, [], null);
}
