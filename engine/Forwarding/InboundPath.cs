using VibePN.Contracts;
using VibePN.Engine.Packets;
using VibePN.Offload;
using VibePN.Prefixes;

namespace VibePN.Engine.Forwarding;

// Inbound: transport → checks → TUN. On the transport's threads, several at once.
//   1. network  the sender's number → the peer's port in that network
//   2. parse    headers → key
//   3. source   is it one this peer may use here? never one of our own
//   4. target   is the destination ours, or behind us?
//   5. clamp    TCP's largest segment, in packets that begin a connection; answers to our own echo questions are kept
//   6. checksum  one that its sender left partial: found, and completed for a device that does not
//   7. write    runs of neighbours for one network, one call each

/// <summary>The way of packets from peers to the kernel. One for the whole engine.</summary>
/// <remarks>
/// Without state of its own but counters, so any number of threads may be in it. Packets of one batch keep their
/// order. No setting turns a check off.
/// </remarks>
internal sealed class InboundPath
{
    // No packet is dropped for this: it has reached whom it is for, which is this node itself.
    private const DropReason Kept = (DropReason)(-1);

    /// <summary>Packets that belong to no network of ours, and so to no network's counters.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Checks every packet of a batch and writes those that pass to their networks' devices.</summary>
    /// <param name="from">The connection's numbers.</param>
    /// <param name="batch">What the connection received. Borrowed; the device may overwrite it.</param>
    public void Process(InboundPort from, PacketBatch batch)
    {
        var run = new Run();
        for (int slot = 0; slot < batch.Count; slot++)
        {
            PeerPort? port = from.Find(batch.NetworkOf(slot), out DropReason reason);
            if (!ReferenceEquals(port, run.Port))
            {
                Write(batch, in run);
                run = Run.Begin(port, slot);
            }
            if (port is not null)
                reason = Check(batch, slot, in run);
            if (reason == DropReason.None)
            {
                run.Count++;
                run.Bytes += batch.LengthOf(slot);
                continue;
            }
            CountLost(batch, slot, port, reason);
            Write(batch, in run);
            run.Restart(slot + 1);
        }
        Write(batch, in run);
    }

    /// <summary>Whether a packet from a peer may pass, by its addresses. For packets and for <c>route explain</c> alike.</summary>
    /// <param name="key">The packet.</param>
    /// <param name="sources">What the peer may send from in the network.</param>
    /// <param name="table">The network's table.</param>
    /// <returns>Why it is dropped, or none.</returns>
    public static DropReason Judge(in PacketKey key, PrefixSet sources, ForwardingTable table)
    {
        // A prefix accepted from the peer may cover an address of ours; that one is still ours alone.
        if (!AddressClasses.IsUnicast(key.Source) || !sources.Contains(key.Source) || table.IsOwn(key.Source))
        {
            if (!Planted.Is(PlantedDefect.SourceCheckSkipped))
                return DropReason.SourceNotAllowed;
        }
        AddressClass destination = AddressClasses.Classify(key.Destination);
        if (destination is AddressClass.Multicast or AddressClass.Broadcast)
            return DropReason.NotUnicast;
        return destination == AddressClass.Unicast && table.IsLocal(key.Destination)
            ? DropReason.None
            : DropReason.DestinationNotLocal;
    }

    private static DropReason Check(PacketBatch batch, int slot, in Run run)
    {
        Span<byte> packet = batch.Packet(slot);
        if (!IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts))
            return DropReason.Malformed;
        DropReason reason = Judge(key, run.Sources, run.Table);
        if (reason != DropReason.None)
            return reason;
        ChecksumState checksum = batch.OffloadOf(slot).Checksum;
        if (key.Protocol == IpProtocol.Tcp)
            MssClamp.Apply(packet, facts, run.Table.TcpMtu, checksum);
        else if (key.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6
            && run.Port!.Network.Echoes.TryTake(packet, key, facts, run.Port.Peer))
            return Kept;
        if (checksum == ChecksumState.Complete)
            return DropReason.None;
        if (!OffloadFacts.TryLocateChecksum(key, facts, packet.Length, out PacketOffload offload))
            return DropReason.Malformed;
        bool isTaken = run.Port!.Network.TakesPartialChecksums;
        if (!isTaken)
            PartialChecksum.Complete(packet, offload.ChecksumStart, offload.ChecksumOffset);
        batch.SetOffload(slot, isTaken ? offload : default);
        return DropReason.None;
    }

    private void CountLost(PacketBatch batch, int slot, PeerPort? port, DropReason reason)
    {
        if (reason == Kept)
        {
            port!.Received.Add(1, batch.LengthOf(slot));
            port.Network.Received.Add(1, batch.LengthOf(slot));
            return;
        }
        (port?.Network.ReceivedDrops ?? Drops).Add(reason);
        port?.Drops.Add(reason);
    }

    private static void Write(PacketBatch batch, in Run run)
    {
        if (run.Count == 0)
            return;
        PeerPort port = run.Port!;
        int accepted = port.Network.Write(batch, run.First, run.Count);
        // A device says how many it took, not which; the bytes of a run with refusals are therefore an estimate.
        long bytes = accepted == run.Count ? run.Bytes : run.Bytes * accepted / run.Count;
        port.Received.Add(accepted, bytes);
        port.Network.Received.Add(accepted, bytes);
        if (accepted < run.Count)
        {
            port.Network.ReceivedDrops.Add(DropReason.DeviceRefused, run.Count - accepted);
            port.Drops.Add(DropReason.DeviceRefused, run.Count - accepted);
        }
    }

    /// <summary>Neighbours of one network that passed, and what the network is while the run lasts.</summary>
    private struct Run
    {
        public PeerPort? Port;
        public ForwardingTable Table;
        public PrefixSet Sources;
        public int First;
        public int Count;
        public long Bytes;

        /// <summary>Reads what the control thread may swap, once for all neighbours of a network.</summary>
        public static Run Begin(PeerPort? port, int first) => new()
        {
            Port = port,
            Table = port?.Network.Table ?? ForwardingTable.Empty,
            Sources = port?.AllowedSources ?? PrefixSet.Empty,
            First = first,
        };

        public void Restart(int first)
        {
            First = first;
            Count = 0;
            Bytes = 0;
        }
    }
}
