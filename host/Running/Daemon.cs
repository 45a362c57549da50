using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Enrolment;
using VibePN.Host.Logging;
using VibePN.Host.Metrics;
using VibePN.Host.Plugins;
using VibePN.Host.Trust;

namespace VibePN.Host.Running;

/// <summary>Everything that runs, from both files read to the last plugin stopped.</summary>
/// <remarks>
/// Start order: state directory, metrics, plugins (trust, routing, tun, transport, control), engine, control
/// methods. What a failed start has begun is undone before it throws. Stop order is the reverse.
/// </remarks>
internal sealed class Daemon : IDaemon, IAsyncDisposable
{
    private static readonly TimeSpan EngineStopLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan AuditLimit = TimeSpan.FromSeconds(1);

    private readonly CommandLine _files;
    private readonly DaemonConfiguration _configuration;
    private readonly DaemonLog _log;
    private readonly ILogger _logger;
    private readonly PluginSet _plugins;
    private readonly RunningParts _parts;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly TaskCompletionSource<string> _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AuditLog _audit;
    private readonly TrustDesk _trust;
    private readonly Meter _meter = new("vibepn.host");
    private readonly Meter _engineMeter = new("vibepn");
    private readonly Lazy<DateTimeOffset?> _certificateEnds;
    private readonly Enrolments _enrolments;
    private StateLock? _state;
    private Heartbeat? _heartbeat;
    private FirstQuestions? _firstQuestions;

