using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingFailover.Tests;

/// <summary>A host for one plugin, with the gateways a test gives, a hold-down of 10 s and a fail-back delay of 60 s.</summary>
internal sealed class FakeContext(params string[] gateways) : IPluginContext, IPluginSettings
{
    public string Name => "routing-failover";

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

    public TimeSpan GetDuration(string name) => TimeSpan.FromSeconds(name == "hold_down" ? 10 : 60);

    public IReadOnlyList<string> GetStrings(string name) => gateways;

    public SourcePosition PositionOf(string name) => new("plugins.toml", 7, 3);

    /// <summary>The plugin, started with these gateways.</summary>
    public static async Task<FailoverRoutePolicy> StartedAsync(params string[] gateways)
    {
        var policy = new FailoverRoutePolicy(new FakeContext(gateways));
        await policy.StartAsync(CancellationToken.None);
        return policy;
    }
}
