using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

public sealed class SegmentCoalescerTests
{
    private const int EINVAL = 22;
    private const int ENOBUFS = 105;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Segments_that_follow_each_other_become_one_write(bool isV6)
    {
        var random = new Random(1);
        byte[][] stream = [.. Stream(random, isV6, port: 1, segments: 40, size: 1_300)];
        RecordingSink sink = Write(stream);
        Assert.Equal(1, sink.Writes);
        Assert.Equal(stream, sink.Packets);
    }

    [Fact]
    public void What_the_kernel_cuts_again_is_what_came_in_and_no_packet_overtakes_another_of_its_flow()
    {
        long joined = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            byte[][] input = Mix(random);
            RecordingSink sink = Write(input);
            joined += input.Length - sink.Writes;
            Assert.Equal(input.Length, sink.Packets.Count);
            foreach (IGrouping<string, byte[]> flow in input.GroupBy(FlowOf))
                Assert.Equal([.. flow], sink.Packets.Where(packet => FlowOf(packet) == flow.Key).ToArray());
        }
        Assert.True(joined > 2_000, $"{joined} packets were joined to others");
    }

    [Fact]
    public void Random_bytes_come_out_as_they_went_in()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            byte[][] input = Mix(random);
            foreach (byte[] packet in input)
            {
                for (int i = random.Next(3); i > 0; i--)
                    packet[random.Next(Math.Min(packet.Length, 60))] = (byte)random.Next(256);
            }
            RecordingSink sink = Write(input);
            Assert.Equal(input.Select(Convert.ToHexString).Order(), sink.Packets.Select(Convert.ToHexString).Order());
        }
    }

    [Fact]
    public void Segment_with_a_bad_checksum_is_written_as_it_came()
    {
        byte[][] stream = [.. Stream(new Random(1), isV6: false, port: 1, segments: 10, size: 500)];
        stream[4][200] ^= 1;
        RecordingSink sink = Write(stream);
        Assert.Equal(stream, sink.Packets);
        Assert.Equal(3, sink.Writes); // what is before it, it, what is behind it
    }

    [Theory]
    [InlineData("gap")]
    [InlineData("window")]
    [InlineData("acknowledgement")]
    [InlineData("options")]
    [InlineData("ttl")]
    [InlineData("tos")]
    [InlineData("id")]
    [InlineData("fin")]
    [InlineData("ece")]
    [InlineData("longer")]
    [InlineData("no payload")]
    public void Segment_that_says_something_else_is_not_joined(string what)
    {
        var first = new Segments { Payload = new byte[100] };
        Segments next = first with { Sequence = first.Sequence + 100, Id = (ushort)(first.Id + 1) };
        next = what switch
        {
            "gap" => next with { Sequence = next.Sequence + 1 },
            "window" => next with { Window = 100 },
            "acknowledgement" => next with { Acknowledgement = 5_001 },
            "options" => next with { Options = [1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2] },
            "ttl" => next with { TimeToLive = 63 },
            "tos" => next with { TypeOfService = 3 },
            "id" => next with { Id = 99 },
            "fin" => next with { Flags = 0x11 },
            "ece" => next with { Flags = 0x50 },
            "longer" => next with { Payload = new byte[101] },
            _ => next with { Payload = [] },
        };
        RecordingSink sink = Write([first.Build(), next.Build()]);
        Assert.Equal(2, sink.Writes);
        Assert.Equal([first.Build(), next.Build()], sink.Packets);
    }

    [Fact]
    public void Kernel_that_refuses_super_packets_gets_ordinary_ones_from_then_on()
    {
        byte[][] stream = [.. Stream(new Random(1), isV6: false, port: 1, segments: 30, size: 700)];
        var sink = new RecordingSink { SuperErrno = EINVAL };
        using var coalescer = new SegmentCoalescer(sink);
        for (int round = 0; round < 2; round++)
        {
            sink.Packets.Clear();
            using PacketBatch batch = BatchOf(stream);
            Assert.Equal(30, coalescer.Write(batch, 0, batch.Count, out long bytes));
            Assert.Equal(stream.Sum(packet => packet.Length), bytes);
            Assert.Equal(stream, sink.Packets);
            Assert.False(coalescer.IsJoining);
        }
        Assert.Equal(61, sink.Writes);
    }

    [Fact]
    public void Super_packet_that_the_kernel_has_no_room_for_counts_as_all_its_packets()
    {
        byte[][] stream = [.. Stream(new Random(1), isV6: false, port: 1, segments: 30, size: 700)];
        var sink = new RecordingSink { SuperErrno = ENOBUFS };
        using var coalescer = new SegmentCoalescer(sink);
        using PacketBatch batch = BatchOf(stream);
        Assert.Equal(0, coalescer.Write(batch, 0, batch.Count, out long bytes));
        Assert.Equal(0, bytes);
        Assert.True(coalescer.IsJoining);
    }

    // Several flows, their segments in order, among them what cannot be joined.
    private static byte[][] Mix(Random random)
    {
        var flows = new List<Queue<byte[]>>();
        for (int flow = random.Next(1, 22); flow > 0; flow--)
        {
            flows.Add(new Queue<byte[]>(Stream(
                random, random.Next(2) == 0, (ushort)flow, random.Next(1, 30), random.Next(1, 1_400), random.Next(3) * 0.1)));
        }
        var mixed = new List<byte[]>();
        while (flows.Count > 0)
        {
            Queue<byte[]> flow = flows[random.Next(flows.Count)];
            for (int run = random.Next(1, 12); run > 0 && flow.TryDequeue(out byte[]? packet); run--)
                mixed.Add(packet);
            if (flow.Count == 0)
                flows.Remove(flow);
        }
        return [.. mixed];
    }

    private static IEnumerable<byte[]> Stream(
        Random random, bool isV6, ushort port, int segments, int size, double strange = 0)
    {
        Segments next = SuperPacketTests.Draw(random, isV6, 6) with { SourcePort = port };
        for (int i = 0; i < segments; i++)
        {
            byte[] payload = new byte[random.NextDouble() < strange ? random.Next(0, size + 1) : size];
            random.NextBytes(payload);
            next = next with { Payload = payload, Flags = 0x10 };
            if (random.NextDouble() < strange)
                next = Strange(random, next);
            yield return next.Build();
            next = next with { Sequence = next.Sequence + (uint)payload.Length, Id = (ushort)(next.Id + 1) };
        }
    }

    private static Segments Strange(Random random, Segments segment) => random.Next(7) switch
    {
        0 => segment with { Flags = (byte)random.Next(256) },
        1 => segment with { Window = (ushort)random.Next(65_536) },
        2 => segment with { Sequence = segment.Sequence - 1 },
        3 => segment with { Flags = 0x18 },
        4 => segment with { Id = (ushort)random.Next(65_536) },
        5 => segment with { Protocol = 17, Options = [] },
        _ => segment with { TimeToLive = (byte)random.Next(1, 256) },
    };

    private static RecordingSink Write(byte[][] packets)
    {
        var sink = new RecordingSink();
        using var coalescer = new SegmentCoalescer(sink);
        using PacketBatch batch = BatchOf(packets);
        Assert.Equal(packets.Length, coalescer.Write(batch, 0, batch.Count, out long bytes));
        Assert.Equal(packets.Sum(packet => packet.Length), bytes);
        return sink;
    }

    private static PacketBatch BatchOf(byte[][] packets)
    {
        var batch = new PacketBatch(packets.Length, packets.Sum(packet => packet.Length + 64) + 256, headroom: 0);
        foreach (byte[] packet in packets)
            Assert.True(batch.TryAdd(packet));
        return batch;
    }

    // Version, protocol, addresses and ports.
    private static string FlowOf(byte[] packet) => packet[0] >> 4 == 6
        ? $"6 {packet[6]} {Convert.ToHexString(packet, 8, 36)}"
        : $"4 {packet[9]} {Convert.ToHexString(packet, 12, 12)}";
}
