using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Simulation.Scenarios;

/// <summary>Writes and reads the inner packets of a run: UDP with the packet's number as payload.</summary>
internal static class Kernel
{
    private const ulong Mark = 0x5649_4250_4E53_494D;
    private const int Payload = 16;

    /// <summary>Writes a packet.</summary>
    /// <returns>Its bytes.</returns>
    public static int Write(Span<byte> packet, IpAddress source, IpAddress destination, long number)
    {
        int header = source.Family == IpFamily.V4 ? 20 : 40;
        int length = header + 8 + Payload;
        packet[..length].Clear();
        if (source.Family == IpFamily.V4)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)length);
            packet[8] = 64;
            packet[9] = 17;
            source.CopyTo(packet[12..]);
            destination.CopyTo(packet[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum(packet[..20]));
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], 8 + Payload);
            packet[6] = 17;
            packet[7] = 64;
            source.CopyTo(packet[8..]);
            destination.CopyTo(packet[24..]);
        }
        Span<byte> udp = packet[header..];
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)(1_024 + (number % 50_000)));
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], 7);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], 8 + Payload);
        BinaryPrimitives.WriteUInt64BigEndian(udp[8..], Mark);
        BinaryPrimitives.WriteInt64BigEndian(udp[16..], number);
        return length;
    }

    /// <summary>Reads the number of a packet that <see cref="Write"/> wrote.</summary>
    /// <returns>False for any other packet, such as an ICMP answer.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out IpAddress source, out IpAddress destination, out long number)
    {
        (source, destination, number) = (default, default, 0);
        if (packet.IsEmpty)
            return false;
        bool v4 = packet[0] >> 4 == 4;
        int header = v4 ? 20 : 40;
        if (packet.Length != header + 8 + Payload || BinaryPrimitives.ReadUInt64BigEndian(packet[(header + 8)..]) != Mark)
            return false;
        number = BinaryPrimitives.ReadInt64BigEndian(packet[(header + 16)..]);
        source = IpAddress.FromBytes(v4 ? packet.Slice(12, 4) : packet.Slice(8, 16));
        destination = IpAddress.FromBytes(v4 ? packet.Slice(16, 4) : packet.Slice(24, 16));
        return true;
    }

    private static ushort Checksum(ReadOnlySpan<byte> header)
    {
        uint sum = 0;
        for (int i = 0; i < header.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
