using System.Buffers.Binary;

namespace VibePN.Offload;

/// <summary>Where the parts of a TCP or UDP packet lie, as far as cutting and joining need to know.</summary>
/// <param name="IsV6">Which IP version.</param>
/// <param name="Protocol">6 or 17.</param>
/// <param name="Transport">Offset of the TCP or UDP header, in bytes.</param>
/// <param name="Payload">Offset of the payload.</param>
public readonly record struct IpSegment(bool IsV6, byte Protocol, int Transport, int Payload)
{
    /// <summary>TCP's protocol number.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP's protocol number.</summary>
    public const byte Udp = 17;

    private const int TcpHeader = 20;
    private const int UdpHeader = 8;

    /// <summary>Offset of the checksum field behind the start of the transport header.</summary>
    public int ChecksumOffset => Protocol == Tcp ? 16 : 6;

    /// <summary>Source and destination address as they lie in the header.</summary>
    public ReadOnlySpan<byte> Addresses(ReadOnlySpan<byte> packet) => IsV6 ? packet.Slice(8, 32) : packet.Slice(12, 8);

    /// <summary>Reads a whole packet: no fragment, the lengths in its headers those of the packet.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="segment">The parts.</param>
    /// <returns>False for anything else, and for IPv6 with extension headers.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out IpSegment segment)
    {
        segment = default;
        if (packet.Length < 20)
            return false;
        bool isV6 = packet[0] >> 4 == 6;
        if (isV6)
        {
            return packet.Length >= 40 && BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) == packet.Length - 40
                && TryRead(packet, isV6: true, packet[6], 40, out segment);
        }
        int header = (packet[0] & 0xF) * 4;
        return packet[0] >> 4 == 4 && header >= 20
            && BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) == packet.Length
            && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3FFF) == 0
            && TryRead(packet, isV6: false, packet[9], header, out segment);
    }

    /// <summary>Reads the parts of a super packet whose transport header the kernel says to be there.</summary>
    /// <param name="packet">The packet; the lengths in its headers do not count.</param>
    /// <param name="isV6">Its version.</param>
    /// <param name="protocol">6 or 17.</param>
    /// <param name="transport">Offset of the transport header.</param>
    /// <param name="segment">The parts.</param>
    public static bool TryRead(ReadOnlySpan<byte> packet, bool isV6, byte protocol, int transport, out IpSegment segment)
    {
        segment = default;
        if (transport < (isV6 ? 40 : 20))
            return false;
        if (protocol == Udp)
        {
            segment = new IpSegment(isV6, protocol, transport, transport + UdpHeader);
            return packet.Length >= segment.Payload;
        }
        if (protocol != Tcp || packet.Length < transport + TcpHeader)
            return false;
        int header = (packet[transport + 12] >> 4) * 4;
        segment = new IpSegment(isV6, protocol, transport, transport + header);
        return header >= TcpHeader && packet.Length >= segment.Payload;
    }

    /// <summary>Whether the transport checksum is right. UDP's "none" (0) is not.</summary>
    public bool HasRightChecksum(ReadOnlySpan<byte> packet)
    {
        ReadOnlySpan<byte> transport = packet[Transport..];
        ulong sum = TransportChecksum.PseudoHeader(Addresses(packet), Protocol, transport.Length);
        return TransportChecksum.Fold(TransportChecksum.Add(sum, transport)) == 0xFFFF
            && (Protocol == Tcp || (transport[ChecksumOffset] | transport[ChecksumOffset + 1]) != 0);
    }

    /// <summary>Whether an IPv4 header's checksum is right; IPv6 has none.</summary>
    public bool HasRightHeader(ReadOnlySpan<byte> packet) =>
        IsV6 || TransportChecksum.Fold(TransportChecksum.Add(0, packet[..Transport])) == 0xFFFF;

    /// <summary>Writes a packet's length into its IP header, and an IPv4 header's checksum.</summary>
    /// <param name="packet">At least the headers.</param>
    /// <param name="length">Bytes of the whole packet.</param>
    public void WriteIpLength(Span<byte> packet, int length)
    {
        if (IsV6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(length - 40));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)length);
        packet[10] = packet[11] = 0;
        TransportChecksum.Store(packet[10..], (ushort)~TransportChecksum.Fold(TransportChecksum.Add(0, packet[..Transport])));
    }

    /// <summary>Writes the sum of the pseudo-header, folded and not inverted, into the checksum field: partial.</summary>
    /// <param name="packet">At least the headers.</param>
    /// <param name="length">Bytes of the whole packet.</param>
    public void WritePartialChecksum(Span<byte> packet, int length) =>
        TransportChecksum.Store(
            packet[(Transport + ChecksumOffset)..],
            TransportChecksum.Fold(TransportChecksum.PseudoHeader(Addresses(packet), Protocol, length - Transport)));
}
