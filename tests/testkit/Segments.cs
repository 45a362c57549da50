using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>Makes TCP and UDP packets the slow way, byte by byte, independent of what is tested.</summary>
[SuppressMessage("Performance", "CA1819", Justification = "Tests mean these bytes, and nobody changes them.")]
public sealed record Segments
{
    /// <summary>IPv6 instead of IPv4.</summary>
    public bool IsV6 { get; init; }

    /// <summary>6 or 17.</summary>
    public byte Protocol { get; init; } = 6;

    /// <summary>Source address.</summary>
    public string Source { get; init; } = "10.77.0.9";

    /// <summary>Destination address.</summary>
    public string Destination { get; init; } = "10.77.0.1";

    /// <summary>Source port; the other one is 443.</summary>
    public ushort SourcePort { get; init; } = 40_000;

    /// <summary>IPv4's number of the packet.</summary>
    public ushort Id { get; init; } = 7;

    /// <summary>IPv4's "don't fragment".</summary>
    public bool DontFragment { get; init; } = true;

    /// <summary>Type of service, or traffic class: DSCP and ECN.</summary>
    public byte TypeOfService { get; init; }

    /// <summary>Time to live, or hop limit.</summary>
    public byte TimeToLive { get; init; } = 64;

    /// <summary>TCP's number of the first payload byte.</summary>
    public uint Sequence { get; init; } = 1_000;

    /// <summary>TCP's acknowledgement.</summary>
    public uint Acknowledgement { get; init; } = 5_000;

    /// <summary>TCP's window.</summary>
    public ushort Window { get; init; } = 512;

    /// <summary>TCP's flags; ACK by default.</summary>
    public byte Flags { get; init; } = 0x10;

    /// <summary>TCP's options, a multiple of 4 bytes.</summary>
    public byte[] Options { get; init; } = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

    /// <summary>What is carried.</summary>
    public byte[] Payload { get; init; } = [];

    /// <summary>Bytes of all headers.</summary>
    public int HeaderLength => (IsV6 ? 40 : 20) + (Protocol == 6 ? 20 + Options.Length : 8);

    /// <summary>Offset of the transport header.</summary>
    public int TransportOffset => IsV6 ? 40 : 20;

    /// <summary>Offset of the checksum field behind the start of the transport header.</summary>
    public int ChecksumOffset => Protocol == 6 ? 16 : 6;

    /// <summary>A packet of random payload, options, and numbers.</summary>
    /// <param name="random">Where from.</param>
    /// <param name="isV6">IPv6 instead of IPv4.</param>
    /// <param name="protocol">6 or 17.</param>
    /// <param name="most">Payload bytes are 1 to this, exclusive.</param>
    public static Segments Draw(Random random, bool isV6, byte protocol, int most = 20_000)
    {
        ArgumentNullException.ThrowIfNull(random);
        byte[] payload = new byte[random.Next(1, most)];
        random.NextBytes(payload);
        byte[] options = new byte[4 * random.Next(0, 11)];
        random.NextBytes(options);
        return new Segments
        {
            IsV6 = isV6,
            Protocol = protocol,
            Source = isV6 ? "fd77::9" : "10.77.0.9",
            Destination = isV6 ? "fd77::1" : "10.77.0.1",
            Sequence = (uint)random.NextInt64(1L << 32),
            Id = (ushort)random.Next(65_536),
            Options = protocol == 6 ? options : [],
            Payload = payload,
        };
    }

    /// <summary>The facts of a super packet with this header, or of one packet with a partial checksum.</summary>
    /// <param name="size">Payload bytes of each packet; 0 for one packet.</param>
    public PacketOffload Facts(int size = 0) => new(
        size == 0 ? OffloadKind.None : Protocol == 17 ? OffloadKind.Udp : IsV6 ? OffloadKind.TcpV6 : OffloadKind.TcpV4,
        (ushort)size, ChecksumState.Partial, (ushort)TransportOffset, (ushort)ChecksumOffset);

    /// <summary>The packets that a super packet with this header stands for, each made by itself.</summary>
    /// <param name="size">Payload bytes of each packet but the last.</param>
    public byte[][] Cut(int size)
    {
        byte[][] payloads = [.. Payload.Chunk(size)];
        int last = payloads.Length - 1;
        return
        [
            .. payloads.Select((payload, i) => (this with
            {
                Payload = payload,
                Sequence = Sequence + (uint)(i * size),
                Id = (ushort)(Id + i),
                // CWR goes with the first of them, PSH and FIN with the last.
                Flags = (byte)(Flags & ~((i == 0 ? 0 : 0x80) | (i == last ? 0 : 0x09))),
            }).Build()),
        ];
    }

    /// <summary>The packet as a kernel hands it over that leaves the checksum to the device: the pseudo-header's sum.</summary>
    public byte[] BuildPartial()
    {
        byte[] packet = Build();
        ushort sum = (ushort)~Checksum([], PseudoHeader(packet, packet.Length - TransportOffset));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(TransportOffset + ChecksumOffset), sum);
        return packet;
    }

    /// <summary>The packet, its checksums complete.</summary>
    public byte[] Build()
    {
        byte[] packet = new byte[HeaderLength + Payload.Length];
        Span<byte> transport = packet.AsSpan(TransportOffset);
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
            packet[6] = (byte)(DontFragment ? 0x40 : 0);
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
        ushort checksum = Checksum(transport, PseudoHeader(packet, transport.Length));
        BinaryPrimitives.WriteUInt16BigEndian(transport[ChecksumOffset..], checksum == 0 && Protocol == 17 ? (ushort)0xFFFF : checksum);
        return packet;
    }

    /// <summary>RFC 1071, a word at a time.</summary>
    /// <param name="bytes">What is summed up.</param>
    /// <param name="sum">What it begins with.</param>
    public static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8) + (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    private uint PseudoHeader(byte[] packet, int length)
    {
        uint sum = Protocol + (uint)length;
        foreach (byte[] pair in (IsV6 ? packet.AsSpan(8, 32) : packet.AsSpan(12, 8)).ToArray().Chunk(2))
            sum += (uint)(pair[0] << 8) + pair[1];
        return sum;
    }
}
