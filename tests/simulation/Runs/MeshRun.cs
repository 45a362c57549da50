using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Invariants;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.Scenarios;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Runs;

/// <summary>What came of a mesh.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Pairs">Pairs of neighbours.</param>
/// <param name="ReachableAfter">Virtual seconds after which every neighbour had reached every other, both ways.</param>
/// <param name="QuietAfter">Virtual seconds after which no session or dial changed any more.</param>
/// <param name="Dials">Dials in all.</param>
/// <param name="EventsPerNode">Events until quiet, for each node.</param>
/// <param name="BytesPerNode">Managed memory of the whole simulation, for each node.</param>
/// <param name="Fault">What went wrong, or null.</param>
internal sealed record MeshResult(
    int Nodes, int Pairs, double ReachableAfter, double QuietAfter, long Dials, double EventsPerNode, double BytesPerNode, string? Fault)
{
    public override string ToString() => Fault ?? string.Create(CultureInfo.InvariantCulture,
        $"{Nodes} nodes, {Pairs} pairs: reachable after {ReachableAfter:0.00} virtual seconds, quiet after {QuietAfter:0.00}, {Dials} dials, {EventsPerNode:0} events and {BytesPerNode / 1024:0} KiB for each node");
}

/// <summary>A large mesh that starts at once: nothing goes wrong but that everybody dials everybody.</summary>
internal sealed class MeshRun
{
    private const int PeersEach = 8;
    private const long Step = 250 * SimulatedWorld.Millisecond;
    private const long GiveUp = 60 * SimulatedWorld.Second;
    private const string Name = "mesh";

    /// <summary>Starts nodes within 10 ms of each other and waits until they are quiet.</summary>
    /// <param name="nodes">How many, at least 9.</param>
    /// <param name="seed">Decides latencies and who comes first.</param>
    public static MeshResult Of(int nodes, long seed)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var world = new SimulatedWorld(seed);
        using var meter = new Meter("simulation");
        using var network = new ModelNetwork(world, new WeatherReport { FastestMs = 1, SlowestMs = 80, JitterMs = 2 });
        var monitor = new WorldMonitor(world);
        Identity[] identities = [.. world.Stream("identities").Shuffle(Enumerable.Range(0, nodes)).Select(Identities.Of)];
        for (int i = 0; i < nodes; i++)
        {
            network.Add(new Machine(world, network, i, identities[i], monitor)
            {
                Plan = Plan(i, nodes, identities), Loggers = NullLoggerFactory.Instance, Meter = meter,
            });
        }
        foreach (Machine machine in network.Machines)
            world.At(world.Stream("start", machine.Number).Time(0, 10), machine.Start);
        MeshResult result = Watch(world, network, monitor, before);
        foreach (Machine machine in network.Machines)
            machine.Crash();
        return result;
    }

    private static MeshResult Watch(SimulatedWorld world, ModelNetwork network, WorldMonitor monitor, long before)
    {
        var traffic = new Traffic(world, network, monitor.Ledger);
        int pairs = network.Machines.Sum(machine => machine.Plan.Peers.Count) / 2;
        long changed = 0;
        (long Dials, long Sessions) last = default;
        double reachable = 0;
        (Machine From, Machine To)[] open =
            [.. network.Machines.SelectMany(from => from.Plan.Peers.Keys.Select(to => (from, network.Machines[to])))];
        for (long now = Step; now <= GiveUp && world.Broken is null; now += Step)
        {
            (Machine From, Machine To, long Number)[] sent =
                [.. open.Select(pair => (pair.From, pair.To, traffic.Send(pair.From, pair.To, Name)))];
            world.RunUntil(now);
            (long, long) present = (monitor.Dials.Count, Sessions(network));
            if (present != last)
                (changed, last) = (now, present);
            open = [.. sent.Where(one => !monitor.Ledger.WasDelivered(one.Number)).Select(one => (one.From, one.To))];
            if (open.Length == 0 && reachable == 0)
                reachable = now / 1e9;
            if (open.Length == 0 && now - changed >= 5 * SimulatedWorld.Second)
            {
                string? fault = network.Machines.SelectMany(machine => machine.Process!.Node.Plane!.Peers)
                    .Any(peer => peer.Connections.Count != 1) ? "A pair does not have exactly one connection." : null;
                double memory = GC.GetTotalMemory(forceFullCollection: true) - before;
                int count = network.Machines.Count;
                return new MeshResult(
                    count, pairs, reachable, changed / 1e9, monitor.Dials.Count, (double)world.Happened / count, memory / count, fault);
            }
        }
        string why = world.Broken is { } broken ? $"{broken.Promise}: {broken.Text}" : $"{open.Length} ways are not open after {GiveUp / 1e9} virtual seconds.";
        return new MeshResult(network.Machines.Count, pairs, 0, 0, monitor.Dials.Count, 0, 0, why);
    }

    // Moves whenever a session begins, ends or is replaced.
    private static long Sessions(ModelNetwork network)
    {
        long sum = 0;
        foreach (Machine machine in network.Machines)
        {
            foreach (PeerMachine peer in machine.Process?.Node.Plane?.Peers ?? [])
                sum += (peer.Active?.Transport.Id ?? 0) + (1_000_003L * peer.Connections.Count);
        }
        return sum;
    }

    // A ring with chords: every node knows four on each side, at distances that grow, so the diameter stays small.
    private static NodePlan Plan(int node, int nodes, Identity[] identities)
    {
        var plan = new NodePlan(node, identities[node]);
        plan.Networks.Add(Name, new NetworkPlan
        {
            Prefix = IpPrefix.Parse("10.0.0.0/8"),
            Address = IpAddress.FromV4((10u << 24) | (uint)(node + 1)),
        });
        for (int i = 0; i < PeersEach / 2; i++)
        {
            int distance = Math.Max(1, nodes / 2 >> (2 * i)) % (nodes / 2);
            distance = distance == 0 ? (nodes / 2) - 1 : distance + i;
            foreach (int peer in new[] { (node + distance) % nodes, (node - distance + nodes) % nodes })
            {
                plan.Peers.TryAdd(peer, new PeerPlan
                {
                    Identity = identities[peer], Dial = true, Pinned = true, Networks = [Name],
                });
            }
        }
        return plan;
    }
}
