using System.Buffers.Binary;

namespace VibePN.Offload;

/// <summary>Explicit congestion notification in the IP header (RFC 3168).</summary>
public static class CongestionMark
{
    private const int NotCapable = 0;
    private const int Experienced = 3;

    /// <summary>Marks a packet as having met congestion.</summary>
    /// <param name="packet">A packet that begins with a whole IP header; IPv4's checksum is kept right.</param>
    /// <returns>False when its ends do not know what that means: it is to be dropped instead.</returns>
    public static bool TryMark(Span<byte> packet)
    {
        if (packet.Length < 20)
            return false;
        bool isV6 = packet[0] >> 4 == 6;
        int shift = isV6 ? 4 : 0; // IPv6 has the traffic class between version and flow label
        if (((packet[1] >> shift) & Experienced) == NotCapable)
            return false;
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(packet);
        packet[1] |= (byte)(Experienced << shift);
        if (isV6)
            return true;
        TransportChecksum.Mend(packet[10..], before, BinaryPrimitives.ReadUInt16BigEndian(packet));
        return true;
    }
}
