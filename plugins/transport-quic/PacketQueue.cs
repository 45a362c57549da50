using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Inner packets waiting for one connection: a byte-limited ring of unmanaged memory.</summary>
/// <remarks>
/// Any number of threads append, each for a whole batch under one short lock; only the loop's thread reads, and it
/// takes no lock. Nothing allocates after construction. Positions only grow; the ring's offset is the position
/// modulo the capacity. A record is 16 bytes of facts and the packet, rounded up to 16 and never wrapped.
/// </remarks>
internal sealed unsafe class PacketQueue : IDisposable
{
    private const int Alignment = 16;
    private const int PadMark = -1;

    // An empty queue begins again at the ring's start, so that a lightly used one touches few pages.
    private const long RewindAfter = 256 * 1024;

    private readonly Lock _producers = new();
    private readonly int _capacity;
    private readonly int _limitBytes;
    private byte* _ring;
    private PaddedLong _head;
    private PaddedLong _tail;
    private long _enqueuedBytes;
    private long _dequeuedBytes;
    private long _enqueued;
    private long _dequeued;

    /// <param name="limitBytes">
    /// Most packet bytes that wait; the ring has a quarter more for the facts beside them.
    /// </param>
    public PacketQueue(int limitBytes)
    {
        _limitBytes = limitBytes;
        _capacity = Align(limitBytes + (limitBytes / 4) + PacketBatch.MaxPacketSize);
        _ring = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity, 64);
    }

    /// <summary>Packet bytes waiting now.</summary>
    public long QueuedBytes => Math.Max(0, Volatile.Read(ref _enqueuedBytes) - Volatile.Read(ref _dequeuedBytes));

    /// <summary>Packets waiting now.</summary>
    public long Count => Math.Max(0, Volatile.Read(ref _enqueued) - Volatile.Read(ref _dequeued));

    /// <summary>Copies packets in, in order, until one does not fit.</summary>
    /// <param name="largest">The largest packet taken.</param>
    /// <param name="now">The moment they began to wait, in nanoseconds.</param>
    /// <returns>How many were taken and why the next was not.</returns>
    public SendResult Append(PacketBatch batch, int first, int count, int largest, long now)
    {
        lock (_producers)
        {
            if (_ring is null)
                return new SendResult(0, DropReason.ConnectionClosed);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> packet = batch.Packet(first + i);
                if (packet.Length > largest)
                    return new SendResult(i, DropReason.TooBig);
                ushort network = batch.NetworkOf(first + i);
                if (network > DatagramFraming.MaxNetwork)
                    return new SendResult(i, DropReason.UnknownNetwork);
                if (!TryAppend(packet, network, now))
                    return new SendResult(i, DropReason.QueueFull);
            }
            return new SendResult(count, DropReason.None);
        }
    }

    /// <summary>The oldest packet. For the loop's thread; valid until <see cref="Pop"/>.</summary>
    public bool TryPeek(out QueuedPacket packet)
    {
        while (true)
        {
            // The tail first: a producer that rewinds an empty ring moves the head before the tail.
            long tail = Volatile.Read(ref _tail.Value);
            long head = Volatile.Read(ref _head.Value);
            if (tail <= head)
            {
                packet = default;
                return false;
            }
            int offset = (int)(head % _capacity);
            var record = (Record*)(_ring + offset);
            if (record->Length != PadMark)
            {
                packet = new QueuedPacket((byte*)(record + 1), record->Length, record->Network, record->Since);
                return true;
            }
            Volatile.Write(ref _head.Value, head + (_capacity - offset));
        }
    }

    /// <summary>Forgets the packet that <see cref="TryPeek"/> showed.</summary>
    public void Pop(in QueuedPacket packet)
    {
        Volatile.Write(ref _dequeuedBytes, _dequeuedBytes + packet.Length);
        Volatile.Write(ref _dequeued, _dequeued + 1);
        Volatile.Write(ref _head.Value, _head.Value + RecordBytes(packet.Length));
    }

    /// <summary>Frees the ring; later appends are refused. On the loop's thread.</summary>
    public void Dispose()
    {
        lock (_producers)
        {
            NativeMemory.AlignedFree(_ring);
            _ring = null;
            Volatile.Write(ref _head.Value, _tail.Value);
        }
    }

    private bool TryAppend(ReadOnlySpan<byte> packet, ushort network, long now)
    {
        if (QueuedBytes + packet.Length > _limitBytes)
            return false;
        long tail = _tail.Value;
        long head = Volatile.Read(ref _head.Value);
        if (head == tail && tail % _capacity > RewindAfter)
        {
            // The reader writes the head only after it has seen a tail beyond it, so while both are equal the
            // producer owns both.
            tail += _capacity - (tail % _capacity);
            Volatile.Write(ref _head.Value, tail);
            Volatile.Write(ref _tail.Value, tail);
            head = tail;
        }
        int bytes = RecordBytes(packet.Length);
        int offset = (int)(tail % _capacity);
        int pad = _capacity - offset < bytes ? _capacity - offset : 0;
        if (tail + pad + bytes - head > _capacity)
            return false;
        if (pad > 0)
        {
            ((Record*)(_ring + offset))->Length = PadMark;
            tail += pad;
            offset = 0;
        }
        var record = (Record*)(_ring + offset);
        *record = new Record { Length = packet.Length, Network = network, Since = now };
        packet.CopyTo(new Span<byte>(record + 1, packet.Length));
        Volatile.Write(ref _enqueuedBytes, _enqueuedBytes + packet.Length);
        Volatile.Write(ref _enqueued, _enqueued + 1);
        Volatile.Write(ref _tail.Value, tail + bytes);
        return true;
    }

    private static int RecordBytes(int length) => Align(sizeof(Record) + length);

    private static int Align(int value) => (value + Alignment - 1) & ~(Alignment - 1);

    [StructLayout(LayoutKind.Sequential, Size = Alignment)]
    private struct Record
    {
        public int Length;
        public ushort Network;
        public long Since;
    }
}

