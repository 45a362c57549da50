using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Metrics;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Everything of the daemon that a reload or a swap can exchange, as it is in effect.</summary>
/// <remarks>Whoever changes it holds <see cref="Daemon"/>'s lock for changes; any thread may read.</remarks>
internal sealed class RunningParts(HostSettings settings, PluginSet plugins, PluginSelection selection, DaemonLog log)
{
    private OverlayEngine? _engine;

    /// <summary>The host's settings in effect.</summary>
    public HostSettings Settings { get; set; } = settings;

    /// <summary>The plugins.</summary>
    public PluginSet Plugins { get; } = plugins;

    /// <summary>Which of the listed plugins run.</summary>
    public PluginSelection Selection { get; set; } = selection;

    /// <summary>The log.</summary>
    public DaemonLog Log { get; } = log;

    /// <summary>The trust plugins as the engine has them, in order.</summary>
    public ImmutableArray<FailClosedTrust> Trust { get; set; } = [];

    /// <summary>Where metrics are served, or null.</summary>
    public MetricsEndpoint? Metrics { get; set; }

    /// <summary>What operators can ask; null until the daemon has started.</summary>
    public ControlMethods? Methods { get; set; }

    /// <summary>A change of control plugins under way: it goes on while the caller gets the answer.</summary>
    public Task ControlMove { get; set; } = Task.CompletedTask;

    /// <summary>The last things that happened, for whoever watches.</summary>
    public EventRing Events { get; } = new(TimeProvider.System);

    /// <summary>What the files say and waits for the next start, one line each.</summary>
    public ImmutableArray<string> Pending { get; set; } = [];

    /// <summary>The engine.</summary>
    /// <exception cref="PluginException">There is none: the daemon is starting or stopping.</exception>
    public OverlayEngine Engine => _engine
        ?? throw new PluginException("The daemon is starting or stopping.") { Fault = PluginFault.Unavailable };

    /// <summary>Gives the engine, or takes it away.</summary>
    /// <returns>The one there was.</returns>
    public OverlayEngine? SetEngine(OverlayEngine? engine) => Interlocked.Exchange(ref _engine, engine);

    /// <summary>Begins to serve metrics.</summary>
    /// <exception cref="DaemonException">The address cannot be had.</exception>
    public MetricsEndpoint? OpenMetrics(HostSettings wanted) => wanted.MetricsListen is { } listen
        ? MetricsEndpoint.Open(listen, Log.Loggers.CreateLogger("host/metrics"))
        : null;

    /// <summary>A digest of everything in effect, asked of those who act by it: equal before and after a reload that changed nothing.</summary>
    public async Task<string> DigestAsync(CancellationToken cancellationToken)
    {
        EngineConfiguration engine = await Engine.GetConfigurationAsync(cancellationToken);
        var text = new StringBuilder(ConfigurationPlan.TextOf(engine)).AppendLine();
        text.AppendLine(ConfigurationText.Of(Settings));
        foreach (LoadedPlugin plugin in Plugins.All)
            text.AppendLine(TextOf("runs", plugin.Plugin, plugin.State.ToString()));
        foreach (CheckedPlugin plugin in Selection.Waiting)
            text.AppendLine(TextOf("waits", plugin, ""));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static string TextOf(string how, CheckedPlugin plugin, string state) =>
        $"{how} {PluginRoles.NameOf(plugin.Entry.Role)} {plugin.Entry.Name} {plugin.Package.Hash} {state} "
        + string.Join(' ', plugin.Settings.Texts.Select(setting => $"{setting.Key}={setting.Value}"));
}
