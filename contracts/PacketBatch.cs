using System.Runtime.InteropServices;

namespace VibePN.Contracts;

/// <summary>Packets in one block of unmanaged memory, with their offload facts beside them.</summary>
/// <remarks>
/// <para>
/// Packets are bare IP. Each lies in the arena behind <see cref="Headroom"/> free bytes, so that a callee may
/// put a header in front without a copy; its first byte is aligned to 16. A packet may be a 64 KB super packet.
/// </para>
/// <para>
/// One thread at a time. The owner fills the batch and lends it for a call; the callee neither keeps it nor
/// changes <see cref="Count"/>, and may write into a packet and its headroom only where its contract says so.
/// Nothing here allocates after construction.
/// </para>
/// </remarks>
public sealed unsafe class PacketBatch : IDisposable
{
    /// <summary>The largest IP packet there is, and so the largest super packet, in bytes.</summary>
    public const int MaxPacketSize = 65_535;

    private const int Alignment = 16;

    private readonly Slot[] _slots;
    private byte* _arena;
    private int _used;

    /// <summary>Allocates the arena.</summary>
    /// <param name="capacity">Most packets held at once, 1 to 65,535.</param>
    /// <param name="arenaBytes">Bytes for all packets and their headroom together.</param>
    /// <param name="headroom">Free bytes in front of each packet; rounded up to a multiple of 16.</param>
    public PacketBatch(int capacity, int arenaBytes, int headroom = 128)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNegative(headroom);
        Headroom = Align(headroom);
        ArgumentOutOfRangeException.ThrowIfLessThan(arenaBytes, Headroom + Alignment);
        ArenaBytes = arenaBytes;
        _slots = new Slot[capacity];
        _arena = (byte*)NativeMemory.AlignedAlloc((nuint)arenaBytes, 64);
        GC.AddMemoryPressure(arenaBytes);
    }

    /// <summary>Frees the arena if the owner forgot to.</summary>
    ~PacketBatch() => Free();

    /// <summary>Most packets held at once.</summary>
    public int Capacity => _slots.Length;

    /// <summary>Packets held now.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the whole arena.</summary>
    public int ArenaBytes { get; }

    /// <summary>Free bytes in front of every packet, a multiple of 16.</summary>
    public int Headroom { get; }

    /// <summary>Payload bytes of all packets together.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Forgets every packet. The memory stays.</summary>
    public void Clear()
    {
        Count = 0;
        TotalBytes = 0;
        _used = 0;
    }

    /// <summary>Offers room for one more packet; <see cref="Commit"/> keeps it.</summary>
    /// <param name="maxLength">Bytes that must fit, 1 to <see cref="MaxPacketSize"/>.</param>
    /// <param name="buffer">Where to write the packet; at least <paramref name="maxLength"/> bytes.</param>
    /// <returns>False when the slots or the arena are used up; the batch is unchanged then.</returns>
    public bool TryReserve(int maxLength, out Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_arena is null, this);
        int start = _used + Headroom;
        if (maxLength <= 0 || maxLength > MaxPacketSize || Count == _slots.Length || ArenaBytes - start < maxLength)
        {
            buffer = default;
            return false;
        }
        buffer = new Span<byte>(_arena + start, Math.Min(ArenaBytes - start, MaxPacketSize));
        return true;
    }

    /// <summary>Keeps the packet written into the last reserved room.</summary>
    /// <param name="length">The packet's true length in bytes, at most what was reserved.</param>
    /// <param name="network">The network the packet belongs to, as both ends of this call number it.</param>
    /// <param name="offload">Its offload facts; the default is an ordinary packet.</param>
    public void Commit(int length, ushort network = 0, PacketOffload offload = default)
    {
        int start = _used + Headroom;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Math.Min(ArenaBytes - start, MaxPacketSize));
        // Field by field: a struct that is stored in narrow pieces and then copied as a whole makes the processor wait.
        ref Slot slot = ref _slots[Count];
        slot.Offset = start;
        slot.Length = length;
        slot.Network = network;
        slot.Flow = 0;
        slot.Offload = offload;
        Count++;
        TotalBytes += length;
        _used = Align(start + length);
    }

    /// <summary>Copies one packet in.</summary>
    /// <returns>False when it does not fit; the batch is unchanged then.</returns>
    public bool TryAdd(ReadOnlySpan<byte> packet, ushort network = 0, PacketOffload offload = default)
    {
        if (!TryReserve(packet.Length, out Span<byte> buffer))
            return false;
        packet.CopyTo(buffer);
        Commit(packet.Length, network, offload);
        return true;
    }

    /// <summary>The packet's bytes.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public Span<byte> Packet(int index)
    {
        ref readonly Slot slot = ref At(index);
        return new Span<byte>(_arena + slot.Offset, slot.Length);
    }

    /// <summary>The packet's bytes with the <paramref name="front"/> bytes of headroom before them.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="front">0 to <see cref="Headroom"/>.</param>
    public Span<byte> PacketWithHeadroom(int index, int front)
    {
        ref readonly Slot slot = ref At(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)front, (uint)Headroom);
        return new Span<byte>(_arena + slot.Offset - front, slot.Length + front);
    }

    /// <summary>Length of the packet in bytes.</summary>
    public int LengthOf(int index) => At(index).Length;

    /// <summary>Number of the packet's network, as both ends of this call number networks.</summary>
    public ushort NetworkOf(int index) => At(index).Network;

    /// <summary>Renumbers the packet's network, when a batch passes from one numbering to another.</summary>
    public void SetNetwork(int index, ushort network)
    {
        _ = At(index);
        _slots[index].Network = network;
    }

    /// <summary>A number that all packets of the packet's flow have, for queues that are fair to flows; 0 until it is set.</summary>
    public ushort FlowOf(int index) => At(index).Flow;

    /// <summary>Sets the number of the packet's flow.</summary>
    public void SetFlow(int index, ushort flow)
    {
        _ = At(index);
        _slots[index].Flow = flow;
    }

    /// <summary>The packet's offload facts.</summary>
    public PacketOffload OffloadOf(int index) => At(index).Offload;

    /// <summary>Replaces the packet's offload facts, when more is known of it than before.</summary>
    public void SetOffload(int index, PacketOffload offload)
    {
        _ = At(index);
        _slots[index].Offload = offload;
    }

    /// <summary>Address of the packet's first byte, for native calls. Valid until the batch is cleared or disposed.</summary>
    public nint AddressOf(int index) => (nint)(_arena + At(index).Offset);

    /// <summary>Frees the arena. The batch is not usable afterwards.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static int Align(int value) => (value + Alignment - 1) & ~(Alignment - 1);

    private ref readonly Slot At(int index)
    {
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(index));
        return ref _slots[index];
    }

    private void Free()
    {
        if (_arena is null)
            return;
        NativeMemory.AlignedFree(_arena);
        _arena = null;
        Clear();
        GC.RemoveMemoryPressure(ArenaBytes);
    }

    private struct Slot
    {
        public int Offset;
        public int Length;
        public ushort Network;
        public ushort Flow;
        public PacketOffload Offload;
    }
}
