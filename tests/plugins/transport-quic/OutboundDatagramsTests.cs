using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;
using VibePN.Testkit;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed unsafe class OutboundDatagramsTests
{
    private const long Millisecond = 1_000_000;
    private const int Large = 1_440;

    [Theory]
    [InlineData(Large, 1_380, false)]
    [InlineData(Large, 1_380, true)]
    [InlineData(700, 1_380, false)] // two halves
    [InlineData(700, 1_380, true)]
    public void What_arrives_are_the_packets_in_the_order_of_their_flow(int datagramBytes, int largestPacket, bool refuses)
    {
        int partial = 0;
        int halves = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            using var datagrams = new Datagrams(4_000_000, datagramBytes);
            var expected = new List<byte[]>[10];
            int packets = 0;
            for (int flow = 0; flow < expected.Length; flow++)
                expected[flow] = [];
            for (int step = 0; step < 30; step++)
            {
                int flow = random.Next(expected.Length);
                (byte[] packet, PacketOffload facts, byte[][] whole) = Draw(random, largestPacket);
                datagrams.Append((ushort)flow, 0, (packet, facts));
                expected[flow].AddRange(whole);
                packets += whole.Length;
                for (int i = random.Next(20); i > 0; i--)
                    SendOrNot(datagrams, refuses ? random : null);
            }
            while (datagrams.Queue.Count > 0)
                SendOrNot(datagrams, refuses ? random : null);
            Assert.Null(datagrams.Next(0));
            for (int flow = 0; flow < expected.Length; flow++)
                Assert.Equal(expected[flow], datagrams.Arrived.GetValueOrDefault(flow) ?? []);
            Assert.Equal(packets, datagrams.Outbound.Packets);
            Assert.Equal(expected.Sum(list => list.Sum(packet => (long)packet.Length)), datagrams.Outbound.Bytes);
            Assert.Equal((0, 0), (datagrams.Outbound.Dropped, datagrams.Outbound.Marked));
            Assert.Equal(0, datagrams.Queue.QueuedBytes);
            partial += datagrams.Partial;
            halves += datagrams.Halves;
        }
        Assert.True(partial > 100, $"{partial} partial");
        Assert.Equal(datagramBytes < Large, halves > 100);
    }

    [Fact]
    public void Path_that_became_small_drops_what_it_carries_no_more()
    {
        using var datagrams = new Datagrams(1_000_000, Large);
        var super = new Segments { Payload = new byte[10_000] };
        Segments small = super with { Payload = new byte[600] };
        datagrams.Append(1, 0, (super.BuildPartial(), super.Facts(1_000)), (small.Build(), default));
        Assert.True(datagrams.Send(0));
        datagrams.Outbound.DatagramBytes = 500; // two of them carry 994
        Assert.True(datagrams.Send(0));
        Assert.True(datagrams.Send(0));
        Assert.False(datagrams.Send(0));
        Assert.Equal(9, datagrams.Outbound.Dropped);
        Assert.Equal([super.Cut(1_000)[0], small.Build()], datagrams.Arrived[1]);
    }

    [Fact]
    public void Time_that_packets_wait_is_added_up()
    {
        using var datagrams = new Datagrams(1_000_000, Large);
        byte[] packet = (Drawn(isV6: false) with { Payload = new byte[900] }).Build(); // one fills a datagram
        datagrams.Append(1, 0, (packet, default), (packet, default));
        Assert.True(datagrams.Send(2 * Millisecond));
        Assert.True(datagrams.Send(5 * Millisecond));
        Assert.Equal(7 * Millisecond, datagrams.Outbound.Waited);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packet_that_waited_is_marked_when_its_ends_know_what_it_means(bool isV6)
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Segments packet = Drawn(isV6) with { TypeOfService = 2 };
        Stand(datagrams, (packet.Build(), default));
        Assert.True(datagrams.Send(120 * Millisecond));
        Assert.Equal((1, 0), (datagrams.Outbound.Marked, datagrams.Outbound.Dropped));
        Assert.Equal((packet with { TypeOfService = 3 }).Build(), datagrams.Arrived[1][^1]);
        Assert.True(datagrams.Send(121 * Millisecond));
        Assert.Equal(packet.Build(), datagrams.Arrived[1][^1]);
    }

    [Fact]
    public void Packet_that_waited_is_dropped_when_its_ends_do_not()
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Segments packet = Drawn(isV6: false);
        Stand(datagrams, (packet.Build(), default));
        long before = datagrams.Queue.Count;
        Assert.True(datagrams.Send(120 * Millisecond));
        Assert.Equal((0, 1), (datagrams.Outbound.Marked, datagrams.Outbound.Dropped));
        Assert.Equal(before - 2, datagrams.Queue.Count);
    }

    [Theory]
    [InlineData(2, 1, 0)]
    [InlineData(0, 0, 1)]
    public void Of_a_super_packet_one_packet_is_marked_or_dropped(byte service, int marked, int dropped)
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Segments super = Drawn(isV6: false) with { TypeOfService = service, Payload = new byte[20_000] };
        Stand(datagrams, (super.BuildPartial(), super.Facts(1_000)));
        int sent = datagrams.Arrived[1].Count;
        for (int i = 0; i < 20 - dropped - sent; i++)
            Assert.True(datagrams.Send(120 * Millisecond));
        Assert.Equal((marked, dropped), (datagrams.Outbound.Marked, datagrams.Outbound.Dropped));
        List<byte[]> expected = [.. super.Cut(1_000)];
        if (dropped > 0)
            expected.RemoveAt(sent);
        else
            expected[sent] = (super with { TypeOfService = 3 }).Cut(1_000)[sent];
        Assert.Equal(expected, datagrams.Arrived[1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    public void Mark_stays_when_the_datagram_has_to_be_offered_again(int size)
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Segments packet = Drawn(isV6: false) with { TypeOfService = 2, Payload = new byte[size == 0 ? 1_000 : 20_000] };
        Stand(datagrams, size == 0 ? (packet.Build(), default) : (packet.BuildPartial(), packet.Facts(size)));
        byte[] first = datagrams.Next(120 * Millisecond)!;
        Assert.Equal(1, datagrams.Outbound.Marked);
        Assert.Equal(3, first[1 + 1] & 3); // behind the datagram's header and the version
        byte[] again = datagrams.Next(120 * Millisecond)!;
        Assert.Equal(first, again);
        Assert.Equal(1, datagrams.Outbound.Marked);
    }

    [Fact]
    public void Nothing_that_waited_a_second_is_sent_even_if_it_could_be_marked()
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Segments super = Drawn(isV6: false) with { TypeOfService = 2, Payload = new byte[5_000] };
        datagrams.Append(1, 0, (super.BuildPartial(), super.Facts(1_000)), (super.BuildPartial(), super.Facts(500)));
        Assert.Null(datagrams.Next(1_001 * Millisecond));
        Assert.Equal((0, 15), (datagrams.Outbound.Marked, datagrams.Outbound.Dropped));
        Assert.Equal(0, datagrams.Queue.QueuedBytes);
    }

    [Fact]
    public void Flow_that_stands_does_not_cost_another_its_packets()
    {
        using var datagrams = new Datagrams(4_000_000, Large);
        Stand(datagrams, (Drawn(isV6: false).Build(), default));
        byte[] lone = Drawn(isV6: true).Build();
        datagrams.Append(2, 0, (lone, default)); // as old as the others
        while (datagrams.Queue.Count > 0)
            datagrams.Send(120 * Millisecond);
        Assert.Equal([lone], datagrams.Arrived[2]);
    }

    [Fact]
    public void Half_that_was_sent_is_followed_by_the_other_before_anything_else()
    {
        using var datagrams = new Datagrams(1_000_000, 700);
        Segments split = Drawn(isV6: false) with { Payload = new byte[1_300] };
        datagrams.Append(1, 0, (split.BuildPartial(), split.Facts()), (split.Build(), default));
        Assert.True(datagrams.Send(0));
        datagrams.Append(2, 0, (Drawn(isV6: true).Build(), default));
        Assert.True(datagrams.Send(2_000 * Millisecond)); // however long it took
        Assert.Equal([split.Build()], datagrams.Arrived[1]);
        Assert.Equal(0, datagrams.Partial); // a half says nothing of checksums
    }

    [Fact]
    public void Datagram_may_be_followed_by_one_that_fits_behind_it()
    {
        using var datagrams = new Datagrams(1_000_000, Large);
        Segments super = Drawn(isV6: false) with { Payload = new byte[150] };
        datagrams.Append(1, 0, (super.BuildPartial(), super.Facts(100)));
        Assert.NotNull(datagrams.Next(0));
        int next = super.HeaderLength + 50 + DatagramFraming.MaxHeader;
        Assert.True(datagrams.Outbound.MayFollow(next));
        Assert.False(datagrams.Outbound.MayFollow(next - 1));
        datagrams.Outbound.OnAccepted();
        Assert.NotNull(datagrams.Next(0));
        Assert.False(datagrams.Outbound.MayFollow(1_000));
        datagrams.Append(2, 0, (super.Build(), default));
        Assert.True(datagrams.Outbound.MayFollow(1_000));
    }

    [Theory]
    [InlineData(Large, 1_300)]
    [InlineData(700, 1_300)] // halves
    [InlineData(Large, 0)]
    public void Datagrams_cost_no_managed_memory(int datagramBytes, int size)
    {
        using var datagrams = new Datagrams(4_000_000, datagramBytes);
        Segments packet = Drawn(isV6: false) with { TypeOfService = 2, Payload = new byte[size == 0 ? 1_300 : 26_000] };
        using var batch = new PacketBatch(16, 16 * 65_536);
        for (int i = 0; i < 16; i++)
        {
            Assert.True(batch.TryAdd(packet.BuildPartial(), 0, packet.Facts(size)));
            batch.SetFlow(i, (ushort)i);
        }
        NgVec* parts = stackalloc NgVec[2];
        long before = 0;
        long bytes = 0;
        for (int round = 0; round < 100; round++)
        {
            if (round == 50)
                before = GC.GetAllocatedBytesForCurrentThread();
            datagrams.Queue.Append(batch, 0, 16, 1_380, 0);
            while (datagrams.Outbound.TryNext(0))
            {
                bytes += datagrams.Outbound.Frame(parts);
                _ = datagrams.Outbound.MayFollow(100);
                datagrams.Outbound.OnAccepted();
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(100 * 16 * (size == 0 ? 1 : 20), datagrams.Outbound.Packets);
        Assert.True(bytes > datagrams.Outbound.Bytes);
    }

    private static Segments Drawn(bool isV6) => Segments.Draw(new Random(1), isV6, 6, most: 2) with { Payload = new byte[1_000] };

    // Enough of one flow that it stands, and the first look at it past the target: the interval is over at 111 ms.
    private static void Stand(Datagrams datagrams, (byte[] Packet, PacketOffload Facts) packet)
    {
        datagrams.Append(1, 0, [.. Enumerable.Repeat(packet, 400_000 / packet.Packet.Length)]);
        Assert.True(datagrams.Send(10 * Millisecond));
    }

    private static void SendOrNot(Datagrams datagrams, Random? random)
    {
        // What the congestion window has no room for is offered again.
        if (random?.Next(2) == 0)
            _ = datagrams.Next(0);
        else
            datagrams.Send(0);
    }

    private static (byte[] Packet, PacketOffload Facts, byte[][] Expected) Draw(Random random, int largest)
    {
        bool isSuper = random.Next(3) == 0;
        Segments segment = Segments.Draw(
            random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, most: isSuper ? 15_000 : largest - 100) with
        {
            Flags = (byte)random.Next(256),
        };
        if (isSuper)
        {
            int size = random.Next(200, largest - segment.HeaderLength);
            return (segment.BuildPartial(), segment.Facts(size), segment.Cut(size));
        }
        return random.Next(2) == 0
            ? (segment.BuildPartial(), segment.Facts(), [segment.Build()])
            : (segment.Build(), default, [segment.Build()]);
    }
}
