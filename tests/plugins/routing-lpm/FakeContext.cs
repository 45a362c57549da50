using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm.Tests;

/// <summary>A host for one plugin, which has no settings.</summary>
internal sealed class FakeContext : IPluginContext, IPluginSettings
{
    /// <summary>The plugin, started.</summary>
    public static async Task<LpmRoutePolicy> StartedAsync()
    {
        var policy = new LpmRoutePolicy(new FakeContext());
        await policy.StartAsync(CancellationToken.None);
        return policy;
    }

    public string Name => "routing-lpm";

    public ILogger Logger => NullLogger.Instance;

    public TimeProvider Time => throw new NotSupportedException();

    public Random Random => throw new NotSupportedException();

    public Meter Meter => throw new NotSupportedException();

    public IPluginSettings Settings => this;

    public IPluginStore Store => throw new NotSupportedException();

    public CancellationToken Stopping => CancellationToken.None;

    public bool GetBoolean(string name) => throw new InvalidOperationException(name);

    public long GetInteger(string name) => throw new InvalidOperationException(name);

    public string GetString(string name) => throw new InvalidOperationException(name);

    public TimeSpan GetDuration(string name) => throw new InvalidOperationException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new InvalidOperationException(name);

    public SourcePosition PositionOf(string name) => default;
}
