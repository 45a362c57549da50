using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>A host for one plugin: default settings that a test may change, and a log that it can read.</summary>
internal sealed class FakeContext : IPluginContext, IPluginSettings, ILogger, IDisposable
{
    private readonly List<string> _lines = [];

    public Dictionary<string, object> Values { get; } = new()
    {
        ["mode"] = "0660",
        ["socket_gid"] = -1L,
        ["admin_uids"] = Array.Empty<string>(),
        ["admin_gids"] = Array.Empty<string>(),
        ["viewer_uids"] = Array.Empty<string>(),
        ["viewer_gids"] = Array.Empty<string>(),
        ["max_connections"] = 16L,
        ["request_timeout"] = TimeSpan.FromSeconds(2),
        ["answer_timeout"] = TimeSpan.FromSeconds(10),
        ["max_deadline"] = TimeSpan.FromMinutes(10),
        ["idle_timeout"] = TimeSpan.FromMinutes(5),
    };

    public string Name => "control-unix";

    public ILogger Logger => this;

    public TimeProvider Time => TimeProvider.System;

    public Random Random { get; } = new(1);

    public Meter Meter { get; } = new("test");

    public IPluginSettings Settings => this;

    public IPluginStore Store => throw new NotSupportedException();

    public CancellationToken Stopping => CancellationToken.None;

    public string[] Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public string GetString(string name) => (string)Values[name];

    public long GetInteger(string name) => (long)Values[name];

    public bool GetBoolean(string name) => (bool)Values[name];

    public TimeSpan GetDuration(string name) => (TimeSpan)Values[name];

    public IReadOnlyList<string> GetStrings(string name) => (string[])Values[name];

    public SourcePosition PositionOf(string name) => new("plugins.toml", 7, 3);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add(formatter(state, exception));
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose() => Meter.Dispose();
}
