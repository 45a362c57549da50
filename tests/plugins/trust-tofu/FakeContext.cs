using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Plugins.TrustTofu.Tests;

/// <summary>A host for one plugin: files in memory that can be made to fail, a clock that stands, a log to read.</summary>
internal sealed class FakeContext : IPluginContext, IPluginSettings, IPluginStore, ILogger
{
    private readonly List<string> _lines = [];

    public Dictionary<string, byte[]> Files { get; } = [];

    public Exception? ReadFailure { get; set; }

    public Exception? WriteFailure { get; set; }

    public bool FirstUse { get; init; } = true;

    public IReadOnlyList<string> Lines => _lines;

    public string Name => "trust-tofu";

    public ILogger Logger => this;

    public TimeProvider Time { get; } = new StandingClock();

    public Random Random => throw new NotSupportedException();

    public Meter Meter => throw new NotSupportedException();

    public IPluginSettings Settings => this;

    public IPluginStore Store => this;

    public CancellationToken Stopping => CancellationToken.None;

    public string Location => "/var/lib/vibepn/trust-tofu";

    public byte[]? Read(string name, int maxBytes)
    {
        if (ReadFailure is not null)
            throw ReadFailure;
        byte[]? bytes = Files.GetValueOrDefault(name);
        return bytes?.Length > maxBytes ? throw new IOException("File too long") : bytes;
    }

    public void Write(string name, ReadOnlySpan<byte> content)
    {
        if (WriteFailure is not null)
            throw WriteFailure;
        Files[name] = content.ToArray();
    }

    public bool GetBoolean(string name) => name == "first_use" ? FirstUse : throw new InvalidOperationException(name);

    public string GetString(string name) => throw new InvalidOperationException(name);

    public long GetInteger(string name) => throw new InvalidOperationException(name);

    public TimeSpan GetDuration(string name) => throw new InvalidOperationException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new InvalidOperationException(name);

    public SourcePosition PositionOf(string name) => default;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add($"{logLevel}: {formatter(state, exception)}");
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Shown.Now;
    }
}
