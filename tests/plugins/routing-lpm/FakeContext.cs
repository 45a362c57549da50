using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm.Tests;

/// <summary>A host for one plugin, with the settings a test gives.</summary>
internal sealed class FakeContext(bool acceptOriginated = true, long maxRoutesPerPeer = 256) : IPluginContext, IPluginSettings
{
    /// <summary>The plugin, started with these settings.</summary>
    public static async Task<LpmRoutePolicy> StartedAsync(bool acceptOriginated = true, long maxRoutesPerPeer = 256)
    {
        var policy = new LpmRoutePolicy(new FakeContext(acceptOriginated, maxRoutesPerPeer));
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

    public bool GetBoolean(string name) =>
        name == "accept_originated" ? acceptOriginated : throw new InvalidOperationException(name);

    public long GetInteger(string name) =>
        name == "max_routes_per_peer" ? maxRoutesPerPeer : throw new InvalidOperationException(name);

    public string GetString(string name) => throw new InvalidOperationException(name);

    public TimeSpan GetDuration(string name) => throw new InvalidOperationException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new InvalidOperationException(name);

    public SourcePosition PositionOf(string name) => default;
}
