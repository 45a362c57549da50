using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Reads an interface whose packets begin with a virtio header: what one read returns may be many packets.</summary>
/// <remarks>Belongs to the reader's thread. Holds one buffer of 64 KB, of unmanaged memory.</remarks>
internal sealed unsafe class KernelReader : IDisposable
{
    private const int Alignment = 16;
    private const int BufferBytes = Alignment + PacketBatch.MaxPacketSize;

    // The header lies right before the packet, and the packet at a multiple of 16.
    private const int HeaderAt = Alignment - VirtioNetHdr.Size;

    private byte* _buffer = (byte*)NativeMemory.AlignedAlloc(BufferBytes, 64);
    private SuperPacket _super;

    /// <summary>Packets that the kernel made larger than the MTU allows, dropped; the caller's to take over.</summary>
    public long Oversize { get; set; }

    /// <summary>Super packets cut so far.</summary>
    public long Cut { get; private set; }

    /// <summary>Fills a batch with what one read brings, or what is left of the last one.</summary>
    /// <param name="batch">Where to add packets.</param>
    /// <param name="limit">Largest packet wanted, in bytes.</param>
    /// <param name="read">Reads into a buffer of some bytes; returns how many came, 0 for none.</param>
    /// <returns>False when the kernel has no more now, or the batch no room.</returns>
    public bool TryFill(PacketBatch batch, int limit, KernelRead read)
    {
        if (_super.IsPending)
        {
            _super.CutInto(batch);
            return !_super.IsPending;
        }
        if (!batch.TryReserve(limit, out Span<byte> room))
            return false;
        int length = read(_buffer + HeaderAt, BufferBytes - HeaderAt) - VirtioNetHdr.Size;
        if (length <= 0)
            return false;
        Take(batch, room, limit, length);
        return !_super.IsPending;
    }

    /// <summary>Frees the buffer. Nobody may be reading.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffer);
        _buffer = null;
    }

    private void Take(PacketBatch batch, Span<byte> room, int limit, int length)
    {
        var header = Unsafe.ReadUnaligned<VirtioNetHdr>(_buffer + HeaderAt);
        byte* packet = _buffer + Alignment;
        if (header.gso_type != VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE)
        {
            if (_super.TryBegin(header, packet, length) && _super.LargestPacket <= limit)
            {
                Cut++;
                _super.CutInto(batch);
                return;
            }
            _super = default;
            Oversize++;
            return;
        }
        var whole = new Span<byte>(packet, length);
        bool isPartial = (header.flags & VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
        if (length > limit || (isPartial && !SuperPacket.TryComplete(header, whole)))
        {
            Oversize++;
            return;
        }
        whole.CopyTo(room);
        batch.Commit(length);
    }
}

/// <summary>Reads one packet of an interface.</summary>
/// <param name="buffer">Where to.</param>
/// <param name="size">Its bytes.</param>
/// <returns>Bytes that came; 0 when there is nothing now.</returns>
internal unsafe delegate int KernelRead(byte* buffer, int size);
