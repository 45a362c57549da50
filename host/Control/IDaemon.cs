using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>The daemon as its control methods see it.</summary>
internal interface IDaemon
{
    /// <summary>Our own fingerprint.</summary>
    Fingerprint Node { get; }

    /// <summary>A picture of the engine.</summary>
    Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken);

    /// <summary>Why a packet would go where it goes.</summary>
    Task<RouteAnswer> ExplainRouteAsync(RouteQuestion question, CancellationToken cancellationToken);

    /// <summary>The plugins, sorted by role and name.</summary>
    ImmutableArray<PluginReport> GetPlugins();

    /// <summary>Reads config.toml again and changes to it, all or nothing.</summary>
    /// <param name="caller">Who asked, for the log.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<ReloadOutcome> ReloadAsync(string caller, CancellationToken cancellationToken);

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
/// <param name="State"><c>running</c>, <c>failed</c>, <c>stopped</c> or <c>zombie</c>.</param>
/// <param name="Version">The assembly's version.</param>
internal sealed record PluginReport(
    string Contract, string File, string Hash, string Name, string Role, string State, string Version);

/// <summary>What became of a reload.</summary>
/// <param name="Error">None when it was done.</param>
/// <param name="Text">Every error, one a line; empty when there are none.</param>
/// <param name="Changes">What was changed, one line each.</param>
internal sealed record ReloadOutcome(ControlError Error, string Text, IReadOnlyList<string> Changes);
