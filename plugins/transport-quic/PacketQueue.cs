using System.Numerics;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Inner packets waiting for one connection, shared out fairly among the flows that they belong to.</summary>
/// <remarks>
/// <para>
/// FlowQueue CoDel (RFC 8290), with 16 rings of which each takes the flows whose numbers fall on it: a flow that has just
/// begun to send goes first, the others in turn by bytes (deficit round robin), so a packet that comes alone does not wait
/// behind a bulk transfer. Packets of one flow keep their order.
/// </para>
/// <para>
/// Any number of threads append, each for a whole batch under one short lock; only the loop's thread reads, and it takes
/// no lock. A ring comes to be with the first packet that falls on it; after that nothing allocates.
/// </para>
/// </remarks>
internal sealed class PacketQueue : IDisposable
{
    private const int Rings = 16;

    /// <summary>Bytes that a flow sends before the next has its turn: eight full packets.</summary>
    private const int Quantum = 8 * 1500;

    private readonly Lock _producers = new();
    private readonly SendFlow?[] _flows = new SendFlow?[Rings];
    private readonly int _limitBytes;
    private readonly FlowList _new = new(Rings);
    private readonly FlowList _old = new(Rings);
    private bool _isFree;
    private int _awake; // one bit a ring that got something since the loop last looked
    private long _enqueuedBytes;
    private long _dequeuedBytes;
    private long _enqueued;
    private long _dequeued;

    /// <param name="limitBytes">
    /// Most packet bytes that wait. One flow gets half of them at most, and the last quarter is for flows that have
    /// little waiting, so that a few large ones cannot keep the others out.
    /// </param>
    public PacketQueue(int limitBytes) => _limitBytes = limitBytes;

    /// <summary>Packet bytes waiting now. Any thread.</summary>
    public long QueuedBytes => Math.Max(0, Volatile.Read(ref _enqueuedBytes) - Volatile.Read(ref _dequeuedBytes));

    /// <summary>Packets waiting now; a super packet is one. Any thread.</summary>
    public long Count => Math.Max(0, Volatile.Read(ref _enqueued) - Volatile.Read(ref _dequeued));

    /// <summary>Copies packets in, in order, until one does not fit.</summary>
    /// <param name="batch">The packets.</param>
    /// <param name="first">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="largest">The largest packet taken; of a super packet, the largest that it stands for.</param>
    /// <param name="now">The moment they began to wait, in nanoseconds.</param>
    /// <returns>How many were taken and why the next was not.</returns>
    public SendResult Append(PacketBatch batch, int first, int count, int largest, long now)
    {
        lock (_producers)
        {
            if (_isFree)
                return new SendResult(0, DropReason.ConnectionClosed);
            int awake = 0;
            int taken = 0;
            DropReason refusal = DropReason.None;
            while (taken < count && refusal == DropReason.None)
            {
                refusal = TryAppend(batch, first + taken, largest, now, ref awake);
                taken += refusal == DropReason.None ? 1 : 0;
            }
            // Behind the packets, and without a look at the bits first: that could come before the packets are to be
            // seen, and the loop, which takes the bits and then looks for packets, would find neither.
            if (awake != 0)
                Interlocked.Or(ref _awake, awake);
            return new SendResult(taken, refusal);
        }
    }

    /// <summary>The flow whose turn it is, and its oldest packet. For the loop's thread.</summary>
    /// <returns>Null when nothing waits.</returns>
    public SendFlow? Next(out QueuedPacket packet)
    {
        if (Volatile.Read(ref _awake) != 0)
            Wake(Interlocked.Exchange(ref _awake, 0));
        while (_new.Count + _old.Count > 0)
        {
            FlowList list = _new.Count > 0 ? _new : _old;
            SendFlow flow = list.First;
            if (flow.Deficit <= 0)
            {
                flow.Deficit += Quantum;
                list.RemoveFirst();
                _old.Add(flow);
            }
            else if (flow.Ring.TryPeek(out packet))
            {
                return flow;
            }
            else
            {
                list.RemoveFirst();
                // Not at once new again when it comes back: else a flow of single packets could starve the others.
                if (list == _new && _old.Count > 0)
                    _old.Add(flow);
                else
                    flow.IsListed = false;
            }
        }
        packet = default;
        return null;
    }

