using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Inner packets of some flows in the order in which they came: a byte-limited ring of unmanaged memory.</summary>
/// <remarks>
/// One thread at a time appends, which the owner sees to; only the loop's thread reads, and it takes no lock. Nothing
/// allocates after construction. Positions only grow; the ring's offset is the position modulo the capacity. A record is
/// 32 bytes of facts and the packet, rounded up to 16 and never wrapped.
/// </remarks>
internal sealed unsafe class PacketRing
{
    private const int Alignment = 16;
    private const int PadMark = -1;

    // An empty ring begins again at its start, so that a lightly used one touches few pages.
    private const long RewindAfter = 256 * 1024;

    private readonly int _capacity;
    private readonly int _limitBytes;
    private byte* _memory;
    private PaddedLong _head;
    private PaddedLong _tail;
    private long _enqueuedBytes;
    private long _dequeuedBytes;

    /// <param name="limitBytes">
    /// Most packet bytes that wait; the ring has a quarter more for the facts beside them.
    /// </param>
    public PacketRing(int limitBytes)
    {
        _limitBytes = limitBytes;
        _capacity = Align(limitBytes + (limitBytes / 4) + PacketBatch.MaxPacketSize);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity, 64);
    }

    /// <summary>Packet bytes waiting now. Any thread.</summary>
    public long QueuedBytes => Math.Max(0, Volatile.Read(ref _enqueuedBytes) - Volatile.Read(ref _dequeuedBytes));

    /// <summary>Copies a packet in.</summary>
    /// <param name="packet">Its bytes.</param>
    /// <param name="network">The sender's number of its network.</param>
    /// <param name="offload">What it is.</param>
    /// <param name="now">The moment it began to wait, in nanoseconds.</param>
    /// <returns>False when there is no room.</returns>
    public bool TryAppend(ReadOnlySpan<byte> packet, ushort network, in PacketOffload offload, long now)
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
            ((Record*)(_memory + offset))->Length = PadMark;
            tail += pad;
            offset = 0;
        }
        var record = (Record*)(_memory + offset);
        // Field by field: a struct that is stored in narrow pieces and then copied as a whole makes the processor wait.
        record->Length = packet.Length;
        record->Network = network;
        record->Since = now;
        record->Offload = offload;
        packet.CopyTo(new Span<byte>(record + 1, packet.Length));
        Volatile.Write(ref _enqueuedBytes, _enqueuedBytes + packet.Length);
        Volatile.Write(ref _tail.Value, tail + bytes);
        return true;
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
            var record = (Record*)(_memory + offset);
            if (record->Length != PadMark)
            {
                packet = new QueuedPacket(record);
                return true;
            }
            Volatile.Write(ref _head.Value, head + (_capacity - offset));
        }
    }

    /// <summary>Bytes of the packet behind the one that <see cref="TryPeek"/> shows; 0 when none is known of.</summary>
    public int LengthBehind(in QueuedPacket packet)
    {
        long next = _head.Value + RecordBytes(packet.Length);
        if (next >= Volatile.Read(ref _tail.Value))
            return 0;
        int length = ((Record*)(_memory + (int)(next % _capacity)))->Length;
        return length == PadMark ? 0 : length;
    }

    /// <summary>Forgets the packet that <see cref="TryPeek"/> showed.</summary>
    public void Pop(in QueuedPacket packet)
    {
        Volatile.Write(ref _dequeuedBytes, _dequeuedBytes + packet.Length);
        Volatile.Write(ref _head.Value, _head.Value + RecordBytes(packet.Length));
    }

    /// <summary>Frees the memory. Nobody may append or read.</summary>
    public void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        Volatile.Write(ref _head.Value, _tail.Value);
    }

    private static int RecordBytes(int length) => Align(sizeof(Record) + length);

    private static int Align(int value) => (value + Alignment - 1) & ~(Alignment - 1);

    /// <summary>What stands before a packet.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    internal struct Record
    {
        public int Length;
        public ushort Network;
        public long Since;
        public PacketOffload Offload;
    }
}

/// <summary>A packet in a <see cref="PacketRing"/>, borrowed: read where it lies.</summary>
internal readonly unsafe struct QueuedPacket(PacketRing.Record* record)
{
    /// <summary>Its first byte.</summary>
    public nint Data => (nint)(record + 1);

    /// <summary>Its bytes.</summary>
    public int Length => record->Length;

    /// <summary>The sender's number of its network.</summary>
    public int Network => record->Network;

    /// <summary>When it began to wait, in nanoseconds.</summary>
    public long Since => record->Since;

    /// <summary>What it is.</summary>
    public ref readonly PacketOffload Offload => ref record->Offload;
}

/// <summary>A counter alone on its cache lines, so that two threads' counters do not slow each other.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct PaddedLong
{
    [FieldOffset(64)] public long Value;
}
