using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

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
            Segments whole = Draw(random, isV6, protocol) with { Flags = 0x99 }; // CWR, ACK, PSH, FIN
            int size = random.Next(1, 1_500);
            List<byte[]> cut = RecordingSink.Cut(HeaderOf(whole, size), whole.Build(), batchPackets: random.Next(1, 64));

            byte[][] payloads = [.. whole.Payload.Chunk(size)];
            Assert.Equal(payloads.Length, cut.Count);
            for (int i = 0; i < payloads.Length; i++)
            {
                byte flags = (byte)(0x10 | (i == 0 ? 0x80 : 0) | (i == payloads.Length - 1 ? 0x09 : 0));
                Assert.Equal((whole with
                {
                    Payload = payloads[i], Sequence = whole.Sequence + (uint)(i * size), Id = (ushort)(whole.Id + i), Flags = flags,
                }).Build(), cut[i]);
            }
        }
    }

    [Fact]
    public void Checksum_left_to_the_device_is_filled_in()
    {
        var random = new Random(2);
        foreach (bool isV6 in new[] { false, true })
        {
            foreach (byte protocol in new byte[] { 6, 17 })
            {
                Segments segment = Draw(random, isV6, protocol);
                byte[] expected = segment.Build();
                byte[] partial = [.. expected];
                VirtioNetHdr header = HeaderOf(segment, 0);
                int field = header.csum_start + header.csum_offset;
                // What the kernel leaves there: the pseudo-header's sum, folded, not inverted.
                partial[field] = partial[field + 1] = 0;
                ulong sum = TransportChecksum.PseudoHeader(
                    isV6 ? partial.AsSpan(8, 32) : partial.AsSpan(12, 8), protocol, partial.Length - header.csum_start);
                TransportChecksum.Store(partial.AsSpan(field), TransportChecksum.Fold(sum));
                Assert.True(SuperPacket.TryComplete(header, partial));
                Assert.Equal(expected, partial);
            }
        }
    }

    [Fact]
    public void Sum_is_that_of_a_slow_one_for_every_length()
    {
        byte[] bytes = new byte[65_535];
        new Random(3).NextBytes(bytes);
        int[] lengths = [.. Enumerable.Range(0, 300), 1_399, 1_400, 9_001, 65_534, 65_535];
        foreach (int length in lengths)
        {
            byte[] field = new byte[2];
            TransportChecksum.Store(field, (ushort)~TransportChecksum.Fold(TransportChecksum.Add(0, bytes.AsSpan(0, length))));
            Assert.Equal(Segments.Checksum(bytes.AsSpan(0, length), 0), BinaryPrimitives.ReadUInt16BigEndian(field));
        }
        byte[] ones = [.. Enumerable.Repeat((byte)0xFF, 65_534)];
        Assert.Equal(0xFFFF, TransportChecksum.Fold(TransportChecksum.Add(0, ones)));
    }

    [Fact]
    public unsafe void Header_and_packet_that_do_not_fit_together_are_refused()
    {
        var random = new Random(4);
        using var batch = new PacketBatch(64, 1 << 20);
        int begun = 0;
        for (int round = 0; round < 100_000; round++)
        {
            Segments whole = Draw(random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, most: 300);
            byte[] packet = whole.Build();
            for (int i = random.Next(4); i > 0; i--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            VirtioNetHdr header = HeaderOf(whole, random.Next(1, 400));
            Mutate(ref header, random);
            Array.Resize(ref packet, random.Next(1, packet.Length + 1));
            var super = default(SuperPacket);
            fixed (byte* bytes = packet)
            {
                if (!super.TryBegin(header, bytes, packet.Length))
                    continue;
                begun++;
                while (super.IsPending)
                {
                    batch.Clear();
                    Assert.True(super.CutInto(batch) > 0);
                    Assert.True(super.LargestPacket <= packet.Length);
                }
            }
            SuperPacket.TryComplete(header, packet);
        }
        Assert.InRange(begun, 10_000, 90_000);
    }

    internal static Segments Draw(Random random, bool isV6, byte protocol, int most = 20_000)
    {
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

    internal static VirtioNetHdr HeaderOf(Segments segment, int size) => new()
    {
        flags = VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM,
        gso_type = size == 0 ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE
            : segment.Protocol == 17 ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_UDP_L4
            : segment.IsV6 ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV6 : VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV4,
        gso_size = (ushort)size,
        csum_start = (ushort)(segment.IsV6 ? 40 : 20),
        csum_offset = (ushort)(segment.Protocol == 6 ? 16 : 6),
    };

    private static void Mutate(ref VirtioNetHdr header, Random random)
    {
        switch (random.Next(8))
        {
            case 0: header.gso_type = (byte)random.Next(256); break;
            case 1: header.gso_size = (ushort)random.Next(65_536); break;
            case 2: header.csum_start = (ushort)random.Next(random.Next(2) == 0 ? 100 : 65_536); break;
            case 3: header.csum_offset = (ushort)random.Next(65_536); break;
            case 4: header.flags = (byte)random.Next(4); break;
        }
    }
}
