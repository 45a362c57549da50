using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Engine;
using VibePN.Simulation.Invariants;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.Scenarios;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Runs;

/// <summary>What came of one seed.</summary>
internal sealed record RunResult
{
    public required long Seed { get; init; }

    public required int Nodes { get; init; }

    /// <summary>The broken promise, or null.</summary>
    public Violation? Broken { get; init; }

    public required ulong Hash { get; init; }

    public required long Events { get; init; }

    /// <summary>Virtual nanoseconds.</summary>
    public required long Virtual { get; init; }

    public required TimeSpan Cpu { get; init; }

    public required long Packets { get; init; }

    public required long Delivered { get; init; }

    public required long Dials { get; init; }

    public required long Compared { get; init; }

    /// <summary>The last things that the nodes concerned did, when a promise is broken.</summary>
    public string[] Story { get; init; } = [];
}

/// <summary>One seed: things go wrong, then the world heals, then everybody must reach everybody again.</summary>
internal sealed class SimulationRun : IDisposable
{
    private readonly SimulatedWorld _world;
    private readonly Scenario _scenario;
    private readonly ModelNetwork _network;
    private readonly WorldMonitor _monitor;
    private readonly Meter _meter = new("simulation");

    private SimulationRun(long seed, int nodes, TextWriter? watcher)
    {
        _world = new SimulatedWorld(seed);
        _world.Trace.Watcher = watcher;
        _scenario = Scenario.From(seed, nodes);
        _network = new ModelNetwork(_world, _scenario.Weather);
        _monitor = new WorldMonitor(_world);
        Draw draw = _world.Stream("identities");
        Identity[] identities =
            [.. draw.Shuffle(Enumerable.Range(0, Math.Max(64, _scenario.Nodes))).Take(_scenario.Nodes).Select(Identities.Of)];
        NodePlan[] plans = Scenario.Plans(seed, identities);
        for (int i = 0; i < _scenario.Nodes; i++)
        {
            var machine = new Machine(_world, _network, i, identities[i], _monitor)
            {
                Plan = plans[i],
                Loggers = watcher is null ? NullLoggerFactory.Instance : new TraceLoggers(_world, i),
                Meter = _meter,
            };
            machine.Clock.Drift = draw.Between(-_scenario.Drift, _scenario.Drift);
            _network.Add(machine);
        }
    }

    /// <summary>Runs a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="nodes">How many nodes, or 0 to let the seed decide.</param>
    /// <param name="defect">What to plant into every engine.</param>
    /// <param name="watcher">Where to tell everything, or null.</param>
    public static RunResult Of(long seed, int nodes = 0, PlantedDefect defect = PlantedDefect.None, TextWriter? watcher = null)
    {
        Planted.Active = defect;
        try
        {
            using var run = new SimulationRun(seed, nodes, watcher);
            return run.Run();
        }
        finally
        {
            Planted.Active = PlantedDefect.None;
        }
    }

    private RunResult Run()
    {
        long started = ThreadTime.Now;
        foreach (Machine machine in _network.Machines)
            _world.At(_world.Stream("start", machine.Number).Time(0, _scenario.StartSpread / 1e6), machine.Start);
        var faults = new FaultDriver(_world, _network, _scenario);
        faults.Begin();
        Liar[] liars = [.. _scenario.Liars.Select(i => new Liar(_world, _network, _monitor.Ledger, _network.Machines[i]))];
        foreach (Liar liar in liars)
            liar.Begin();
        var traffic = new Traffic(_world, _network, _monitor.Ledger);
        traffic.Begin(_scenario.PacketEvery);
        _world.RunUntil(_scenario.FaultPhase);
        if (_world.Broken is null)
            new Healing(_world, _network, _scenario, _monitor, faults, liars, traffic).Run();
        return new RunResult
        {
            Seed = _world.Seed,
            Nodes = _scenario.Nodes,
            Broken = _world.Broken,
            Hash = _world.Hash,
            Events = _world.Happened,
            Virtual = _world.Now,
            Cpu = TimeSpan.FromTicks(ThreadTime.Now - started),
            Packets = _monitor.Ledger.Sent,
            Delivered = _monitor.Ledger.Delivered,
            Dials = _monitor.Dials.Count,
            Compared = _monitor.Routes.Compared,
            Story = _world.Broken is { } broken ? _world.Trace.Last(60, [.. broken.Nodes.Where(node => node >= 0)]) : [],
        };
    }

    /// <summary>Frees what is not the garbage collector's.</summary>
    public void Dispose()
    {
        foreach (Machine machine in _network.Machines)
            machine.Crash();
        _network.Dispose();
        _meter.Dispose();
    }
}
