using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>What the host gives one plugin.</summary>
internal sealed class PluginContext : IPluginContext, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Makes the context of a plugin.</summary>
    public PluginContext(string name, IPluginSettings settings, PluginServices services)
    {
        Name = name;
        Settings = settings;
        Logger = services.Loggers.CreateLogger(name);
        Time = services.Time;
        Meter = new Meter("vibepn." + name, version: null, tags: [new("plugin", name)]);
        Store = new PluginStore(Path.Combine(services.StateDirectory, name));
        Stopping = _stopping.Token;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ILogger Logger { get; }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public Random Random => Random.Shared;

    /// <inheritdoc/>
    public Meter Meter { get; }

    /// <inheritdoc/>
    public IPluginSettings Settings { get; set; }

    /// <inheritdoc/>
    public IPluginStore Store { get; }

    /// <inheritdoc/>
    public CancellationToken Stopping { get; }

    /// <summary>Cancels <see cref="Stopping"/>; the plugin's own callbacks run on the caller's thread.</summary>
    public void Cancel() => _stopping.Cancel();

    /// <summary>Withdraws the instruments and drops what the plugin registered.</summary>
    public void Dispose()
    {
        Meter.Dispose();
        _stopping.Dispose();
    }
}

/// <summary>What all plugins have in common.</summary>
/// <param name="Loggers">Makes loggers by name.</param>
/// <param name="Time">The clock.</param>
/// <param name="StateDirectory">The daemon's state directory.</param>
/// <param name="Limits">How long plugins may take.</param>
internal sealed record PluginServices(
    ILoggerFactory Loggers, TimeProvider Time, string StateDirectory, PluginLimits Limits);

/// <summary>How long plugins may take.</summary>
/// <param name="Start">For StartAsync.</param>
/// <param name="Stop">For StopAsync.</param>
internal sealed record PluginLimits(TimeSpan Start, TimeSpan Stop)
{
    /// <summary>The limits the contracts promise.</summary>
    public static PluginLimits Standard { get; } = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(5));
}
