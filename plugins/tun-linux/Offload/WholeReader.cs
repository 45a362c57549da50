using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Hands super packets and partial checksums on as the kernel made them, straight into the batch.</summary>
internal sealed unsafe class WholeReader : IKernelReader
{
    /// <inheritdoc/>
    public long Oversize { get; set; }

    /// <inheritdoc/>
    public long Supers { get; private set; }

    /// <inheritdoc/>
    public int RoomFor(int limit) => PacketBatch.MaxPacketSize;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has no headroom for the kernel's header.</exception>
    public bool TryFill(PacketBatch batch, int limit, KernelRead read)
    {
        if (batch.Headroom < VirtioNetHdr.Size)
            throw new ArgumentException($"A headroom of {batch.Headroom} bytes has no room for a header of {VirtioNetHdr.Size}.", nameof(batch));
        if (!batch.TryReserve(PacketBatch.MaxPacketSize, out Span<byte> room))
            return false;
        fixed (byte* packet = room)
        {
            // The kernel's header goes into the headroom, so that the packet lies where the batch wants it.
            byte* header = packet - VirtioNetHdr.Size;
            int length = read(header, VirtioNetHdr.Size + PacketBatch.MaxPacketSize) - VirtioNetHdr.Size;
            if (length <= 0)
                return false;
            Take(batch, Unsafe.ReadUnaligned<VirtioNetHdr>(header), room[..length], limit);
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Take(PacketBatch batch, in VirtioNetHdr header, ReadOnlySpan<byte> packet, int limit)
    {
        PacketOffload offload = header.ToOffload();
        if (offload.Kind == OffloadKind.None)
        {
            if (packet.Length > limit || (offload.Checksum == ChecksumState.Partial && !PartialChecksum.Fits(offload, packet.Length)))
                Oversize++;
            else
                batch.Commit(packet.Length, offload: offload);
            return;
        }
        if (!SuperPacket.TryRead(packet, offload, out SuperPacket super) || super.LargestPacket > limit)
        {
            Oversize++;
            return;
        }
        Supers++;
        batch.Commit(packet.Length, offload: super.Count == 1 ? offload with { Kind = OffloadKind.None, SegmentSize = 0 } : offload);
    }
}
