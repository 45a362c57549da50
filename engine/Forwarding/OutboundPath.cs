using VibePN.Contracts;
using VibePN.Engine.Packets;
using VibePN.Engine.Time;

namespace VibePN.Engine.Forwarding;

// Outbound: TUN → route → session → transport. One thread per TUN device.
//   1. parse    headers → key, for the whole batch
//   2. route    key → group of hops, through the compiled lookup, one call for the whole batch
//   3. session  group → the connection that carries this flow now
//   4. clamp    TCP's largest segment, in packets that begin a connection
//   5. send     runs of neighbours for one connection, one call each

/// <summary>The way of a network's packets from the kernel to its peers.</summary>
/// <remarks>
/// Owned by the device's reader thread. Packets keep their order. A super packet is looked up and handed over once, and
/// counted as the packets that it stands for. Nothing is allocated, locked or logged per packet;
/// a packet that goes nowhere is counted with its reason and, where that helps its sender, answered with ICMP at a
/// bounded rate.
/// </remarks>
internal sealed class OutboundPath : IDisposable
{
    private readonly NetworkPort _network;
    private readonly IcmpResponder _icmp;
    private readonly FlowNumbers _flows = new();
    private readonly PacketKey[] _keys;
    private readonly IpFacts[] _facts;
    private readonly ushort[] _groups;
    private readonly int[] _slots;
    private readonly OutboundDecision[] _routes;

    /// <summary>A path for batches of up to the given size.</summary>
    /// <param name="network">The network whose packets are forwarded.</param>
    /// <param name="batchCapacity">Capacity of the largest batch that will be processed.</param>
    /// <param name="now">The clock, read only when an ICMP answer may be due.</param>
    public OutboundPath(NetworkPort network, int batchCapacity, Func<Instant> now)
    {
        _network = network;
        _icmp = new IcmpResponder(network, now);
        _keys = new PacketKey[batchCapacity];
        _facts = new IpFacts[batchCapacity];
        _groups = new ushort[batchCapacity];
        _slots = new int[batchCapacity];
        _routes = new OutboundDecision[batchCapacity];
    }

    /// <summary>Forwards every packet of a batch.</summary>
    /// <param name="batch">
    /// What the device read. Its slots get the network numbers of their connections; TCP's largest segment may be
    /// lowered in place.
    /// </param>
    public void Process(PacketBatch batch)
    {
        ForwardingTable table = _network.Table;
        int parsed = Parse(batch, table);
        table.Lookup.Find(_keys.AsSpan(0, parsed), _groups.AsSpan(0, parsed));
        for (int i = 0; i < parsed; i++)
        {
            batch.SetFlow(_slots[i], _flows.Of(_keys[i], _facts[i].Fragment));
            _routes[_slots[i]] = OutboundDecision.Choose(table.HopsOf(_groups[i]), _keys[i], _facts[i].Fragment);
            if (_keys[i].Protocol == IpProtocol.Tcp)
                MssClamp.Apply(batch.Packet(_slots[i]), _facts[i], table.TcpMtu, batch.OffloadOf(_slots[i]).Checksum);
        }
        SendAll(batch);
    }

    /// <summary>Forwards the one packet of a batch, which this node made itself: nobody needs an ICMP answer.</summary>
    /// <returns>Where it went, or why it did not.</returns>
    public OutboundDecision SendOwn(PacketBatch batch)
    {
        ForwardingTable table = _network.Table;
        DropReason reason = Examine(batch.Packet(0), table, out _keys[0], out _facts[0]);
        var route = new OutboundDecision(null, null, reason);
        if (reason == DropReason.None)
        {
            table.Lookup.Find(_keys.AsSpan(0, 1), _groups.AsSpan(0, 1));
            route = OutboundDecision.Choose(table.HopsOf(_groups[0]), _keys[0], _facts[0].Fragment);
        }
        if (route.Active is { } active)
        {
            batch.SetFlow(0, _flows.Of(_keys[0], _facts[0].Fragment));
            batch.SetNetwork(0, active.Number);
            SendResult result = active.Connection.Send(batch, 0, 1);
            CountSent(batch, 0, Math.Clamp(result.Taken, 0, 1), route.Port!);
            if (result.Taken > 0)
                return route;
            route = route with { Reason = result.Refusal == DropReason.None ? DropReason.QueueFull : result.Refusal };
        }
        _network.SentDrops.Add(route.Reason);
        route.Port?.Drops.Add(route.Reason);
        return route;
    }

