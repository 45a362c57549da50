using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>A host of one plugin: declared defaults, chosen settings, log lines kept.</summary>
internal sealed class FakeContext : IPluginContext, IPluginSettings, IPluginStore, ILogger, IDisposable
{
    private readonly Dictionary<string, string> _settings = [];

    public FakeContext(params (string Name, string Value)[] settings)
    {
        foreach (PluginSettingAttribute declared in typeof(QuicTransport).GetCustomAttributes<PluginSettingAttribute>())
            _settings[declared.Name] = declared.Default!;
        _settings["loops"] = Loops.ToString(CultureInfo.InvariantCulture);
        foreach ((string name, string value) in settings)
            _settings[name] = value;
    }

    /// <summary>Loops of a transport that is not told how many: 1, or what ./test.sh asks for to run the tests once more.</summary>
    public static int Loops { get; } =
        int.Parse(Environment.GetEnvironmentVariable("QUIC_LOOPS") ?? "1", CultureInfo.InvariantCulture);

    public ConcurrentQueue<string> Lines { get; } = new();

    public string Name => "transport-quic";

    public ILogger Logger => this;

    public TimeProvider Time => TimeProvider.System;

    public Random Random => Random.Shared;

    public Meter Meter { get; } = new("test");

    public IPluginSettings Settings => this;

    public IPluginStore Store => this;

    public CancellationToken Stopping => CancellationToken.None;

    public string Location => "/nonexistent";

    public string GetString(string name) => _settings[name];

    public long GetInteger(string name) => long.Parse(_settings[name], CultureInfo.InvariantCulture);

    public bool GetBoolean(string name) => bool.Parse(_settings[name]);

    public TimeSpan GetDuration(string name) => throw new InvalidOperationException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new InvalidOperationException(name);

    public SourcePosition PositionOf(string name) => default;

    public byte[]? Read(string name, int maxBytes) => throw new InvalidOperationException(name);

    public void Write(string name, ReadOnlySpan<byte> content) => throw new InvalidOperationException(name);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) => Lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose() => Meter.Dispose();
}
