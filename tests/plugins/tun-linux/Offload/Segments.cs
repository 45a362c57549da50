using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>Makes TCP and UDP packets the slow way, byte by byte, independent of what is tested.</summary>
internal sealed record Segments
{
    public bool IsV6 { get; init; }

    public byte Protocol { get; init; } = 6;

    public string Source { get; init; } = "10.77.0.9";

    public string Destination { get; init; } = "10.77.0.1";

    public ushort SourcePort { get; init; } = 40_000;

    public ushort Id { get; init; } = 7;

    public byte TypeOfService { get; init; }

    public byte TimeToLive { get; init; } = 64;

    public uint Sequence { get; init; } = 1_000;

    public uint Acknowledgement { get; init; } = 5_000;

    public ushort Window { get; init; } = 512;

    public byte Flags { get; init; } = 0x10;

    public byte[] Options { get; init; } = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

    public byte[] Payload { get; init; } = [];

    public int HeaderLength => (IsV6 ? 40 : 20) + (Protocol == 6 ? 20 + Options.Length : 8);

    /// <summary>The packet, its checksums complete.</summary>
    public byte[] Build()
    {
        int ip = IsV6 ? 40 : 20;
        byte[] packet = new byte[HeaderLength + Payload.Length];
        Span<byte> transport = packet.AsSpan(ip);
        if (IsV6)
        {
            packet[0] = (byte)(0x60 | (TypeOfService >> 4));
            packet[1] = (byte)(TypeOfService << 4);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - 40));
            packet[6] = Protocol;
            packet[7] = TimeToLive;
            IpAddress.Parse(Source).CopyTo(packet.AsSpan(8));
            IpAddress.Parse(Destination).CopyTo(packet.AsSpan(24));
        }
        else
        {
            packet[0] = 0x45;
            packet[1] = TypeOfService;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), Id);
            packet[6] = 0x40;
            packet[8] = TimeToLive;
            packet[9] = Protocol;
            IpAddress.Parse(Source).CopyTo(packet.AsSpan(12));
            IpAddress.Parse(Destination).CopyTo(packet.AsSpan(16));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, 20), 0));
        }
        BinaryPrimitives.WriteUInt16BigEndian(transport, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], 443);
        if (Protocol == 6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], Sequence);
            BinaryPrimitives.WriteUInt32BigEndian(transport[8..], Acknowledgement);
            transport[12] = (byte)((20 + Options.Length) / 4 << 4);
            transport[13] = Flags;
            BinaryPrimitives.WriteUInt16BigEndian(transport[14..], Window);
            Options.CopyTo(transport[20..]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        }
        Payload.CopyTo(packet.AsSpan(HeaderLength));
        int field = Protocol == 6 ? 16 : 6;
        ushort checksum = Checksum(transport, PseudoHeader(packet, transport.Length));
        BinaryPrimitives.WriteUInt16BigEndian(transport[field..], checksum == 0 && Protocol == 17 ? (ushort)0xFFFF : checksum);
        return packet;
    }

    /// <summary>RFC 1071, a word at a time.</summary>
    public static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8) + (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~((sum & 0xFFFF) + (sum >> 16));
    }

    private uint PseudoHeader(byte[] packet, int length)
    {
        uint sum = Protocol + (uint)length;
        foreach (byte[] pair in (IsV6 ? packet.AsSpan(8, 32) : packet.AsSpan(12, 8)).ToArray().Chunk(2))
            sum += (uint)(pair[0] << 8) + pair[1];
        return sum;
    }
}
