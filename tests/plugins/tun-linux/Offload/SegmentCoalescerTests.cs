using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

public sealed class SegmentCoalescerTests
{
    private const int EINVAL = 22;
    private const int ENOBUFS = 105;

    [Theory]
    [InlineData(false, 6, false)]
    [InlineData(true, 6, false)]
    [InlineData(false, 17, false)]
    [InlineData(true, 17, false)]
    [InlineData(false, 6, true)]
    [InlineData(true, 6, true)]
    [InlineData(false, 17, true)]
    [InlineData(true, 17, true)]
    public void Packets_that_follow_each_other_become_one_write(bool isV6, byte protocol, bool isPartial)
    {
        Given[] stream = [.. Stream(new Random(1), new Style(isV6, protocol, isPartial), port: 1, segments: 40, size: 1_300)];
        RecordingSink sink = Write(stream);
        Assert.Equal(1, sink.Writes);
        Assert.Equal(stream.Select(packet => packet.Expected), sink.Packets);
    }

    [Fact]
    public void What_the_kernel_cuts_again_is_what_came_in_and_no_packet_overtakes_another_of_its_flow()
    {
        long joined = 0;
        var kinds = new List<OffloadKind>();
        for (int seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            Given[] input = Mix(random);
            RecordingSink sink = Write(input);
            joined += input.Length - sink.Writes;
            kinds.AddRange(sink.Supers.Select(facts => facts.Kind));
            Assert.Equal(input.Length, sink.Packets.Count);
            ILookup<string, byte[]> flows = sink.Packets.ToLookup(Given.FlowOf, Given.WithoutFreeNumber);
            foreach (IGrouping<string, Given> flow in input.GroupBy(packet => packet.Flow))
                Assert.Equal(flow.Select(packet => Given.WithoutFreeNumber(packet.Expected)), flows[flow.Key]);
        }
        Assert.True(joined > 3_000, $"{joined} packets were joined to others");
        foreach (OffloadKind kind in new[] { OffloadKind.TcpV4, OffloadKind.TcpV6, OffloadKind.Udp })
            Assert.True(kinds.Count(found => found == kind) > 150, $"{kind}");
    }

