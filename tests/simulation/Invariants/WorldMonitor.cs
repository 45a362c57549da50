using VibePN.Contracts;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>Hands what the world sees to those who know the promises.</summary>
internal sealed class WorldMonitor(SimulatedWorld world) : IObserver
{
    private readonly Dictionary<int, ulong> _instances = [];

    public PacketLedger Ledger { get; } = new(world);

    public SessionPromises Sessions { get; } = new(world);

    public RoutePromises Routes { get; } = new(world);

    public DialPromises Dials { get; } = new(world);

    /// <summary>Turns of all control threads.</summary>
    public long Turns { get; private set; }

    public void ProcessStarted(MachineProcess process, ulong instance)
    {
        int node = process.Machine.Number;
        if (instance <= _instances.GetValueOrDefault(node))
        {
            world.Break("each start has a larger instance number",
                $"{process.Machine.Name} started as {instance} after {_instances[node]}.", node);
        }
        _instances[node] = instance;
        Dials.Forget(process.Machine);
    }

    public void TurnEnded(MachineProcess process)
    {
        Turns++;
        world.Note(process.Machine.Number, "turn");
        if (process.Node.Plane is not { } plane)
            return;
        bool changed = Sessions.Check(process, plane);
        Routes.Check(process, plane, changed);
        foreach (Engine.Sessions.PeerMachine peer in plane.Peers)
            Dials.Look(process, peer);
    }

    public void NetworkChanged(Machine machine) => Dials.Forget(machine);

    public void Faulted(MachineProcess process, Exception exception) =>
        world.Break("nothing escapes the engine", exception.ToString(), process.Machine.Number);

    public void Dialled(MachineProcess process, string address) => Dials.Begins(process, address);

    public void ConnectionClosing(ModelConnection connection, CloseReason reason) => Sessions.Closing(connection, reason);

    public void ControlArrived(ModelConnection connection, ReadOnlySpan<byte> bytes) => Routes.Heard(connection, bytes);

    public void PacketDelivered(MachineProcess process, string network, ReadOnlySpan<byte> packet) =>
        Ledger.Delivery(process, network, packet);

    public void PacketsArriving(ModelConnection connection, PacketBatch batch, bool done) =>
        Ledger.Arriving(connection, batch.Count, done);
}
