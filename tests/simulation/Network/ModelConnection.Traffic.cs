using VibePN.Contracts;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Network;

/// <summary>The control stream, repeated until acknowledged and in order; and the packets, sent once.</summary>
internal sealed partial class ModelConnection
{
    private const int ControlQueueBytes = 262_144;
    private const long AckDelay = 25 * SimulatedWorld.Millisecond;
    private const long LongestProbe = 3 * SimulatedWorld.Second;

    private readonly Queue<Segment> _unacknowledged = new();
    private readonly SortedDictionary<long, Segment> _early = [];
    private long _nextToSend;
    private long _nextToTake;
    private long _queuedBytes;
    private bool _probePlanned;
    private int _probes;
    private bool _ackOwed;
    private long _packetsSent;
    private long _packetsReceived;

    /// <summary>Looks at every control message before it is sent and may keep it back: how a lying member lies.</summary>
    public Func<ReadOnlyMemory<byte>, bool>? Censor { get; set; }

    /// <summary>Whether the censor ever kept something back.</summary>
    public bool HasKeptBack { get; private set; }

    /// <summary>When the oldest control message was sent that the other end has not acknowledged; null when there is none.</summary>
    public long? WaitingSince => _unacknowledged.TryPeek(out Segment oldest) ? oldest.Sent : null;

    public long PacketsSent => _packetsSent;

    private long ProbeTimeout
    {
        get
        {
            long first = (long)(Path.RoundTrip.Ticks * 200) + (60 * SimulatedWorld.Millisecond);
            return Math.Min(first << Math.Min(_probes, 8), LongestProbe);
        }
    }

    /// <inheritdoc/>
    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        if (State != ConnectionState.Open || IsGone || _queuedBytes + bytes.Length > ControlQueueBytes)
            return false;
        byte[] copy = bytes.ToArray();
        if (Censor is { } censor && !censor(copy))
        {
            HasKeptBack = true;
            return true;
        }
        var segment = new Segment(_nextToSend++, copy, World.Now);
        _queuedBytes += copy.Length;
        _unacknowledged.Enqueue(segment);
        Transmit(segment);
        PlanProbe();
        return true;
    }

    /// <inheritdoc/>
    public SendResult Send(PacketBatch batch, int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            DropReason refusal = State != ConnectionState.Open || IsGone ? DropReason.ConnectionClosed
                : batch.LengthOf(first + i) > Path.MaxPacketBytes ? DropReason.TooBig
                : Transport.Random.Chance(Transport.Network.Weather.QueueFull) ? DropReason.QueueFull : DropReason.None;
            if (refusal != DropReason.None)
                return new SendResult(i, refusal);
            var datagram = new Datagram(batch.Packet(first + i).ToArray(), batch.NetworkOf(first + i));
            _packetsSent++;
            ModelConnection other = Other!;
            Send(() => other.ReceivePacket(datagram));
        }
        return new SendResult(count, DropReason.None);
    }

    /// <inheritdoc/>
    public ConnectionStatistics GetStatistics() => new(_packetsSent, 0, _packetsReceived, 0, 0, 0, 0);

    private void Transmit(Segment segment)
    {
        ModelConnection other = Other!;
        long taken = _nextToTake;
        _ackOwed = false;
        Send(() => other.ReceiveSegment(segment, taken));
    }

    private void ReceiveSegment(Segment segment, long acknowledged)
    {
        if (!IsListening())
            return;
        TakeAcknowledgement(acknowledged);
        TakeSegment(segment);
        OweAcknowledgement();
    }

    private void TakeSegment(Segment segment)
    {
        if (segment.Number >= _nextToTake)
            _early.TryAdd(segment.Number, segment);
        while (State == ConnectionState.Open && _early.Remove(_nextToTake, out Segment next))
        {
            _nextToTake++;
            LastDelivered = World.Now;
            World.Note(Machine.Number, "hears", _target.Number, next.Bytes.Length > 2 ? next.Bytes[2] : 0);
            Machine.Observer.ControlArrived(this, next.Bytes);
            Transport.Events.OnControl(this, next.Bytes);
        }
    }

    private void OweAcknowledgement()
    {
        if (_ackOwed)
            return;
        _ackOwed = true;
        World.After(AckDelay, () =>
        {
            if (!_ackOwed || IsGone || Machine.IsPaused || State != ConnectionState.Open)
                return;
            _ackOwed = false;
            ModelConnection other = Other!;
            long taken = _nextToTake;
            Send(() =>
            {
                if (other.IsListening())
                    other.TakeAcknowledgement(taken);
            });
        });
    }

    private void TakeAcknowledgement(long upTo)
    {
        while (_unacknowledged.TryPeek(out Segment segment) && segment.Number < upTo)
        {
            _unacknowledged.Dequeue();
            _queuedBytes -= segment.Bytes.Length;
            _probes = 0;
        }
    }

    private void PlanProbe()
    {
        if (_probePlanned)
            return;
        _probePlanned = true;
        long first = _unacknowledged.Peek().Number;
        World.After(ProbeTimeout, () =>
        {
            _probePlanned = false;
            if (State != ConnectionState.Open || IsGone || _unacknowledged.Count == 0)
                return;
            if (_unacknowledged.Peek().Number == first && !Machine.IsPaused)
            {
                _probes++;
                foreach (Segment segment in _unacknowledged.Take(8))
                    Transmit(segment);
            }
            PlanProbe();
        });
    }

    private void ReceivePacket(Datagram datagram)
    {
        // A transport counts its datagrams, so the network's duplicates end here.
        if (!IsListening() || datagram.Arrived)
            return;
        datagram.Arrived = true;
        LastDelivered = World.Now;
        _packetsReceived++;
        PacketBatch batch = Transport.Network.Scratch;
        batch.Clear();
        batch.TryAdd(datagram.Bytes, datagram.Network);
        Machine.Observer.PacketsArriving(this, batch, done: false);
        Transport.Events.OnPackets(this, batch);
        Machine.Observer.PacketsArriving(this, batch, done: true);
        batch.Packet(0).Fill(0xEE); // borrowed for the call: whoever kept it has garbage now
    }

    private readonly record struct Segment(long Number, byte[] Bytes, long Sent);

    private sealed class Datagram(byte[] bytes, ushort network)
    {
        public byte[] Bytes { get; } = bytes;

        public ushort Network { get; } = network;

        public bool Arrived { get; set; }
    }
}