    [Fact]
    public void Random_bytes_come_out_as_they_went_in()
    {
        for (int seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            Given[] input = [.. Mix(random).Where(packet => packet.Facts == default)];
            foreach (Given packet in input)
            {
                for (int i = random.Next(3); i > 0; i--)
                    packet.Bytes[random.Next(Math.Min(packet.Bytes.Length, 60))] = (byte)random.Next(256);
            }
            if (input.Length == 0)
                continue;
            RecordingSink sink = Write(input, joinsUdp: seed % 2 == 0);
            Assert.Equal(Plain(input.Select(packet => packet.Bytes)), Plain(sink.Packets));
        }

        static IEnumerable<string> Plain(IEnumerable<byte[]> packets) => packets.Select(PlainOf).Order();
    }

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    public void Packet_with_a_bad_checksum_is_written_as_it_came(byte protocol)
    {
        Given[] stream = [.. Stream(new Random(1), new Style(false, protocol, false), port: 1, segments: 10, size: 500)];
        stream[4].Bytes[200] ^= 1;
        RecordingSink sink = Write(stream);
        Assert.Equal(stream.Select(packet => packet.Bytes), sink.Packets);
        Assert.Equal(3, sink.Writes); // what is before it, it, what is behind it
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_without_a_checksum_go_alone(bool isV6)
    {
        Given[] stream = [.. Stream(new Random(1), new Style(isV6, 17, false), port: 1, segments: 10, size: 500)];
        foreach (Given packet in stream)
            packet.Bytes.AsSpan(isV6 ? 46 : 26, 2).Clear();
        RecordingSink sink = Write(stream);
        Assert.Equal(10, sink.Writes);
        Assert.Equal(stream.Select(packet => packet.Bytes), sink.Packets);
    }

    [Fact]
    public void Datagrams_go_alone_where_the_kernel_takes_no_super_packets_of_them()
    {
        var random = new Random(1);
        for (int seed = 0; seed < 50; seed++)
        {
            Given[] input = [.. Mix(random).Where(packet => IsUdp(packet.Bytes))];
            if (input.Length == 0)
                continue;
            RecordingSink sink = Write(input, joinsUdp: false);
            Assert.Equal(input.Select(packet => packet.Expected), sink.Packets);
            Assert.Equal(input.Length, sink.Writes);
        }

        static bool IsUdp(byte[] packet) => (packet[0] >> 4 == 6 ? packet[6] : packet[9]) == 17;
    }

    [Fact]
    public void Complete_and_partial_packets_of_a_flow_are_not_joined_to_each_other()
    {
        foreach (byte protocol in new byte[] { 6, 17 })
        {
            var first = new Segments { Protocol = protocol, Payload = new byte[100] };
            Segments next = first with { Sequence = first.Sequence + 100, Id = (ushort)(first.Id + 1) };
            foreach (bool isFirst in new[] { true, false })
            {
                Given[] input = isFirst
                    ? [Given.Partial(first), Given.Complete(next)]
                    : [Given.Complete(first), Given.Partial(next)];
                RecordingSink sink = Write(input);
                Assert.Equal(2, sink.Writes);
                Assert.Equal([first.Build(), next.Build()], sink.Packets);
            }
        }
    }

    [Theory]
    [InlineData("gap")]
    [InlineData("window")]
    [InlineData("acknowledgement")]
    [InlineData("options")]
    [InlineData("ttl")]
    [InlineData("tos")]
    [InlineData("id")]
    [InlineData("df")]
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
            "df" => next with { DontFragment = false },
            "fin" => next with { Flags = 0x11 },
            "ece" => next with { Flags = 0x50 },
            "longer" => next with { Payload = new byte[101] },
            _ => next with { Payload = [] },
        };
        AssertGoAlone(first, next);
    }

    [Theory]
    [InlineData("ttl")]
    [InlineData("tos")]
    [InlineData("df")]
    [InlineData("id without df")]
    [InlineData("longer")]
    [InlineData("no payload")]
    public void Datagram_that_says_something_else_is_not_joined(string what)
    {
        var first = new Segments { Protocol = 17, Payload = new byte[100] };
        Segments next = first with { Id = (ushort)(first.Id + 1) };
        if (what == "id without df")
            first = first with { DontFragment = false };
        next = what switch
        {
            "ttl" => next with { TimeToLive = 63 },
            "tos" => next with { TypeOfService = 3 },
            "df" => next with { DontFragment = false },
            "id without df" => next with { DontFragment = false, Id = 99 },
            "longer" => next with { Payload = new byte[101] },
            _ => next with { Payload = [] },
        };
        AssertGoAlone(first, next);
    }

    [Fact]
    public void Datagram_whose_own_length_is_not_the_packets_goes_alone()
    {
        var first = new Segments { Protocol = 17, Payload = new byte[100] };
        byte[] odd = first.Build();
        odd[25]--; // the last byte is padding then
        odd[26] = odd[27] = 0;
        var input = new[] { Given.Complete(first), Given.Complete(odd), Given.Complete(first) };
        RecordingSink sink = Write(input);
        Assert.Equal(3, sink.Writes);
        Assert.Equal(input.Select(packet => packet.Bytes), sink.Packets);
    }

    [Fact]
    public void Datagrams_that_nobody_may_fragment_are_joined_whatever_their_numbers()
    {
        var datagram = new Segments { Protocol = 17, Id = 0, Payload = new byte[100] };
        RecordingSink sink = Write([.. Enumerable.Repeat(Given.Complete(datagram), 5)]);
        Assert.Equal(1, sink.Writes);
        Assert.All(sink.Packets, packet => Assert.Equal(Given.WithoutFreeNumber(datagram.Build()), Given.WithoutFreeNumber(packet)));
    }

    [Fact]
    public void Fragment_ends_every_flow()
    {
        var datagram = new Segments { Protocol = 17, Payload = new byte[100] };
        byte[] fragment = datagram.Build();
        fragment[6] = 0x20;
        RecordingSink sink = Write([Given.Complete(datagram), Given.Complete(fragment), Given.Complete(datagram)]);
        Assert.Equal([datagram.Build(), fragment, datagram.Build()], sink.Packets);
    }

    [Fact]
    public void Super_packet_in_the_batch_is_given_as_it_is_and_keeps_its_place()
    {
        foreach (byte protocol in new byte[] { 6, 17 })
        {
            var first = new Segments { Protocol = protocol, Payload = new byte[500] };
            Segments super = first with { Sequence = first.Sequence + 500, Id = (ushort)(first.Id + 1), Payload = new byte[5_100] };
            Segments last = super with { Sequence = super.Sequence + 5_100, Id = (ushort)(super.Id + 11), Payload = new byte[500] };
            var sink = new RecordingSink();
            using var coalescer = new SegmentCoalescer(sink, whyNotUdp: "");
            using PacketBatch batch = Given.BatchOf(
                [Given.Complete(first), new Given(super.BuildPartial(), super.Facts(500), []), Given.Complete(last)]);
            Assert.Equal(3, coalescer.Write(batch, 0, 3, out _));
            Assert.Equal([first.Build(), .. super.Cut(500), last.Build()], sink.Packets);
            Assert.Equal(3, sink.Writes);
        }
    }

    [Theory]
    [InlineData(6, false)]
    [InlineData(17, false)]
    [InlineData(6, true)]
    [InlineData(17, true)]
    public void Kernel_that_refuses_super_packets_gets_ordinary_ones_from_then_on(byte protocol, bool isPartial)
    {
        Given[] stream = [.. Stream(new Random(1), new Style(false, protocol, isPartial), port: 1, segments: 30, size: 700)];
        var sink = new RecordingSink { SuperErrno = EINVAL };
        using var coalescer = new SegmentCoalescer(sink, whyNotUdp: "");
        for (int round = 0; round < 2; round++)
        {
            sink.Packets.Clear();
            using PacketBatch batch = Given.BatchOf(stream);
            Assert.Equal(30, coalescer.Write(batch, 0, batch.Count, out long bytes));
            Assert.Equal(stream.Sum(packet => packet.Bytes.Length), bytes);
            Assert.Equal(stream.Select(packet => packet.Expected), sink.Packets);
            Assert.False(coalescer.IsJoining);
        }
        Assert.Equal(61, sink.Writes);
    }

    [Fact]
    public void Super_packet_that_the_kernel_has_no_room_for_counts_as_all_its_packets()
    {
        Given[] stream = [.. Stream(new Random(1), new Style(false, 6, false), port: 1, segments: 30, size: 700)];
        var sink = new RecordingSink { SuperErrno = ENOBUFS };
        using var coalescer = new SegmentCoalescer(sink, whyNotUdp: "");
        using PacketBatch batch = Given.BatchOf(stream);
        Assert.Equal(0, coalescer.Write(batch, 0, batch.Count, out long bytes));
        Assert.Equal(0, bytes);
        Assert.True(coalescer.IsJoining);
    }

    [Fact]
    public void Joining_allocates_nothing()
    {
        var random = new Random(1);
        Given[] input =
        [
            .. Stream(random, new Style(false, 6, false), 1, 30, 1_300), .. Stream(random, new Style(true, 17, false), 2, 30, 1_200),
            .. Stream(random, new Style(false, 17, true), 3, 30, 1_000), .. Stream(random, new Style(true, 6, true), 4, 1, 900),
        ];
        var sink = new CountingSink();
        using var coalescer = new SegmentCoalescer(sink, whyNotUdp: "");
        using PacketBatch batch = Given.BatchOf(input);
        long before = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < batch.Count; i++) // joining has overwritten headers
                input[i].Bytes.CopyTo(batch.Packet(i));
            coalescer.Write(batch, 0, batch.Count, out _);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(200 * 4, sink.Writes);
    }

    private static void AssertGoAlone(Segments first, Segments next)
    {
        foreach (bool isPartial in new[] { false, true })
        {
            Given[] input = isPartial
                ? [Given.Partial(first), Given.Partial(next)]
                : [Given.Complete(first), Given.Complete(next)];
            RecordingSink sink = Write(input);
            Assert.Equal(2, sink.Writes);
            Assert.Equal([first.Build(), next.Build()], sink.Packets);
        }
    }

    // Several flows, their packets in order, among them what cannot be joined.
    private static Given[] Mix(Random random)
    {
        var flows = new List<Queue<Given>>();
        for (int flow = random.Next(1, 22); flow > 0; flow--)
        {
            var style = new Style(random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, random.Next(2) == 0)
            {
                DontFragment = random.Next(3) > 0,
                NumberStep = random.Next(2),
            };
            flows.Add(new Queue<Given>(Stream(
                random, style, (ushort)flow, random.Next(1, 30), random.Next(1, 1_400), random.Next(3) * 0.1)));
        }
        var mixed = new List<Given>();
        while (flows.Count > 0)
        {
            Queue<Given> flow = flows[random.Next(flows.Count)];
            for (int run = random.Next(1, 12); run > 0 && flow.TryDequeue(out Given? packet); run--)
                mixed.Add(packet);
            if (flow.Count == 0)
                flows.Remove(flow);
        }
        return [.. mixed];
    }

    private static IEnumerable<Given> Stream(
        Random random, Style style, ushort port, int segments, int size, double strange = 0)
    {
        Segments next = Segments.Draw(random, style.IsV6, style.Protocol, most: 2) with { SourcePort = port, DontFragment = style.DontFragment };
        int step = style.Protocol == 6 ? 1 : style.NumberStep;
        for (int i = 0; i < segments; i++)
        {
            byte[] payload = new byte[random.NextDouble() < strange ? random.Next(0, size + 1) : size];
            random.NextBytes(payload);
            next = next with { Payload = payload, Flags = 0x10 };
            if (random.NextDouble() < strange)
                next = Strange(random, next);
            bool isPartial = random.NextDouble() < strange ? random.Next(2) == 0 : style.IsPartial;
            yield return random.NextDouble() < strange / 5 ? Spoilt(random, next)
                : isPartial ? Given.Partial(next) : Given.Complete(next);
            next = next with { Sequence = next.Sequence + (uint)payload.Length, Id = (ushort)(next.Id + step) };
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

    // Complete, but its checksum wrong, or missing.
    private static Given Spoilt(Random random, Segments segment)
    {
        byte[] packet = segment.Build();
        int field = segment.TransportOffset + segment.ChecksumOffset;
        if (random.Next(2) == 0)
            packet[field] = packet[field + 1] = 0;
        else
            packet[random.Next(field, packet.Length)] ^= (byte)random.Next(1, 256);
        return Given.Complete(packet);
    }

    private static RecordingSink Write(Given[] packets, bool joinsUdp = true)
    {
        var sink = new RecordingSink();
        using var coalescer = new SegmentCoalescer(sink, joinsUdp ? "" : "not asked for");
        using PacketBatch batch = Given.BatchOf(packets);
        Assert.Equal(packets.Length, coalescer.Write(batch, 0, batch.Count, out long bytes));
        Assert.Equal(packets.Sum(packet => packet.Bytes.Length), bytes);
        return sink;
    }

    // Random bytes may make any packet one that nobody may fragment.
    private static string PlainOf(byte[] packet) => Convert.ToHexString(
        IpSegment.TryRead(packet, out IpSegment parts) && parts.HasRightHeader(packet) ? Given.WithoutFreeNumber(packet) : packet);

    private readonly record struct Style(bool IsV6, byte Protocol, bool IsPartial)
    {
        public bool DontFragment { get; init; } = true;

        public int NumberStep { get; init; } = 1;
    }

    private sealed unsafe class CountingSink : IPacketSink
    {
        public int Writes { get; private set; }

        public int Give(IoVec* parts, int count)
        {
            Writes++;
            return 0;
        }
    }
}
