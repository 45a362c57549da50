using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Testkit;

namespace VibePN.Plugins.TransportQuic.Tests;

[Collection(nameof(DataPathTests))]
public sealed class DataPathTests
{
    private const int Batches = 50;

    [Fact]
    public async Task Small_packets_share_datagrams()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        long before = b.Transport.Counters.DatagramsIn;
        using PacketBatch batch = Batch(1000, 60);
        Assert.Equal(1000, ours.Send(batch, 0, 1000).Taken);
        await Eventually.Holds(() => b.Packets.Count == 1000, "all arrive");
        // 1452 bytes hold more than 20 of them; allow for acknowledgements and pacing.
        Assert.InRange(b.Transport.Counters.DatagramsIn - before, 1, 200);
    }

    /// <summary>Several acknowledgements of an inner stream in one datagram are lost together.</summary>
    [Fact]
    public async Task Small_packets_part_where_datagrams_are_lost_while_few_of_them_wait()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        long dial = a.Dial(relay.Address.ToString());
        await Eventually.Holds(() => a.Connections.Any(c => c.DialId == dial) && !b.Connections.IsEmpty, "both ends are up");
        ITransportConnection ours = a.Connections.Single().Connection;
        Assert.InRange(await DatagramsForAsync(4), 1, 2 * Batches);
        relay.DropFromClient = number => number % 10 == 0;
        using PacketBatch alone = Batch(1, 100);
        await Eventually.Holds(
            () =>
            {
                ours.Send(alone, 0, 1);
                return ours.Path.LossPermille >= 50;
            },
            "the loss is noticed", 30);
        Assert.InRange(await DatagramsForAsync(4), 4 * Batches * 9 / 10, int.MaxValue);
        Assert.InRange(await DatagramsForAsync(64), 1, 64 * Batches / 2);

        // Datagrams that the client sends for batches of small packets, each sent once those before it have left.
        async Task<int> DatagramsForAsync(int packets)
        {
            using PacketBatch batch = Batch(packets, 100);
            int before = relay.Asked;
            for (int i = 0; i < Batches; i++)
            {
                int asked = relay.Asked;
                long left = Left(ours) + packets;
                Assert.Equal(packets, ours.Send(batch, 0, packets).Taken);
                await Eventually.Holds(() => relay.Asked > asked && Left(ours) >= left, "the batch leaves");
            }
            return relay.Asked - before;
        }

        static long Left(ITransportConnection connection) =>
            connection.GetStatistics() is var now ? now.PacketsSent + now.PacketsDropped : 0;
    }

    [Fact]
    public async Task Super_packets_arrive_as_the_packets_that_they_stand_for()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        var arrived = new Dictionary<int, List<byte[]>>();
        int partial = 0;
        b.OnBatch = (_, packets) =>
        {
            lock (arrived)
            {
                for (int i = 0; i < packets.Count; i++)
                {
                    byte[] packet = packets.Packet(i).ToArray();
                    Assert.Equal(OffloadKind.None, packets.OffloadOf(i).Kind);
                    if (packets.OffloadOf(i).Checksum == ChecksumState.Partial)
                        partial += Datagrams.Complete(packet);
                    if (!arrived.TryGetValue(packets.NetworkOf(i), out List<byte[]>? list))
                        arrived.Add(packets.NetworkOf(i), list = []);
                    list.Add(packet);
                }
            }
        };
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        var random = new Random(1);
        using var batch = new PacketBatch(8, 8 * 65_536);
        var expected = new List<byte[]>[8];
        for (ushort flow = 0; flow < 8; flow++)
        {
            Segments super = Segments.Draw(random, flow % 2 == 0, flow % 4 < 2 ? (byte)6 : (byte)17, most: 30_000);
            int size = random.Next(100, 1_380);
            Assert.True(batch.TryAdd(super.BuildPartial(), flow, super.Facts(size)));
            batch.SetFlow(flow, flow);
            expected[flow] = [.. super.Cut(size)];
        }
        Assert.Equal(8, ours.Send(batch, 0, 8).Taken);
        await Eventually.Holds(() => Count() == expected.Sum(list => list.Count), "all arrive");
        for (ushort flow = 0; flow < 8; flow++)
            Assert.Equal(expected[flow], arrived[flow]);
        Assert.True(partial > 0, "No checksum was left to the other end.");
        Assert.Equal(Count(), ours.GetStatistics().PacketsSent);

        int Count()
        {
            lock (arrived)
                return arrived.Values.Sum(list => list.Count);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task Packets_cost_no_managed_memory_on_either_end(int segments)
    {
        long received = 0;
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        b.OnBatch = (_, batch) => Interlocked.Add(ref received, batch.Count);
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        using PacketBatch batch = segments == 0 ? Batch(64, 1300) : Supers(16, segments);
        await PumpAsync(64 * 500);
        long senderLoop = a.Transport.LoopAllocatedBytes;
        long receiverLoop = b.Transport.LoopAllocatedBytes;
        long count = 64 * 3000;
        long callers = await PumpAsync(count);
        Assert.Equal(0, callers);
        // Path facts are published once a second; nothing else may allocate, least of all per packet.
        Assert.InRange(a.Transport.LoopAllocatedBytes - senderLoop, 0, 8192);
        Assert.InRange(b.Transport.LoopAllocatedBytes - receiverLoop, 0, 8192);

        // Sends on a thread of its own, as a TUN reader does, and gives the bytes that thread allocated.
        Task<long> PumpAsync(long packets) => Task.Factory.StartNew(
            () =>
            {
                long target = Interlocked.Read(ref received) + packets;
                long deadline = Environment.TickCount64 + 30_000;
                long start = GC.GetAllocatedBytesForCurrentThread();
                while (Interlocked.Read(ref received) < target && Environment.TickCount64 < deadline)
                {
                    if (ours.GetStatistics().QueuedBytes > 256 * 1024)
                        Thread.Yield();
                    else
                        ours.Send(batch, 0, batch.Count);
                }
                long allocated = GC.GetAllocatedBytesForCurrentThread() - start;
                return Interlocked.Read(ref received) >= target ? allocated : long.MaxValue;
            },
            TaskCreationOptions.LongRunning);
    }

    [Fact]
    public async Task Queue_of_a_stalled_peer_keeps_its_bound()
    {
        await using Node a = await Node.StartAsync(settings: ("queue_bytes", "262144"));
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, _) = await LifeTests.ConnectThroughAsync(a, relay, b);
        relay.Drop = _ => true;
        using PacketBatch batch = Batch(64, 1100);
        SendResult refused = default;
        for (int i = 0; i < 1000 && refused.Refusal == DropReason.None; i++)
            refused = ours.Send(batch, 0, 64);
        Assert.Equal(DropReason.QueueFull, refused.Refusal);
        Assert.InRange(ours.GetStatistics().QueuedBytes, 1, 262_144);
        // The stall ends: what waited too long is dropped and counted, and new packets flow.
        await Eventually.Holds(() => ours.Send(batch, 0, 1).Taken == 1 || ours.GetStatistics().PacketsDropped > 0, "room");
        relay.Drop = _ => false;
        int before = b.Packets.Count;
        await Eventually.Holds(
            () =>
            {
                ours.Send(batch, 0, 1);
                return b.Packets.Count > before + 10;
            },
            "packets flow again", 20);
        ConnectionStatistics statistics = ours.GetStatistics();
        Assert.InRange(statistics.QueuedBytes, 0, 262_144);
    }

    [Fact]
    public async Task Packet_above_the_limit_is_refused_and_the_ones_before_it_are_taken()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        using var batch = new PacketBatch(3, 20_000);
        batch.TryAdd(new byte[100]);
        batch.TryAdd(new byte[ours.Path.MaxPacketBytes + 1]);
        batch.TryAdd(new byte[100]);
        Assert.Equal(new SendResult(1, DropReason.TooBig), ours.Send(batch, 0, 3));
        Assert.Equal(new SendResult(1, DropReason.None), ours.Send(batch, 2, 1));
        await Eventually.Holds(() => b.Packets.Count == 2, "both arrive");
    }

    [Fact]
    public async Task Packets_of_several_senders_all_arrive()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        Thread[] senders = [.. Enumerable.Range(0, 4).Select(i => new Thread(() => SendAll(i)))];
        Array.ForEach(senders, thread => thread.Start());
        Array.ForEach(senders, thread => thread.Join());
        await Eventually.Holds(() => b.Packets.Count == 4 * 500, "all arrive", 20);
        for (int sender = 0; sender < 4; sender++)
        {
            // In order per sender: loopback loses and reorders nothing.
            int[] sizes = [.. b.Packets.Where(p => p.Network == sender).Select(p => p.Bytes.Length)];
            Assert.Equal([.. Enumerable.Range(100, 500)], sizes);
        }

        void SendAll(int network)
        {
            using var batch = new PacketBatch(1, 1000);
            for (int size = 100; size < 600; size++)
            {
                batch.Clear();
                batch.TryAdd(new byte[size], (ushort)network);
                while (ours.Send(batch, 0, 1).Taken == 0)
                    Thread.Yield();
            }
        }
    }

    [Fact]
    public async Task Traffic_survives_many_key_changes()
    {
        await using Node a = await Node.StartAsync(settings: ("packets_per_key", "1024"));
        await using Node b = await Node.StartAsync(settings: ("packets_per_key", "1024"));
        long received = 0;
        b.OnBatch = (_, batch) => Interlocked.Add(ref received, batch.Count);
        a.OnBatch = (_, batch) => Interlocked.Add(ref received, batch.Count);
        (ITransportConnection ours, ITransportConnection theirs) = await ConnectAsync(a, b);
        using PacketBatch batch = Batch(64, 1300);
        long sentByUs = 0, sentByThem = 0;
        // A change within three probe timeouts of the last is refused (RFC 9001 §6.5), so a fast machine carries
        // more packets with each key: it is the changes that are waited for.
        await Eventually.Holds(
            () =>
            {
                sentByUs += ours.Send(batch, 0, 64).Taken;
                sentByThem += theirs.Send(batch, 0, 64).Taken;
                return Interlocked.Read(ref received) > 100_000
                    && a.Transport.Counters.KeyUpdates >= 5 && b.Transport.Counters.KeyUpdates >= 5;
            },
            "packets of many keys, and five changes by each end", 30);
        // One more than packets ask for: the first keys are changed at once where others than GnuTLS's take over.
        Assert.InRange(a.Transport.Counters.KeyUpdates, 5, Math.Min(200, 1 + (sentByUs / 1024)));
        Assert.InRange(b.Transport.Counters.KeyUpdates, 5, Math.Min(200, 1 + (sentByThem / 1024)));
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Theory]
    [InlineData("bbr", "auto", "auto")]
    [InlineData("cubic", "off", "off")]
    public async Task Every_setting_carries_packets(string congestion, string gso, string gro)
    {
        (string, string)[] settings = [("congestion", congestion), ("udp_gso", gso), ("udp_gro", gro)];
        await using Node a = await Node.StartAsync(settings: settings);
        await using Node b = await Node.StartAsync(settings: settings);
        (ITransportConnection ours, _) = await ConnectAsync(a, b);
        using PacketBatch batch = Batch(500, 1300);
        ours.Send(batch, 0, 500);
        await Eventually.Holds(() => b.Packets.Count == 500, "all arrive");
        Assert.Equal(gso == "auto" ? FakeContext.Loops : 0, a.Transport.Counters.GsoSockets);
        Assert.Equal(gso == "auto", a.Transport.Counters.Runs > 0);
    }

    private static async Task<(ITransportConnection Ours, ITransportConnection Theirs)> ConnectAsync(Node a, Node b)
    {
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        return (ours, theirs);
    }

    private static PacketBatch Supers(int count, int segments)
    {
        var batch = new PacketBatch(count, count * 65_536);
        var super = new Segments { Payload = new byte[segments * 1_300] };
        for (int i = 0; i < count; i++)
        {
            Assert.True(batch.TryAdd(super.BuildPartial(), 0, super.Facts(1_300)));
            batch.SetFlow(i, (ushort)i);
        }
        return batch;
    }

    private static PacketBatch Batch(int count, int size)
    {
        var batch = new PacketBatch(count, count * (size + 160));
        for (int i = 0; i < count; i++)
            Assert.True(batch.TryAdd(new byte[size]));
        return batch;
    }
}

/// <summary>Timing and memory are measured, so nothing else runs beside.</summary>
[CollectionDefinition(nameof(DataPathTests), DisableParallelization = true)]
public sealed class DataPathGroup;
