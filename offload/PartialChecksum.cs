using VibePN.Contracts;

namespace VibePN.Offload;

/// <summary>Packets whose transport checksum field holds the pseudo-header's sum only: the rest is left to whoever sends them.</summary>
public static class PartialChecksum
{
    private const int UdpOffset = 6;

    /// <summary>Whether the facts point into the packet: the field lies behind the start, and both within.</summary>
    public static bool Fits(in PacketOffload offload, int length) =>
        offload.ChecksumStart < length && offload.ChecksumStart + offload.ChecksumOffset + 2 <= length;

    /// <summary>Folds the rest of the packet in: the checksum is complete.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="start">Offset of the transport header.</param>
    /// <param name="offset">Offset of the field behind it: 6 means UDP, where a computed 0 is written as all ones (RFC 768).</param>
    public static void Complete(Span<byte> packet, int start, int offset)
    {
        ushort checksum = (ushort)~TransportChecksum.Fold(TransportChecksum.Add(0, packet[start..]));
        TransportChecksum.Store(packet[(start + offset)..], checksum == 0 && offset == UdpOffset ? (ushort)0xFFFF : checksum);
    }
}