    /// <summary>Forgets the packet that <see cref="Next"/> showed.</summary>
    public void Pop(SendFlow flow, in QueuedPacket packet)
    {
        Volatile.Write(ref _dequeuedBytes, _dequeuedBytes + packet.Length);
        Volatile.Write(ref _dequeued, _dequeued + 1);
        flow.Ring.Pop(packet);
    }

    /// <summary>Frees the rings; later appends are refused. On the loop's thread.</summary>
    public void Dispose()
    {
        lock (_producers)
        {
            _isFree = true;
            foreach (SendFlow? flow in _flows)
                flow?.Ring.Free();
            Volatile.Write(ref _dequeuedBytes, _enqueuedBytes);
            Volatile.Write(ref _dequeued, _enqueued);
        }
    }

    private DropReason TryAppend(PacketBatch batch, int slot, int largest, long now, ref int awake)
    {
        ReadOnlySpan<byte> packet = batch.Packet(slot);
        PacketOffload offload = batch.OffloadOf(slot);
        ushort network = batch.NetworkOf(slot);
        DropReason unfit = OutboundDatagrams.WhyUnfit(packet, offload, largest);
        if (unfit != DropReason.None)
            return unfit;
        if (network > DatagramFraming.MaxNetwork)
            return DropReason.UnknownNetwork;
        int index = batch.FlowOf(slot) % Rings;
        SendFlow flow = _flows[index] ??= new SendFlow(index, _limitBytes / 2);
        long queued = QueuedBytes + packet.Length;
        bool hasRoom = queued <= _limitBytes
            && (queued <= _limitBytes - (_limitBytes / 4) || flow.Ring.QueuedBytes + packet.Length <= _limitBytes / 32);
        if (!hasRoom || !flow.Ring.TryAppend(packet, network, offload, now))
            return DropReason.QueueFull;
        Volatile.Write(ref _enqueuedBytes, _enqueuedBytes + packet.Length);
        Volatile.Write(ref _enqueued, _enqueued + 1);
        awake |= 1 << index;
        return DropReason.None;
    }

    private void Wake(int awake)
    {
        for (; awake != 0; awake &= awake - 1)
        {
            SendFlow flow = _flows[BitOperations.TrailingZeroCount(awake)]!;
            if (flow.IsListed)
                continue;
            flow.IsListed = true;
            flow.Deficit = Quantum;
            _new.Add(flow);
        }
    }

    /// <summary>Flows in turn: a ring of as many places as there are flows, since each stands in one list only.</summary>
    private sealed class FlowList(int capacity)
    {
        private readonly SendFlow?[] _places = new SendFlow?[capacity];
        private int _first;

        public int Count { get; private set; }

        public SendFlow First => _places[_first]!;

        public void Add(SendFlow flow)
        {
            _places[(_first + Count) % _places.Length] = flow;
            Count++;
        }

        public void RemoveFirst()
        {
            _places[_first] = null;
            _first = (_first + 1) % _places.Length;
            Count--;
        }
    }
}

/// <summary>The flows of one ring, and how far the loop is with them. The loop's thread.</summary>
/// <param name="index">Number of the ring.</param>
/// <param name="limitBytes">Most packet bytes that wait in it.</param>
internal sealed class SendFlow(int index, int limitBytes)
{
    /// <summary>Number of the ring.</summary>
    public int Index { get; } = index;

    /// <summary>The packets.</summary>
    public PacketRing Ring { get; } = new(limitBytes);

    /// <summary>Bytes that it may still send in this turn.</summary>
    public int Deficit { get; set; }

    /// <summary>Whether it stands in a list.</summary>
    public bool IsListed { get; set; }

    /// <summary>Which of the packets that its oldest one stands for is the next.</summary>
    public int Segment { get; set; }

    /// <summary>What waited too long.</summary>
    public SojournControl Sojourn;
}
