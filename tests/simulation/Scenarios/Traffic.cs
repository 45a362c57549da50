using VibePN.Contracts;
using VibePN.Simulation.Invariants;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Scenarios;

/// <summary>Lets the simulated kernels send packets through their interfaces.</summary>
internal sealed class Traffic(SimulatedWorld world, ModelNetwork network, PacketLedger ledger)
{
    private readonly Draw _draw = world.Stream("traffic");

    /// <summary>Sends from everywhere to anywhere, until the end of the run.</summary>
    /// <param name="every">Mean time between two packets of one node.</param>
    public void Begin(long every)
    {
        foreach (Machine machine in network.Machines)
            PlanNext(machine, every);
    }

    /// <summary>Sends one packet between two nodes, as the sender's kernel would.</summary>
    /// <param name="from">Who sends.</param>
    /// <param name="to">Who is meant.</param>
    /// <param name="name">In which network.</param>
    /// <param name="v6">Whether to use IPv6 where both have it.</param>
    /// <param name="destination">The address meant, for a probe from the sender's own address; else one is drawn.</param>
    /// <returns>The packet's number, or -1 when the sender has no interface now.</returns>
    public long Send(Machine from, Machine to, string name, bool v6 = false, IpAddress? destination = null)
    {
        if (from.IsPaused || from.Process is not { Ended: false } process
            || !process.Tun.Devices.TryGetValue(name, out ModelTunDevice? device) || device.Path is null || device.Removed)
            return -1;
        NetworkPlan plan = from.Plan.Networks[name];
        IpAddress source = v6 && plan.Address6 is { } own ? own : plan.Address;
        // A probe must get through; a host behind the node only where the receiver's rules let it in.
        if (plan.Originate.Count > 0 && !v6 && destination is null && _draw.Chance(0.3))
            source = _draw.Pick(plan.Originate).Last;
        NetworkPlan? theirs = to.Plan.Networks.GetValueOrDefault(name);
        IpAddress target = destination
            ?? (v6 ? theirs?.Address6 : null) ?? theirs?.Address ?? from.Plan.Networks[name].Prefix.Last;
        if (source.Family != target.Family)
            return -1;
        PacketBatch batch = network.Scratch;
        batch.Clear();
        if (!batch.TryReserve(128, out Span<byte> buffer))
            return -1;
        long number = ledger.Begin(from, name, source, target);
        batch.Commit(Kernel.Write(buffer, source, target, number));
        ledger.Feed(process, name, device, batch);
        return number;
    }

    private void PlanNext(Machine machine, long every)
    {
        Draw draw = world.Stream("packets", machine.Number);
        void Next()
        {
            if (machine.Plan.Networks.Count > 0)
            {
                string name = draw.Pick([.. machine.Plan.Networks.Keys]);
                Machine to = draw.Pick([.. network.Machines]);
                if (to != machine)
                    Send(machine, to, name, v6: draw.Chance(0.3));
            }
            world.After((long)(every * 2 * draw.Share()), Next);
        }
        world.After((long)(every * draw.Share()), Next);
    }
}
