using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>A host for one plugin: real clock, default settings, a meter of its own.</summary>
internal sealed class PluginHost : IPluginContext, IPluginSettings, IDisposable
{
    public string Name => "tun-linux";

    public ILogger Logger => NullLogger.Instance;

    public TimeProvider Time => TimeProvider.System;

    public Random Random => Random.Shared;

    public Meter Meter { get; } = new("tun-linux");

    public IPluginSettings Settings => this;

    public IPluginStore Store => throw new InvalidOperationException("The plugin keeps no files.");

    public CancellationToken Stopping => CancellationToken.None;

    /// <summary>The setting <c>offload</c>.</summary>
    public string Offload { get; set; } = "auto";

    /// <summary>The setting <c>join_udp</c>.</summary>
    public string JoinUdp { get; set; } = "auto";

    public string GetString(string name) => name switch
    {
        "offload" => Offload,
        "join_udp" => JoinUdp,
        _ => throw Undeclared(name),
    };

    public long GetInteger(string name) => name == "tx_queue_length" ? 1000 : throw Undeclared(name);

    public bool GetBoolean(string name) => throw Undeclared(name);

    public TimeSpan GetDuration(string name) => throw Undeclared(name);

    public IReadOnlyList<string> GetStrings(string name) => throw Undeclared(name);

    public SourcePosition PositionOf(string name) => new("plugins.toml", 0, 1);

    public void Dispose() => Meter.Dispose();

    private static InvalidOperationException Undeclared(string name) => new($"'{name}' is not declared with that type.");
}

/// <summary>Remembers what the plugin told the engine.</summary>
internal sealed class RecordedEvents : ITunEvents
{
    private readonly Lock _gate = new();
    private readonly List<(string Device, string Text)> _lost = [];
    private int _changes;

    /// <summary>While reset, whoever tells of a change is held up, as a stuck engine would.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    public int Changes => Volatile.Read(ref _changes);

    public (string Device, string Text)[] Lost
    {
        get
        {
            lock (_gate)
                return [.. _lost];
        }
    }

    public void OnDeviceLost(string deviceName, string text)
    {
        lock (_gate)
            _lost.Add((deviceName, text));
    }

    public void OnMachineNetworkChanged()
    {
        Interlocked.Increment(ref _changes);
        Gate.Wait();
    }
}
