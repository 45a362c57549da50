using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Metrics;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Everything that runs, from both files read to the last plugin stopped.</summary>
/// <remarks>
/// Start order: state directory, metrics, plugins (trust, routing, tun, transport, control), engine, control
/// methods. What a failed start has begun is undone before it throws. Stop order is the reverse.
/// </remarks>
internal sealed class Daemon : IDaemon, IAsyncDisposable
{
    private static readonly TimeSpan EngineStopLimit = TimeSpan.FromSeconds(5);

    private readonly string _configPath;
    private readonly DaemonLog _log;
    private readonly ILogger _logger;
    private readonly PluginSet _plugins;
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private readonly TaskCompletionSource<string> _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Meter _meter = new("vibepn.host");
    private readonly Meter _engineMeter = new("vibepn");
    private StateLock? _state;
    private MetricsEndpoint? _metrics;
    private OverlayEngine? _engine;
    private ImmutableArray<FailClosedTrust> _trust = [];
    private volatile DaemonConfiguration _configuration;

    /// <summary>Takes what was read and checked; starts nothing.</summary>
    public Daemon(
        string configPath, DaemonConfiguration configuration, IEnumerable<CheckedPlugin> plugins, DaemonLog log,
        PluginLimits limits)
    {
        _configPath = configPath;
        _configuration = configuration;
        _log = log;
        _logger = log.Loggers.CreateLogger("host");
        _plugins = new PluginSet(plugins,
            new PluginServices(log.Loggers, TimeProvider.System, configuration.Host.StateDirectory, limits));
        _meter.CreateObservableGauge("vibepn_plugin_unload_pending", () => _plugins.UnloadsPending,
            description: "Stopped plugins whose code is still in memory.");
        _meter.CreateObservableGauge("vibepn_plugin_up", ObservePlugins,
            description: "1 for a plugin that runs, 0 for one that does not.");
        _meter.CreateObservableCounter("vibepn_log_lines_dropped", () => log.Dropped,
            description: "Log lines lost because the queue was full.");
        _meter.CreateObservableGauge("vibepn_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", ControlMethods.Version)),
            description: "Always 1; the version is a label.");
    }

    /// <inheritdoc/>
    public Fingerprint Node => _configuration.Engine.Identity.Fingerprint;

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
            Task<MetricsEndpoint?> metrics = Task.Run(OpenMetrics);
            try
            {
                await _plugins.StartAsync();
            }
            finally
            {
                _metrics = await metrics;
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
    }

    /// <summary>Says goodbye, removes the interfaces, stops the plugins. Throws nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        // A reload that is under way ends first; one that comes later finds nothing to change.
        await _reloading.WaitAsync(EngineStopLimit);
        await StopEngineAsync();
        await _plugins.StopAsync();
        _metrics?.Dispose();
        _metrics = null;
        _meter.Dispose();
        _engineMeter.Dispose();
        _state?.Dispose();
        _reloading.Dispose();
    }

    /// <summary>Called for an exception nobody caught, on the thread it ended.</summary>
    /// <returns>True when it was a plugin's and the daemon goes on.</returns>
    public bool OnUnhandledException(Exception exception)
    {
        if (_plugins.Attribute(exception) is not null)
        {
            foreach (FailClosedTrust trust in _trust)
                trust.OnFault();
            return true;
        }

        Log.OwnFault(_logger, exception.ToString());
        return false;
    }

    /// <inheritdoc/>
    public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) =>
        Engine.GetStatusAsync(cancellationToken);

    /// <inheritdoc/>
    public ImmutableArray<PluginReport> GetPlugins() =>
    [
        .. _plugins.All
            .Select(plugin => new PluginReport(
                plugin.Export.Contract, Path.Combine(plugin.Entry.Path, plugin.Export.File), plugin.Hash, plugin.Entry.Name,
                PluginRoles.NameOf(plugin.Entry.Role), StateText(plugin.State), plugin.Export.Version))
            .OrderBy(report => report.Role, StringComparer.Ordinal).ThenBy(report => report.Name, StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public async Task<ReloadOutcome> ReloadAsync(string caller, CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            ReloadOutcome outcome = await TryReloadAsync(cancellationToken);
            if (outcome.Error == ControlError.None)
                Log.Reloaded(_logger, caller, outcome.Changes.Count == 0 ? "nothing changed" : string.Join("; ", outcome.Changes));
            else
                Log.ReloadRefused(_logger, caller, outcome.Text);
            return outcome;
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <inheritdoc/>
    public async Task GoodbyeAsync(CancellationToken cancellationToken) => await Engine.GoodbyeAsync(cancellationToken);

    /// <inheritdoc/>
    public void RequestStop(string reason) => _stopRequested.TrySetResult(reason);

    private OverlayEngine Engine => _engine
        ?? throw new PluginException("The daemon is starting or stopping.") { Fault = PluginFault.Unavailable };

    private async Task<ReloadOutcome> TryReloadAsync(CancellationToken cancellationToken)
    {
        if (ConfigReader.ReadFile(_configPath, out IReadOnlyList<ConfigError> errors) is not { } next)
            return new ReloadOutcome(ControlError.InvalidConfig, string.Join('\n', errors), []);
        if (next.Engine.Identity.Fingerprint != Node)
            return new ReloadOutcome(ControlError.Conflict,
                "the identity cannot change while the daemon runs: restart it to use the new certificate.", []);
        try
        {
            var changes = new List<string>(await Engine.ReloadAsync(next.Engine, cancellationToken));
            HostSettings old = _configuration.Host;
            if (old.LogLevel != next.Host.LogLevel)
            {
                _log.SetLevel(next.Host.LogLevel);
                changes.Add($"log level {next.Host.LogLevel}");
            }

            if (old with { LogLevel = next.Host.LogLevel } != next.Host)
                changes.Add("'state', [control] and [metrics] take effect after a restart");
            _configuration = next;
            return new ReloadOutcome(ControlError.None, "", changes);
        }
        catch (PluginException exception)
        {
            return new ReloadOutcome(ControlError.PluginFailed, exception.Message, []);
        }
    }

    private MetricsEndpoint? OpenMetrics() => _configuration.Host.MetricsListen is { } listen
        ? MetricsEndpoint.Open(listen, _log.Loggers.CreateLogger("host/metrics"))
        : null;

    private async Task StartEngineAsync()
    {
        _trust = [.. _plugins.Trust()];
        var parts = new EngineParts
        {
            Transports = [.. _plugins.Of<ITransportPlugin>(PluginRole.Transport)],
            Tun = _plugins.Of<ITunPlugin>(PluginRole.Tun).Single(),
            Routing = _plugins.Of<IRoutePolicyPlugin>(PluginRole.Routing).Single(),
            Trust = [.. _trust],
            Loggers = _log.Loggers,
            Time = TimeProvider.System,
            Random = Random.Shared,
            Meter = _engineMeter,
            Store = new PluginStore(Path.Combine(_configuration.Host.StateDirectory, StateFolders.Engine)),
            Built = BuildDay.Start,
        };
        _engine = new OverlayEngine(_configuration.Engine, parts);
        await _engine.StartAsync(CancellationToken.None);
        var methods = new ControlMethods(this, _log.Loggers.CreateLogger("host/control"));
        var options = new ControlOptions { Endpoint = _configuration.Host.ControlSocket };
        _plugins.Of<IControlPlugin>(PluginRole.Control).Single().Serve(options, methods);
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
        if (_engine is not { } engine)
            return;
        _engine = null;
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
