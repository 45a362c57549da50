using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>Reads IPv4 and IPv6 headers, strictly: what two parsers could read in two ways is refused.</summary>
/// <remarks>
/// Pure, without exceptions or allocation, for hostile input. Refused are: a length field that is not the packet's
/// length; a fragment that ends beyond 65,535, is empty, or is not the last and not a multiple of 8; a datagram or first
/// fragment too short for its transport header, and TCP's second 8 bytes as a fragment of its own (RFC 1858); an IPv6
/// chain of more than 8 extension headers or 256 bytes, with two fragment headers, with hop-by-hop options anywhere
/// but first, or with a routing header that is not used up, which would take the packet elsewhere than its destination
/// says; and v4-mapped IPv6 addresses, which are IPv4 in a form that no list of IPv4 prefixes would match.
/// IPv4's header checksum is the receiving kernel's to verify.
/// </remarks>
internal static class IpPacket
{
    /// <summary>Bytes of an IPv4 header without options.</summary>
    public const int HeaderV4 = 20;

    /// <summary>Bytes of an IPv6 header without extension headers.</summary>
    public const int HeaderV6 = 40;

    private const int MaxExtensionHeaders = 8;
    private const int MaxExtensionBytes = 256;

    /// <summary>Reads the headers up to the ports.</summary>
    /// <param name="packet">One whole IP packet, which may be a super packet.</param>
    /// <param name="key">What a forwarding decision may look at.</param>
    /// <param name="facts">Where things are.</param>
    /// <returns>False when the packet is malformed; both results are empty then.</returns>
    public static bool TryParse(ReadOnlySpan<byte> packet, out PacketKey key, out IpFacts facts)
    {
        key = default;
        facts = default;
        if (packet.Length < HeaderV4)
            return false;
        return (packet[0] >> 4) switch
        {
            4 => TryParseV4(packet, out key, out facts),
            6 => TryParseV6(packet, out key, out facts),
            _ => false,
        };
    }

    private static bool TryParseV4(ReadOnlySpan<byte> packet, out PacketKey key, out IpFacts facts)
    {
        key = default;
        facts = default;
        int header = (packet[0] & 0x0F) * 4;
        if (header < HeaderV4 || header > packet.Length
            || BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) != packet.Length)
            return false;
        ushort fragmentField = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        int offset = (fragmentField & 0x1FFF) * 8;
        bool more = (fragmentField & 0x2000) != 0;
        byte protocol = packet[9];
        if (!TryReadFragment(offset, more, packet.Length - header, out FragmentPart part)
            || !TryReadPorts(protocol, part, offset, packet[header..], out ushort source, out ushort destination))
            return false;
        key = new PacketKey(
            IpAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[12..])),
            IpAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[16..])),
            protocol, source, destination, packet[1]);
        facts = new IpFacts(IpFamily.V4, part, (fragmentField & 0x4000) != 0, (ushort)header);
        return true;
    }

    private static bool TryParseV6(ReadOnlySpan<byte> packet, out PacketKey key, out IpFacts facts)
    {
        key = default;
        facts = default;
        if (packet.Length < HeaderV6 || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != packet.Length - HeaderV6)
            return false;
        IpAddress from = IpAddress.FromV6(BinaryPrimitives.ReadUInt128BigEndian(packet[8..]));
        IpAddress to = IpAddress.FromV6(BinaryPrimitives.ReadUInt128BigEndian(packet[24..]));
        if (AddressClasses.IsMapped(from) || AddressClasses.IsMapped(to)
            || !TryWalkExtensions(packet, out Chain chain)
            || !TryReadPorts(chain.Protocol, chain.Part, chain.FragmentOffset, packet[chain.Offset..],
                out ushort source, out ushort destination))
            return false;
        byte trafficClass = (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4);
        key = new PacketKey(from, to, chain.Protocol, source, destination, trafficClass);
        facts = new IpFacts(IpFamily.V6, chain.Part, true, (ushort)chain.Offset) { IsAuthenticated = chain.IsAuthenticated };
        return true;
    }

    private static bool TryWalkExtensions(ReadOnlySpan<byte> packet, out Chain chain)
    {
        chain = new Chain { Protocol = packet[6], Offset = HeaderV6 };
        bool fragmented = false;
        for (int headers = 0; IsExtension(chain.Protocol); headers++)
        {
            ReadOnlySpan<byte> rest = packet[chain.Offset..];
            if (headers == MaxExtensionHeaders || rest.Length < 8)
                return false;
            byte type = chain.Protocol;
            int size = type switch
            {
                IpProtocol.Fragment => 8,
                IpProtocol.Authentication => (rest[1] + 2) * 4,
                _ => (rest[1] + 1) * 8,
            };
            if (size > rest.Length || chain.Offset + size > HeaderV6 + MaxExtensionBytes
                || (type == IpProtocol.HopByHop && headers > 0)
                || (type == IpProtocol.Routing && rest[3] != 0)
                || (type == IpProtocol.Fragment && fragmented))
                return false;
            chain.IsAuthenticated |= type == IpProtocol.Authentication;
            chain.Protocol = rest[0];
            chain.Offset += size;
            if (type != IpProtocol.Fragment)
                continue;
            fragmented = true;
            ushort field = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            chain.FragmentOffset = field & 0xFFF8;
            if (!TryReadFragment(chain.FragmentOffset, (field & 1) != 0, rest.Length - size, out chain.Part))
                return false;
            if (chain.Part == FragmentPart.Later)
                return true; // what follows is payload, whatever it looks like
        }
        return true;
    }

    private static bool TryReadFragment(int offset, bool more, int payload, out FragmentPart part)
    {
        part = offset != 0 ? FragmentPart.Later : more ? FragmentPart.First : FragmentPart.Whole;
        return part == FragmentPart.Whole
            || (payload > 0 && offset + payload <= ushort.MaxValue && (!more || payload % 8 == 0));
    }

    private static bool TryReadPorts(
        byte protocol, FragmentPart part, int fragmentOffset, ReadOnlySpan<byte> transport,
        out ushort source, out ushort destination)
    {
        source = 0;
        destination = 0;
        if (part == FragmentPart.Later)
            return protocol != IpProtocol.Tcp || fragmentOffset > 8;
        if (transport.Length < SmallestHeader(protocol))
            return false;
        if (protocol is IpProtocol.Tcp or IpProtocol.Udp)
        {
            source = BinaryPrimitives.ReadUInt16BigEndian(transport);
            destination = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
        }
        return true;
    }

    private static int SmallestHeader(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => 20,
        IpProtocol.Udp or IpProtocol.Icmp => 8,
        IpProtocol.IcmpV6 => 4,
        _ => 0,
    };

    // ESP (50) and "no next header" (59) end the chain like any transport: what follows them cannot be read.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsExtension(byte protocol) => protocol
        is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.Authentication
        or IpProtocol.DestinationOptions or IpProtocol.Mobility or IpProtocol.HostIdentity or IpProtocol.Shim6;

    /// <summary>How far the walk along the extension headers has come.</summary>
    private struct Chain
    {
        public byte Protocol;
        public FragmentPart Part;
        public int Offset;
        public int FragmentOffset;
        public bool IsAuthenticated;
    }
}
