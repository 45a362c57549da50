using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Cuts what the kernel hands over into ordinary packets, for an engine whose transports take nothing else.</summary>
/// <remarks>Holds one buffer of 64 KB, of unmanaged memory; goes on where a full batch made it stop.</remarks>
internal sealed unsafe class CuttingReader : IKernelReader
{
    private const int Alignment = 16;
    private const int BufferBytes = Alignment + PacketBatch.MaxPacketSize;

    // The header lies right before the packet, and the packet at a multiple of 16.
    private const int HeaderAt = Alignment - VirtioNetHdr.Size;

    private byte* _buffer = (byte*)NativeMemory.AlignedAlloc(BufferBytes, 64);
    private SuperPacket _super;
    private int _length;
    private int _next;

    /// <inheritdoc/>
    public long Oversize { get; set; }

    /// <inheritdoc/>
    public long Supers { get; private set; }

    private bool IsPending => _next < _super.Count;

    /// <inheritdoc/>
    public int RoomFor(int limit) => limit;

    /// <inheritdoc/>
    public bool TryFill(PacketBatch batch, int limit, KernelRead read)
    {
        if (!IsPending)
        {
            if (!batch.TryReserve(limit, out Span<byte> room))
                return false;
            int length = read(_buffer + HeaderAt, BufferBytes - HeaderAt) - VirtioNetHdr.Size;
            if (length <= 0)
                return false;
            Take(batch, room, limit, length);
        }
        CutInto(batch);
        return !IsPending;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffer);
        _buffer = null;
    }

    private void Take(PacketBatch batch, Span<byte> room, int limit, int length)
    {
        PacketOffload offload = Unsafe.ReadUnaligned<VirtioNetHdr>(_buffer + HeaderAt).ToOffload();
        var packet = new Span<byte>(_buffer + Alignment, length);
        _super = default;
        _next = 0;
        if (offload.Kind != OffloadKind.None)
        {
            if (SuperPacket.TryRead(packet, offload, out SuperPacket super) && super.LargestPacket <= limit)
            {
                (_super, _length) = (super, length);
                Supers++;
                return;
            }
            Oversize++;
            return;
        }
        bool isPartial = offload.Checksum == ChecksumState.Partial;
        if (length > limit || (isPartial && !PartialChecksum.Fits(offload, length)))
        {
            Oversize++;
            return;
        }
        if (isPartial)
            PartialChecksum.Complete(packet, offload.ChecksumStart, offload.ChecksumOffset);
        packet.CopyTo(room);
        batch.Commit(length);
    }

    private void CutInto(PacketBatch batch)
    {
        var packet = new ReadOnlySpan<byte>(_buffer + Alignment, _length);
        for (; IsPending && batch.TryReserve(_super.LargestPacket, out Span<byte> room); _next++)
            batch.Commit(_super.Cut(packet, _next, room));
    }
}
