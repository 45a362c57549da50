using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Offload.Tests;

public sealed class SuperPacketTests
{
    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void Is_cut_into_packets_that_are_complete_in_themselves(bool isV6, byte protocol)
    {
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            Segments whole = Segments.Draw(random, isV6, protocol) with { Flags = 0x99 }; // CWR, ACK, PSH, FIN
            int size = random.Next(1, 1_500);
            byte[] packet = whole.BuildPartial();
            Assert.True(SuperPacket.TryRead(packet, whole.Facts(size), out SuperPacket super));
            Assert.Equal(whole.Cut(size), CutAll(packet, super));
        }
    }

    [Fact]
    public void Headers_and_payloads_are_those_of_the_packets_once_the_checksum_is_completed()
    {
        var random = new Random(2);
        for (int round = 0; round < 300; round++)
        {
            Segments whole = Segments.Draw(random, round % 2 == 0, round % 4 < 2 ? (byte)6 : (byte)17);
            int size = random.Next(1, 1_500);
            byte[] packet = whole.BuildPartial();
            Assert.True(SuperPacket.TryRead(packet, whole.Facts(size), out SuperPacket super));
            byte[][] expected = whole.Cut(size);
            for (int i = 0; i < super.Count; i++)
            {
                byte[] header = new byte[super.HeaderBytes];
                super.WriteHeader(packet, i, header);
                super.Payload(i, out int offset, out int length);
                byte[] one = [.. header, .. packet.AsSpan(offset, length)];
                PartialChecksum.Complete(one, whole.TransportOffset, whole.ChecksumOffset);
                Assert.Equal(expected[i], one);
            }
        }
    }

    [Theory]
    [InlineData(1_000, 1_000, 1, 1_052)]
    [InlineData(1_000, 999, 2, 1_051)]
    [InlineData(1_000, 60_000, 1, 1_052)]
    [InlineData(65_000, 1, 65_000, 53)]
    public void Measure_is_that_of_its_packets(int payload, int size, int count, int largest)
    {
        var whole = new Segments { Payload = new byte[payload] };
        Assert.True(SuperPacket.TryRead(whole.BuildPartial(), whole.Facts(size), out SuperPacket super));
        Assert.Equal((count, largest, 52), (super.Count, super.LargestPacket, super.HeaderBytes));
    }

    [Fact]
    public void Cutting_does_not_touch_the_super_packet()
    {
        Segments whole = new() { Payload = new byte[10_000] };
        byte[] packet = whole.BuildPartial();
        Assert.True(SuperPacket.TryRead(packet, whole.Facts(700), out SuperPacket super));
        CutAll(packet, super);
        Assert.Equal(whole.BuildPartial(), packet);
    }

    [Fact]
    public void Ordinary_packet_is_none()
    {
        var segment = new Segments { Payload = new byte[100] };
        Assert.False(SuperPacket.TryRead(segment.Build(), default, out SuperPacket super));
        Assert.Equal(0, super.Count);
        Assert.False(SuperPacket.TryRead(segment.BuildPartial(), segment.Facts(), out _));
        // Who claims the checksum to be complete did not make it for the packets.
        PacketOffload complete = segment.Facts(10) with { Checksum = ChecksumState.Complete };
        Assert.False(SuperPacket.TryRead(segment.Build(), complete, out _));
        Assert.False(SuperPacket.TryRead([], segment.Facts(10), out _));
    }

    [Theory]
    [InlineData(OffloadKind.TcpV6)]
    [InlineData((OffloadKind)3)]
    public void Kind_has_to_be_the_packets(OffloadKind kind)
    {
        var segment = new Segments { Payload = new byte[100] };
        Assert.False(SuperPacket.TryRead(segment.BuildPartial(), segment.Facts(10) with { Kind = kind }, out _));
    }

    [Theory]
    [InlineData(6, 6)]
    [InlineData(17, 16)]
    [InlineData(6, 65_000)]
    public void Checksum_field_has_to_be_where_the_protocol_has_it(byte protocol, ushort offset)
    {
        var segment = new Segments { Protocol = protocol, Payload = new byte[100] };
        Assert.False(SuperPacket.TryRead(segment.BuildPartial(), segment.Facts(10) with { ChecksumOffset = offset }, out _));
    }

    [Fact]
    public void Header_and_packet_that_do_not_fit_together_are_refused_or_cut_within_the_packet()
    {
        var random = new Random(4);
        byte[] room = new byte[1_000];
        int read = 0;
        for (int round = 0; round < 100_000; round++)
        {
            Segments whole = Segments.Draw(random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, most: 300);
            byte[] packet = whole.BuildPartial();
            for (int i = random.Next(4); i > 0; i--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            PacketOffload offload = Mutate(whole.Facts(random.Next(1, 400)), random);
            Array.Resize(ref packet, random.Next(1, packet.Length + 1));
            if (!SuperPacket.TryRead(packet, offload, out SuperPacket super))
                continue;
            read++;
            Assert.InRange(super.LargestPacket, super.HeaderBytes + 1, packet.Length);
            int payload = 0;
            for (int i = 0; i < super.Count; i++)
            {
                int length = super.Cut(packet, i, room.AsSpan(0, super.LargestPacket));
                Assert.InRange(length, super.HeaderBytes + 1, super.LargestPacket);
                payload += length - super.HeaderBytes;
            }
            Assert.Equal(packet.Length - super.HeaderBytes, payload);
        }
        Assert.InRange(read, 10_000, 90_000);
    }

    [Fact]
    public void Cutting_allocates_nothing()
    {
        Segments whole = new() { Payload = new byte[50_000] };
        byte[] packet = whole.BuildPartial();
        byte[] room = new byte[2_000];
        PacketOffload offload = whole.Facts(1_300);
        long before = 0;
        int bytes = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(SuperPacket.TryRead(packet, offload, out SuperPacket super));
            for (int i = 0; i < super.Count; i++)
                bytes += super.Cut(packet, i, room);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(200 * (50_000 + (39 * 52)), bytes);
    }

    private static byte[][] CutAll(byte[] packet, SuperPacket super)
    {
        byte[] room = new byte[super.LargestPacket];
        return [.. Enumerable.Range(0, super.Count).Select(i => room[..super.Cut(packet, i, room)])];
    }

    private static PacketOffload Mutate(PacketOffload offload, Random random) => random.Next(8) switch
    {
        0 => offload with { Kind = (OffloadKind)random.Next(256) },
        1 => offload with { SegmentSize = (ushort)random.Next(65_536) },
        2 => offload with { ChecksumStart = (ushort)random.Next(random.Next(2) == 0 ? 100 : 65_536) },
        3 => offload with { ChecksumOffset = (ushort)random.Next(65_536) },
        4 => offload with { Checksum = (ChecksumState)random.Next(2) },
        _ => offload,
    };
}
