using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>Whole or cut: what comes of it in the end is the same.</summary>
public sealed class KernelReaderTests
{
    private const int Limit = 1_380;

    [Fact]
    public void Both_readers_bring_the_same_packets_in_the_end()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var input = new List<byte[]>();
            var expected = new List<byte[]>();
            int oversize = 0;
            int supers = 0;
            for (int i = random.Next(1, 40); i > 0; i--)
                Draw(random, input, expected, ref supers, ref oversize);
            foreach (bool isWhole in new[] { true, false })
            {
                using IKernelReader reader = isWhole ? new WholeReader() : new CuttingReader();
                using var batch = new PacketBatch(random.Next(1, 70), 4 * (65_536 + 256));
                Assert.Equal(expected, ReadAll(reader, new Kernel(input), batch));
                Assert.Equal((supers, oversize), (reader.Supers, reader.Oversize));
            }
        }
    }

    [Fact]
    public void Super_packets_come_whole_with_their_facts()
    {
        var super = new Segments { Payload = new byte[10_000] };
        var partial = new Segments { Protocol = 17, Payload = new byte[100] };
        using var reader = new WholeReader();
        using var batch = new PacketBatch(8, 8 * (65_536 + 256));
        Fill(reader, new Kernel([Framed(super, 1_000), Framed(partial, 0), Plain(partial)]), batch);
        Assert.Equal(3, batch.Count);
        Assert.Equal([super.Facts(1_000), partial.Facts(), default], Enumerable.Range(0, 3).Select(batch.OffloadOf));
        Assert.Equal(
            [super.BuildPartial(), partial.BuildPartial(), partial.Build()],
            Enumerable.Range(0, 3).Select(i => batch.Packet(i).ToArray()));
    }

    [Fact]
    public void Super_packet_of_one_packet_is_one_packet()
    {
        var one = new Segments { Payload = new byte[900] };
        using var reader = new WholeReader();
        using var batch = new PacketBatch(8, 8 * (65_536 + 256));
        Fill(reader, new Kernel([Framed(one, 900)]), batch);
        Assert.Equal(one.Facts(), batch.OffloadOf(0));
        Assert.Equal(one.BuildPartial(), batch.Packet(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ecn_bit_of_the_kernels_kind_is_no_kind_of_its_own(bool isWhole)
    {
        var super = new Segments { Payload = new byte[3_000], Flags = 0x90 };
        byte[] framed = Framed(super, 1_000);
        framed[1] |= VirtioNetHdr.VIRTIO_NET_HDR_GSO_ECN;
        using IKernelReader reader = isWhole ? new WholeReader() : new CuttingReader();
        using var batch = new PacketBatch(8, 8 * (65_536 + 256));
        Assert.Equal(super.Cut(1_000), ReadAll(reader, new Kernel([framed]), batch));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whatever_the_kernel_says_no_packet_is_larger_than_the_limit(bool isWhole)
    {
        var random = new Random(3);
        using IKernelReader reader = isWhole ? new WholeReader() : new CuttingReader();
        using var batch = new PacketBatch(64, 8 * (65_536 + 256));
        int found = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] framed = Framed(
                Segments.Draw(random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, most: 3_000), random.Next(1_500));
            for (int i = random.Next(6); i > 0; i--)
                framed[random.Next(random.Next(2) == 0 ? VirtioNetHdr.Size : 38)] = (byte)random.Next(256);
            Array.Resize(ref framed, random.Next(1, framed.Length + 1));
            foreach (byte[] packet in ReadAll(reader, new Kernel([framed]), batch))
            {
                Assert.InRange(packet.Length, 1, Limit);
                found++;
            }
        }
        Assert.True(found > 5_000, $"{found} packets");
        Assert.True(reader.Oversize > 1_000, $"{reader.Oversize} were too large");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reading_allocates_nothing(bool isWhole)
    {
        var tcp = new Segments { Payload = new byte[30_000] };
        var udp = new Segments { Protocol = 17, Payload = new byte[20_000] };
        var kernel = new Kernel([Framed(tcp, 1_300), Framed(udp, 1_000), Plain(tcp with { Payload = [1] }), Framed(udp with { Payload = [1] }, 0)]);
        using IKernelReader reader = isWhole ? new WholeReader() : new CuttingReader();
        using var batch = new PacketBatch(64, 16 * (65_536 + 256));
        long before = 0;
        int count = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            kernel.Rewind();
            batch.Clear();
            Fill(reader, kernel, batch);
            count += batch.Count;
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(200 * (isWhole ? 4 : 24 + 20 + 2), count);
    }

    private static void Draw(Random random, List<byte[]> input, List<byte[]> expected, ref int supers, ref int oversize)
    {
        Segments segment = Segments.Draw(random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17)
            with { Flags = (byte)random.Next(256) };
        int size = random.Next(1, 1_400);
        switch (random.Next(4))
        {
            case 0:
                segment = segment with { Payload = segment.Payload[..Math.Min(segment.Payload.Length, 1_500)] };
                input.Add(Plain(segment));
                break;
            case 1:
                segment = segment with { Payload = segment.Payload[..Math.Min(segment.Payload.Length, 1_500)] };
                input.Add(Framed(segment, 0));
                break;
            case 2 when random.Next(4) == 0:
                byte[] unfit = Framed(segment, size);
                unfit[0] = 0; // a super packet whose checksum is said to be complete
                input.Add(unfit);
                oversize++;
                return;
            default:
                input.Add(Framed(segment, size));
                if (segment.HeaderLength + Math.Min(size, segment.Payload.Length) > Limit)
                {
                    oversize++;
                    return;
                }
                supers++;
                expected.AddRange(segment.Cut(size));
                return;
        }
        if (segment.HeaderLength + segment.Payload.Length > Limit)
            oversize++;
        else
            expected.Add(segment.Build());
    }

    // What a transport and an engine make of it, whichever reader it was.
    private static List<byte[]> ReadAll(IKernelReader reader, Kernel kernel, PacketBatch batch)
    {
        var found = new List<byte[]>();
        do
        {
            batch.Clear();
            Fill(reader, kernel, batch);
            for (int i = 0; i < batch.Count; i++)
            {
                byte[] packet = batch.Packet(i).ToArray();
                PacketOffload offload = batch.OffloadOf(i);
                if (SuperPacket.TryRead(packet, offload, out SuperPacket super))
                {
                    found.AddRange(RecordingSink.CutAll(packet, super));
                    continue;
                }
                Assert.Equal(OffloadKind.None, offload.Kind);
                if (offload.Checksum == ChecksumState.Partial)
                    PartialChecksum.Complete(packet, offload.ChecksumStart, offload.ChecksumOffset);
                found.Add(packet);
            }
        }
        while (batch.Count > 0);
        Assert.True(kernel.IsEmpty);
        return found;
    }

    private static unsafe void Fill(IKernelReader reader, Kernel kernel, PacketBatch batch)
    {
        while (reader.TryFill(batch, Limit, kernel.Read))
        {
        }
    }

    private static byte[] Framed(Segments segment, int size) =>
        [.. MemoryMarshal.AsBytes([VirtioNetHdr.From(segment.Facts(size), segment.HeaderLength)]), .. segment.BuildPartial()];

    private static byte[] Plain(Segments segment) => [.. new byte[VirtioNetHdr.Size], .. segment.Build()];

    /// <summary>Hands packets out one after the other, as a TUN descriptor does.</summary>
    private sealed unsafe class Kernel
    {
        private readonly IReadOnlyList<byte[]> _packets;
        private int _next;

        public Kernel(IReadOnlyList<byte[]> packets)
        {
            _packets = packets;
            Read = ReadOne;
        }

        public KernelRead Read { get; }

        public bool IsEmpty => _next == _packets.Count;

        public void Rewind() => _next = 0;

        private int ReadOne(byte* buffer, int size)
        {
            if (IsEmpty)
                return 0;
            byte[] packet = _packets[_next++];
            packet.CopyTo(new Span<byte>(buffer, size));
            return packet.Length;
        }
    }
}