    /// <summary>Frees the memory for ICMP answers.</summary>
    public void Dispose() => _icmp.Dispose();

    private int Parse(PacketBatch batch, ForwardingTable table)
    {
        int parsed = 0;
        for (int slot = 0; slot < batch.Count; slot++)
        {
            DropReason reason = Examine(batch.Packet(slot), table, out _keys[parsed], out _facts[parsed]);
            _routes[slot] = new OutboundDecision(null, null, reason);
            if (reason == DropReason.None)
                _slots[parsed++] = slot;
        }
        return parsed;
    }

    private static DropReason Examine(
        ReadOnlySpan<byte> packet, ForwardingTable table, out PacketKey key, out IpFacts facts) =>
        IpPacket.TryParse(packet, out key, out facts) ? OutboundDecision.Admit(key, table) : DropReason.Malformed;

    private void SendAll(PacketBatch batch)
    {
        for (int first = 0; first < batch.Count;)
        {
            OutboundDecision route = _routes[first];
            if (route.Active is null)
            {
                Drop(batch, first++, route.Reason, route);
                continue;
            }
            int end = first;
            for (; end < batch.Count && ReferenceEquals(_routes[end].Active, route.Active); end++)
                batch.SetNetwork(end, route.Active.Number);
            SendRun(batch, first, end, route);
            first = end;
        }
        Array.Clear(_routes, 0, batch.Count); // holds no connection beyond the batch
    }

    private void SendRun(PacketBatch batch, int first, int end, OutboundDecision route)
    {
        while (first < end)
        {
            SendResult result = route.Active!.Connection.Send(batch, first, end - first);
            int taken = Math.Clamp(result.Taken, 0, end - first);
            CountSent(batch, first, taken, route.Port!);
            first += taken;
            if (first == end)
                return;
            // Too big concerns the one packet; every other refusal would only meet the rest of the run again.
            int dropped = result.Refusal == DropReason.TooBig ? 1 : end - first;
            DropReason reason = result.Refusal == DropReason.None ? DropReason.QueueFull : result.Refusal;
            for (; dropped > 0; dropped--)
                Drop(batch, first++, reason, route);
        }
    }

    private void CountSent(PacketBatch batch, int first, int count, PeerPort port)
    {
        if (count == 0)
            return;
        int packets = 0;
        long bytes = 0;
        for (int slot = first; slot < first + count; slot++)
        {
            packets += OffloadFacts.PacketsOf(batch, slot);
            bytes += batch.LengthOf(slot);
        }
        port.Sent.Add(packets, bytes);
        _network.Sent.Add(packets, bytes);
    }

    private void Drop(PacketBatch batch, int slot, DropReason reason, OutboundDecision route)
    {
        _network.SentDrops.Add(reason, OffloadFacts.PacketsOf(batch, slot));
        route.Port?.Drops.Add(reason, OffloadFacts.PacketsOf(batch, slot));
        if (reason == DropReason.TooBig)
            _icmp.AnswerTooBig(batch.Packet(slot), route.Active!.Connection.Path.MaxPacketBytes);
        else if (reason == DropReason.NoRoute)
            _icmp.AnswerUnreachable(batch.Packet(slot), UnreachableCause.NoRoute);
        else if (reason is DropReason.NoSession or DropReason.ConnectionClosed)
            _icmp.AnswerUnreachable(batch.Packet(slot), UnreachableCause.PeerDown);
    }
}
