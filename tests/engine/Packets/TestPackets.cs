using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Tests.Packets;

/// <summary>Builds packets for tests, slowly and in the open.</summary>
internal static class TestPackets
{
    public static byte[] Udp(
        string source, string destination, int payload = 32, ushort sourcePort = 1000, ushort port = 2000)
    {
        byte[] udp = new byte[8 + payload];
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), port);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        for (int i = 0; i < payload; i++)
            udp[8 + i] = (byte)i;
        return Ip(source, destination, 17, udp);
    }

    public static byte[] Tcp(
        string source, string destination, int payload = 0, ushort sourcePort = 1000, ushort port = 80)
    {
        byte[] tcp = new byte[20 + payload];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), port);
        tcp[12] = 5 << 4;
        return Ip(source, destination, 6, tcp);
    }

    /// <summary>A TCP packet with options and a right checksum: SYN, unless the flags say otherwise.</summary>
    public static byte[] Syn(string source, string destination, byte[] options, byte flags = 0x02, ushort sourcePort = 1000)
    {
        byte[] tcp = new byte[20 + ((options.Length + 3) / 4 * 4)];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), 80);
        tcp[12] = (byte)(tcp.Length / 4 << 4);
        tcp[13] = flags;
        options.CopyTo(tcp, 20);
        return WithTcpChecksum(Ip(source, destination, 6, tcp), source.Contains(':', StringComparison.Ordinal) ? 40 : 20);
    }

    /// <summary>Mends the checksum of the TCP header that begins at the given offset.</summary>
    public static byte[] WithTcpChecksum(byte[] packet, int transport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 16), 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 16), TcpChecksum(packet, transport));
        return packet;
    }

    /// <summary>Leaves only the pseudo-header's sum in the checksum field, as the kernel's offload does.</summary>
    public static byte[] WithPartialChecksum(byte[] packet, int transport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(
            packet.AsSpan(transport + 16), (ushort)~NaiveChecksum(PseudoHeader(packet, transport)));
        return packet;
    }

    /// <summary>The checksum over pseudo-header and TCP segment: 0 when the packet has the right one.</summary>
    public static ushort TcpChecksum(byte[] packet, int transport) =>
        NaiveChecksum([.. PseudoHeader(packet, transport), .. packet[transport..]]);

    public static byte[] Icmp(string source, string destination, byte type)
    {
        byte[] icmp = new byte[16];
        icmp[0] = type;
        return Ip(source, destination, source.Contains(':', StringComparison.Ordinal) ? (byte)58 : (byte)1, icmp);
    }

    public static byte[] Ip(string source, string destination, byte protocol, byte[] payload)
    {
        IpAddress from = IpAddress.Parse(source);
        IpAddress to = IpAddress.Parse(destination);
        return from.Family == IpFamily.V4 ? V4(from, to, protocol, payload) : V6(from, to, protocol, payload);
    }

    /// <summary>Sets IPv4's flags and offset (in units of 8 bytes) and mends the header checksum.</summary>
    public static byte[] WithFragment(byte[] packet, bool dontFragment = false, bool more = false, int offset = 0)
    {
        int field = (dontFragment ? 0x4000 : 0) | (more ? 0x2000 : 0) | offset;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), (ushort)field);
        return WithChecksum(packet);
    }

    /// <summary>The checksum as RFC 1071 describes it, word by word.</summary>
    public static ushort NaiveChecksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            sum += (uint)(i % 2 == 0 ? bytes[i] << 8 : bytes[i]);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~sum;
    }

    private static byte[] PseudoHeader(byte[] packet, int transport)
    {
        int length = packet.Length - transport;
        byte[] addresses = packet[0] >> 4 == 4 ? packet[12..20] : packet[8..40];
        return [.. addresses, 0, 6, (byte)(length >> 8), (byte)length];
    }

    private static byte[] V4(IpAddress from, IpAddress to, byte protocol, byte[] payload)
    {
        byte[] packet = new byte[20 + payload.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = protocol;
        from.CopyTo(packet.AsSpan(12));
        to.CopyTo(packet.AsSpan(16));
        payload.CopyTo(packet, 20);
        return WithChecksum(packet);
    }

    private static byte[] V6(IpAddress from, IpAddress to, byte protocol, byte[] payload)
    {
        byte[] packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
        packet[6] = protocol;
        packet[7] = 64;
        from.CopyTo(packet.AsSpan(8));
        to.CopyTo(packet.AsSpan(24));
        payload.CopyTo(packet, 40);
        return packet;
    }

    private static byte[] WithChecksum(byte[] packet)
    {
        packet[10] = packet[11] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), NaiveChecksum(packet.AsSpan(0, 20)));
        return packet;
    }
}
