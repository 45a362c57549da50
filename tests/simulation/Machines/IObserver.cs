using VibePN.Contracts;
using VibePN.Simulation.Network;

namespace VibePN.Simulation.Machines;

/// <summary>Sees everything that engines do to the world. It changes nothing; it only finds broken promises.</summary>
internal interface IObserver
{
    /// <summary>A process has come up.</summary>
    void ProcessStarted(MachineProcess process, ulong instance);

    /// <summary>A turn of the control thread has ended; what it published is what packets see.</summary>
    void TurnEnded(MachineProcess process);

    /// <summary>A machine notices that its network changed, or that it slept.</summary>
    void NetworkChanged(Machine machine);

    /// <summary>Something escaped that the control loop would only have reported.</summary>
    void Faulted(MachineProcess process, Exception exception);

    /// <summary>An engine begins a dial.</summary>
    void Dialled(MachineProcess process, string address);

    /// <summary>A dial came to nothing, or a connection of it ended: the engine is about to hear of it.</summary>
    void ConnectionClosing(ModelConnection connection, CloseReason reason);

    /// <summary>A whole control message is handed to an engine.</summary>
    void ControlArrived(ModelConnection connection, ReadOnlySpan<byte> bytes);

    /// <summary>A packet came out of an interface.</summary>
    void PacketDelivered(MachineProcess process, string network, ReadOnlySpan<byte> packet);

    /// <summary>Packets of a connection are about to be handed to an engine, and were.</summary>
    void PacketsArriving(ModelConnection connection, PacketBatch batch, bool done);
}
