using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>Makes small packets with true checksums.</summary>
internal static class Packets
{
    /// <summary>An ICMP echo request over IPv4.</summary>
    public static byte[] Echo4(string source, string destination, int payload = 32)
    {
        byte[] packet = new byte[28 + payload];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = 1;
        IpAddress.Parse(source).CopyTo(packet.AsSpan(12));
        IpAddress.Parse(destination).CopyTo(packet.AsSpan(16));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, 20), 0));
        packet[20] = 8;
        packet[25] = 7;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), Checksum(packet.AsSpan(20), 0));
        return packet;
    }

    /// <summary>An ICMPv6 echo request.</summary>
    public static byte[] Echo6(string source, string destination, int payload = 32)
    {
        byte[] packet = new byte[48 + payload];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(8 + payload));
        packet[6] = 58;
        packet[7] = 64;
        IpAddress.Parse(source).CopyTo(packet.AsSpan(8));
        IpAddress.Parse(destination).CopyTo(packet.AsSpan(24));
        packet[40] = 128;
        packet[45] = 7;
        uint pseudo = Sum(packet.AsSpan(8, 32)) + (uint)(8 + payload) + 58;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(42), Checksum(packet.AsSpan(40), pseudo));
        return packet;
    }

    /// <summary>Whether the packet is the answer to an echo request of ours.</summary>
    public static bool IsEchoReply(byte[] packet) =>
        (packet[0] >> 4 == 4 && packet[9] == 1 && packet[20] == 0) || (packet[0] >> 4 == 6 && packet[6] == 58 && packet[40] == 129);

    private static ushort Checksum(ReadOnlySpan<byte> bytes, uint start)
    {
        uint sum = start + Sum(bytes);
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i + 1 < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return sum;
    }
}
