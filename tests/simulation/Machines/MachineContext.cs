using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;

namespace VibePN.Simulation.Machines;

/// <summary>What a plugin gets of a simulated host: default settings, virtual time, seeded randomness, files in memory.</summary>
internal sealed class MachineContext(TimeProvider time, Random random, IPluginStore store) : IPluginContext, IPluginSettings
{
    public string Name => "simulated";

    public ILogger Logger => NullLogger.Instance;

    public TimeProvider Time => time;

    public Random Random => random;

    public Meter Meter => throw new NotSupportedException();

    public IPluginSettings Settings => this;

    public IPluginStore Store => store;

    public CancellationToken Stopping => default;

    public bool GetBoolean(string name) => name is "first_use" or "accept_originated";

    public long GetInteger(string name) => name == "max_routes_per_peer" ? 256 : throw new NotSupportedException(name);

    public string GetString(string name) => throw new NotSupportedException(name);

    public TimeSpan GetDuration(string name) => throw new NotSupportedException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new NotSupportedException(name);

    public SourcePosition PositionOf(string name) => default;
}