/// <summary>A packet in a <see cref="PacketQueue"/>, borrowed.</summary>
/// <param name="Data">Its first byte.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Network">The sender's number of its network.</param>
/// <param name="Since">When it began to wait, in nanoseconds.</param>
internal readonly unsafe record struct QueuedPacket(nint Data, int Length, int Network, long Since)
{
    public QueuedPacket(byte* data, int length, int network, long since) : this((nint)data, length, network, since) { }
}

/// <summary>A counter alone on its cache lines, so that two threads' counters do not slow each other.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct PaddedLong
{
    [FieldOffset(64)] public long Value;
}

/// <summary>
/// Decides which packets waited too long: controlled delay (RFC 8289) with a 5 ms target over 100 ms, and a hard
/// limit for what a stalled connection held back.
/// </summary>
internal struct SojournControl
{
    private const long Target = 5_000_000;
    private const long Interval = 100_000_000;
    private const long Oldest = 1_000_000_000;

    // A burst of this many bytes, about 64 full packets, is never dropped for waiting.
    private const long BurstBytes = 64 * 1500;

    private long _firstAbove;
    private long _dropNext;
    private int _dropped;
    private bool _dropping;

    /// <summary>Whether the oldest packet is to be dropped.</summary>
    /// <param name="waited">How long it waited, in nanoseconds.</param>
    /// <param name="queuedBytes">Bytes waiting, this packet's included.</param>
    public bool ShouldDrop(long waited, long queuedBytes, long now)
    {
        if (waited > Oldest)
            return true;
        if (waited < Target || queuedBytes <= BurstBytes)
        {
            _firstAbove = 0;
            _dropping = false;
            return false;
        }
        if (_firstAbove == 0)
        {
            _firstAbove = now + Interval;
            return false;
        }
        if (now < _firstAbove)
            return false;
        if (!_dropping)
        {
            // Back above the target soon after the last time: go on about where the dropping had got to.
            _dropped = now - _dropNext < 16 * Interval && _dropped > 2 ? _dropped - 2 : 1;
            _dropping = true;
            _dropNext = now + NextGap();
            return true;
        }
        if (now < _dropNext)
            return false;
        _dropped++;
        _dropNext += NextGap();
        return true;
    }

    private readonly long NextGap() => (long)(Interval / Math.Sqrt(_dropped));
}