    /// <summary>Takes what was read and checked; starts nothing.</summary>
    public Daemon(CommandLine line, DaemonFiles files, DaemonLog log, PluginLimits limits)
    {
        _files = line;
        _configuration = files.Configuration;
        _log = log;
        _logger = log.Loggers.CreateLogger("host");
        _certificateEnds = new Lazy<DateTimeOffset?>(() => EndOf(_configuration.Engine.Identity.CertificatePem));
        var selection = new PluginSelection(files.Listed);
        _plugins = new PluginSet(selection.Active,
            new PluginServices(log.Loggers, TimeProvider.System, _configuration.Host.StateDirectory, limits));
        _parts = new RunningParts(_configuration.Host, _plugins, selection, log);
        _audit = new AuditLog(_configuration.Host.StateDirectory, TimeProvider.System, log.Loggers.CreateLogger("host/audit"));
        _trust = new TrustDesk(_parts, Node, OneAtATimeAsync);
        _enrolments = new Enrolments(
            EnrolmentStore.In(_configuration.Host.StateDirectory), new EnginePeers(() => _parts.Engine),
            change => OneAtATimeAsync(change, CancellationToken.None), TimeProvider.System, log.Loggers.CreateLogger("host/enrolment"));
        Onboarding = new Onboarding(
            _enrolments, () => _parts.Engine, change => OneAtATimeAsync(change, CancellationToken.None));
        _meter.CreateObservableGauge("vibepn_plugin_unload_pending", () => _plugins.UnloadsPending,
            description: "Stopped plugins whose code is still in memory.");
        _meter.CreateObservableGauge("vibepn_plugin_up", ObservePlugins,
            description: "1 for a plugin that runs, 0 for one that does not.");
        _meter.CreateObservableCounter("vibepn_log_lines_dropped", () => log.Dropped,
            description: "Log lines lost because the queue was full.");
        _meter.CreateObservableGauge("vibepn_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", ControlMethods.Version)),
            description: "Always 1; the version is a label.");
        ProcessMetrics.Publish(_meter, TimeProvider.System);
    }

    /// <inheritdoc/>
    public Fingerprint Node => _configuration.Engine.Identity.Fingerprint;

    /// <summary>Who is told how the daemon is doing.</summary>
    public ServiceManager Manager { get; init; } = ServiceManager.None;

    /// <summary>Completes with the reason when somebody asked the daemon to stop.</summary>
    public Task<string> StopRequested => _stopRequested.Task;

    /// <summary>Starts everything.</summary>
    /// <exception cref="DaemonException">Something cannot start; nothing is left running.</exception>
    public async Task StartAsync()
    {
        long began = Stopwatch.GetTimestamp();
        Log.Starting(_logger, ControlMethods.Version, Node.ToString());
        try
        {
            _state = StateLock.Take(_configuration.Host.StateDirectory);
            _enrolments.Load();
            Task<MetricsEndpoint?> metrics = Task.Run(() => _parts.OpenMetrics(_configuration.Host));
            try
            {
                await _plugins.StartAsync();
            }
            finally
            {
                _parts.Metrics = await metrics;
            }

            await StartEngineAsync();
        }
        catch (Exception exception) // whatever it is, nothing may stay half-started
        {
            await DisposeAsync();
            throw AsSentence(exception);
        }

        Log.Ready(_logger, (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds, _plugins.All.Length,
            _configuration.Engine.Networks.Length, _configuration.Engine.Peers.Length);
        Manager.Ready("Started.");
        _heartbeat = new Heartbeat(Manager, token => _parts.Engine.GetPulseAsync(token), TimeProvider.System);
        _firstQuestions = new FirstQuestions(_configuration.Host.ControlSocket, CompileControl, _logger);
    }

    /// <summary>Says goodbye, removes the interfaces, stops the plugins. Throws nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_firstQuestions is { } questions)
            await questions.DisposeAsync();
        if (_heartbeat is { } heartbeat)
            await heartbeat.DisposeAsync();
        // A change that is under way ends first; one that comes later finds nothing to change.
        await _changing.WaitAsync(EngineStopLimit);
        await Task.WhenAny(_parts.ControlMove, Task.Delay(EngineStopLimit));
        await StopEngineAsync();
        await _plugins.StopAsync();
        _parts.Metrics?.Dispose();
        _parts.Metrics = null;
        _meter.Dispose();
        _engineMeter.Dispose();
        _state?.Dispose();
        _changing.Dispose();
        _enrolments.Dispose();
    }

    /// <summary>Called for an exception nobody caught, on the thread it ended.</summary>
    /// <returns>True when it was a plugin's and the daemon goes on.</returns>
    public bool OnUnhandledException(Exception exception)
    {
        if (_plugins.Attribute(exception) is { } plugin)
        {
            Events.Publish(EventKinds.PluginFailed,
                new EventFacts($"plugin {plugin} failed: {exception.Message}") { Reason = exception.GetType().Name });
            foreach (FailClosedTrust trust in _parts.Trust)
                trust.OnFault();
            return true;
        }

        Log.OwnFault(_logger, exception.ToString());
        return false;
    }

    /// <inheritdoc/>
    public EventRing Events => _parts.Events;

    /// <inheritdoc/>
    public LogLevels LogLevels => _log.Levels;

    /// <inheritdoc/>
    public DateTimeOffset? CertificateEnds => _certificateEnds.Value;

    /// <inheritdoc/>
    public Task<PeerDetail?> GetPeerAsync(string name, CancellationToken cancellationToken) =>
        _parts.Engine.GetPeerAsync(name, cancellationToken);

    /// <inheritdoc/>
    public Task<PeerOrder> DisconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken) =>
        _parts.Engine.DisconnectAsync(name, dryRun, cancellationToken);

    /// <inheritdoc/>
    public Task<PeerOrder> ReconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken) =>
        _parts.Engine.ReconnectAsync(name, dryRun, cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<RouteStatus>> GetRefusedRoutesAsync(CancellationToken cancellationToken) =>
        _parts.Engine.GetRefusedRoutesAsync(cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<PingStep> PingAsync(PingRequest request, CancellationToken cancellationToken) =>
        _parts.Engine.PingAsync(request, cancellationToken);

    /// <inheritdoc/>
    public IOnboarding Onboarding { get; }

    /// <inheritdoc/>
    public ImmutableArray<string> Pending => _parts.Pending;

    /// <inheritdoc/>
    public ImmutableArray<string> Warnings =>
    [
        .. _audit.Fault is { } audit ? [audit] : Array.Empty<string>(),
        .. Onboarding.Fault is { } invites ? [$"invites: {invites}"] : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public ITrustDesk Trust => _trust;
    public CommandLine Files => _files;

    public HostSettings Settings => _parts.Settings;

    public IReadOnlyList<string> RecentLog => _log.Recent;

    public Task<EngineConfiguration> GetConfigurationAsync(CancellationToken cancellationToken) =>
        _parts.Engine.GetConfigurationAsync(cancellationToken);

    public Task<string> GetMetricsAsync(CancellationToken cancellationToken) =>
        _parts.Metrics?.TextAsync(cancellationToken) ?? Task.FromResult("");

    /// <inheritdoc/>
    public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) =>
        _parts.Engine.GetStatusAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetConfigurationHashAsync(CancellationToken cancellationToken) => _parts.DigestAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<RouteAnswer> ExplainRouteAsync(RouteQuestion question, CancellationToken cancellationToken) =>
        _parts.Engine.ExplainRouteAsync(question, cancellationToken);

    /// <inheritdoc/>
    public ImmutableArray<PluginReport> GetPlugins() =>
    [
        .. _plugins.All.Select(plugin => ReportOf(plugin.Plugin, StateText(plugin.State)))
            .Concat(_parts.Selection.Waiting.Select(plugin => ReportOf(plugin, "standby")))
            .OrderBy(report => report.Role, StringComparer.Ordinal).ThenBy(report => report.Name, StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public Task<ReloadOutcome> ReloadAsync(bool dryRun, string caller, CancellationToken cancellationToken) => OneAtATimeAsync(
        async () =>
        {
            ReloadOutcome outcome = await ReloadingAsync(dryRun);
            foreach (string warning in outcome.Warnings)
                Log.ReloadWarning(_logger, warning);
            LogEnds(outcome.EndedSessions);
            if (outcome.Error != ControlError.None)
                Log.ReloadRefused(_logger, caller, outcome.Text);
            else if (!dryRun)
            {
                string changes = outcome.Changes.Count == 0 ? "nothing changed" : string.Join("; ", outcome.Changes);
                Log.Reloaded(_logger, caller, changes);
                Events.Publish(EventKinds.ConfigReloaded, new EventFacts($"reload by {caller}: {changes}"));
            }
            return outcome;
        },
        cancellationToken);

    /// <summary>Reads both files again because of a signal. Throws nothing: nobody waits for it.</summary>
    /// <param name="signal">The signal's name, for the log and the audit line.</param>
    public async Task ReloadBySignalAsync(string signal)
    {
        ReloadOutcome outcome;
        try
        {
            outcome = await ReloadAsync(dryRun: false, signal, CancellationToken.None);
        }
        catch (Exception exception) when (exception is PluginException or ObjectDisposedException)
        {
            outcome = new ReloadOutcome(ControlError.Unavailable, exception.Message, []); // starting or stopping
        }
        _audit.Write(new AuditLine(signal, "reload", [],
            outcome.Error == ControlError.None ? "ok" : JsonNamingPolicy.SnakeCaseLower.ConvertName(outcome.Error.ToString()), outcome.Text));
    }

    /// <summary>Begins an orderly stop because of a signal.</summary>
    /// <param name="signal">The signal's name, for the log and the audit line.</param>
    public void StopBySignal(string signal)
    {
        // A disk that hangs must not keep the daemon from ending.
        Task.Run(() => _audit.Write(new AuditLine(signal, "shutdown", [], "ok", ""))).Wait(AuditLimit);
        RequestStop(signal);
    }

    /// <inheritdoc/>
    public Task<SwapOutcome> SwapAsync(SwapRequest request, string caller, CancellationToken cancellationToken) => OneAtATimeAsync(
        async () =>
        {
            SwapOutcome outcome = await new Swapping(_parts).RunAsync(request);
            if (outcome.Error != ControlError.None)
                Log.SwapRefused(_logger, caller, outcome.Text);
            else if (outcome.Took is { } took)
            {
                Log.Swapped(_logger, caller, outcome.Text, Math.Round(took.TotalMilliseconds, 3));
                Events.Publish(EventKinds.PluginSwapped, new EventFacts($"swap by {caller}: {outcome.Text}"));
            }
            return outcome;
        },
        cancellationToken);

    /// <inheritdoc/>
    public async Task GoodbyeAsync(CancellationToken cancellationToken) => await _parts.Engine.GoodbyeAsync(cancellationToken);

    /// <inheritdoc/>
    public void RequestStop(string reason) => _stopRequested.TrySetResult(reason);

    // What has begun is brought to its end even when nobody waits for it any more: half a change would be worse.
    private async Task<T> OneAtATimeAsync<T>(Func<Task<T>> change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(change, CancellationToken.None);
        }
        finally
        {
            _changing.Release();
        }
    }

    private async Task<ReloadOutcome> ReloadingAsync(bool dryRun)
    {
        var reloading = new Reloading(_parts, _files, Node);
        if (dryRun)
            return await reloading.RunAsync(dryRun);
        string status = "The reload failed.";
        Manager.Reloading();
        try
        {
            ReloadOutcome outcome = await reloading.RunAsync(dryRun);
            status = outcome.Error == ControlError.None ? "Reloaded." : "Reload refused, nothing changed: " + outcome.Text;
            return outcome;
        }
        finally
        {
            Manager.Ready(status); // without it the manager would take the reload for unfinished
        }
    }

    private void LogEnds(ImmutableArray<SessionEnd> ends)
    {
        foreach (SessionEnd end in ends)
            Log.SessionEnded(_logger, end.Peer, end.Reason);
    }

    private static PluginReport ReportOf(CheckedPlugin plugin, string state) => new(
        plugin.Export.Contract, Path.Combine(plugin.Entry.Path, plugin.Export.File), plugin.Package.Hash, plugin.Entry.Name,
        PluginRoles.NameOf(plugin.Entry.Role), state, plugin.Export.Version)
    {
        Settings = plugin.Settings.Texts,
    };

    private void CompileControl(CancellationToken cancellationToken)
    {
        foreach (LoadedPlugin plugin in _plugins.Loaded(PluginRole.Control))
        {
            long began = Stopwatch.GetTimestamp();
            int methods = plugin.Compile(cancellationToken);
            Log.PluginCompiled(_logger, plugin.Entry.Name, methods, (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
    }

    private async Task StartEngineAsync()
    {
        _parts.Trust = [.. _plugins.Trust()];
        var parts = new EngineParts
        {
            Transports = [.. _plugins.Of<ITransportPlugin>(PluginRole.Transport)],
            Tun = _plugins.Of<ITunPlugin>(PluginRole.Tun).Single(),
            Routing = _plugins.Of<IRoutePolicyPlugin>(PluginRole.Routing).Single(),
            Trust = [.. _parts.Trust],
            Loggers = _log.Loggers,
            Time = TimeProvider.System,
            Random = Random.Shared,
            Events = _parts.Events,
            Meter = _engineMeter,
            Store = new PluginStore(Path.Combine(_configuration.Host.StateDirectory, StateFolders.Engine)),
            Joining = _enrolments,
            Built = BuildDay.Start,
        };
        var engine = new OverlayEngine(_configuration.Engine, parts);
        _parts.SetEngine(engine);
        await engine.StartAsync(CancellationToken.None);
        _parts.Methods = new ControlMethods(this, _audit.Write, _log.Loggers.CreateLogger("host/control"));
        ControlMove.Serve(_plugins.Loaded(PluginRole.Control).Single(), _configuration.Host.ControlSocket, _parts.Methods);
    }

    private static DateTimeOffset? EndOf(string certificate)
    {
        try
        {
            using var parsed = X509Certificate2.CreateFromPem(certificate);
            return parsed.NotAfter.ToUniversalTime();
        }
        catch (CryptographicException)
        {
            // It was read before, or the daemon would not run; without its end there is merely no warning of it.
            return null;
        }
    }

    private static DaemonException AsSentence(Exception exception) => exception switch
    {
        DaemonException told => told,
        PluginException plugin => new DaemonException(ExitCodes.Of(plugin.Fault), plugin.Message),
        _ => new DaemonException(ExitCodes.Internal,
            $"the daemon could not start because of a fault of its own: {exception}"),
    };

    private async Task StopEngineAsync()
    {
        if (_parts.SetEngine(null) is not { } engine)
            return;
        try
        {
            await engine.DisposeAsync().AsTask().WaitAsync(EngineStopLimit);
        }
        catch (Exception exception) // whatever it is, the plugins still have to be stopped
        {
            Log.EngineStopFailed(_logger, $"{exception.GetType().Name}: {exception.Message}");
        }
    }

    private IEnumerable<Measurement<int>> ObservePlugins() =>
        _plugins.All.Select(plugin => new Measurement<int>(
            plugin.State == PluginState.Running ? 1 : 0,
            new KeyValuePair<string, object?>("plugin", plugin.Entry.Name),
            new KeyValuePair<string, object?>("role", PluginRoles.NameOf(plugin.Entry.Role)),
            new KeyValuePair<string, object?>("state", StateText(plugin.State))));

    private static string StateText(PluginState state) => state switch
    {
        PluginState.Running => "running",
        PluginState.Failed => "failed",
        PluginState.Zombie => "zombie",
        _ => "stopped",
    };
}
