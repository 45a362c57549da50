using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed unsafe class QueueTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void Each_flow_gets_back_what_a_plain_queue_would_give()
    {
        using var queue = new PacketQueue(Twin.Limit);
        using var batch = new PacketBatch(64, 500_000);
        var twin = new Twin();
        var random = new Random(5);
        int refused = 0;
        for (int step = 0; step < 20_000; step++)
        {
            // Long phases of filling and of draining, so that every limit is met.
            if (random.Next(4) < (step / 500 % 2 == 0 ? 3 : 1))
                refused += Append(queue, batch, twin, random, step);
            else
                Drain(queue, twin, random.Next(1, 60));
            Assert.Equal(twin.Count, queue.Count);
            Assert.Equal(twin.Bytes, queue.QueuedBytes);
        }
        Drain(queue, twin, int.MaxValue);
        Assert.Null(queue.Next(out _));
        Assert.Equal(0, queue.QueuedBytes);
        Assert.Equal(0, twin.Count);
        Assert.InRange(refused, 100, 19_000);
    }

    [Fact]
    public void One_flow_gets_half_of_the_room()
    {
        using var queue = new PacketQueue(131_072);
        using PacketBatch batch = Batch(200, 1_000, flow: 7);
        Assert.Equal(new SendResult(65, DropReason.QueueFull), queue.Append(batch, 0, 200, 2000, 0));
        Pop(queue);
        Assert.Equal(new SendResult(1, DropReason.QueueFull), queue.Append(batch, 0, 200, 2000, 0));
    }

    [Fact]
    public void Last_quarter_is_for_flows_with_little_waiting_and_no_byte_goes_above_the_limit()
    {
        using var queue = new PacketQueue(131_072);
        int[] taken = [.. Enumerable.Range(0, 12).Select(flow =>
        {
            using PacketBatch batch = Batch(200, 1_000, (ushort)flow);
            return queue.Append(batch, 0, 200, 2000, 0).Taken;
        })];
        Assert.Equal([65, 33, 4, 4, 4, 4, 4, 4, 4, 4, 1, 0], taken);
        Assert.Equal(131_000, queue.QueuedBytes);
    }

    [Fact]
    public void Packet_that_can_never_be_sent_is_refused_with_the_reason()
    {
        var super = new Segments { Payload = new byte[20_000] };
        Assert.Equal(DropReason.None, Refusal(super.BuildPartial(), super.Facts(1_000)));
        Assert.Equal(DropReason.TooBig, Refusal(super.BuildPartial(), super.Facts(1_400)));
        Assert.Equal(DropReason.Malformed, Refusal(super.BuildPartial(), super.Facts(1_000) with { Kind = OffloadKind.TcpV6 }));
        Assert.Equal(DropReason.Malformed, Refusal(super.BuildPartial(), super.Facts(1_000) with { Checksum = ChecksumState.Complete }));
        Assert.Equal(DropReason.TooBig, Refusal(super.BuildPartial(), super.Facts()));
        Segments small = super with { Payload = [1] };
        Assert.Equal(DropReason.None, Refusal(small.BuildPartial(), small.Facts()));
        Assert.Equal(DropReason.Malformed, Refusal(small.BuildPartial(), small.Facts() with { ChecksumOffset = 1_000 }));
        Assert.Equal(DropReason.UnknownNetwork, Refusal(small.Build(), default, network: 256));

        static DropReason Refusal(byte[] packet, PacketOffload offload, ushort network = 0)
        {
            using var queue = new PacketQueue(131_072);
            using var batch = new PacketBatch(1, 65_536);
            Assert.True(batch.TryAdd(packet, network, offload));
            return queue.Append(batch, 0, 1, 1_400, 0).Refusal;
        }
    }

    [Fact]
    public void Flows_that_stand_get_the_same_bytes_within_a_quantum()
    {
        const int Quantum = 12_000;
        using var queue = new PacketQueue(4_000_000);
        using PacketBatch large = Batch(600, 1_500, flow: 1);
        using PacketBatch small = Batch(9_000, 100, flow: 2);
        Assert.Equal(600, queue.Append(large, 0, 600, 2000, 0).Taken);
        Assert.Equal(9_000, queue.Append(small, 0, 9_000, 2000, 0).Taken);
        int[] bytes = new int[16];
        while (bytes[1] < 600 * 1_500 && bytes[2] < 9_000 * 100)
        {
            (int flow, int length) = Pop(queue);
            bytes[flow] += length;
            Assert.InRange(bytes[1] - bytes[2], -Quantum - 1_500, Quantum + 1_500);
        }
    }

    [Fact]
    public void Lone_packet_of_a_new_flow_goes_before_what_stands()
    {
        using var queue = new PacketQueue(4_000_000);
        using PacketBatch standing = Batch(100, 1_500, flow: 1);
        using PacketBatch lone = Batch(1, 60, flow: 2);
        queue.Append(standing, 0, 100, 2000, 0);
        for (int i = 0; i < 9; i++)
            Assert.Equal(1, Pop(queue).Flow); // its first turn is over
        for (int round = 0; round < 5; round++)
        {
            queue.Append(lone, 0, 1, 2000, 0);
            Assert.Equal(2, Pop(queue).Flow);
            for (int i = 0; i < 9; i++)
                Assert.Equal(1, Pop(queue).Flow);
        }
    }

    [Fact]
    public void Flow_of_single_packets_does_not_starve_what_stands()
    {
        using var queue = new PacketQueue(4_000_000);
        using PacketBatch standing = Batch(1_000, 1_500, flow: 1);
        using PacketBatch lone = Batch(1, 1_500, flow: 2);
        queue.Append(standing, 0, 1_000, 2000, 0);
        int[] packets = new int[16];
        for (int round = 0; round < 500; round++)
        {
            queue.Append(lone, 0, 1, 2000, 0);
            packets[Pop(queue).Flow]++;
        }
        Assert.InRange(packets[1], 200, 300);
    }

    [Fact]
    public void Flow_that_was_empty_is_served_again()
    {
        using var queue = new PacketQueue(4_000_000);
        for (ushort round = 0; round < 200; round++)
        {
            using PacketBatch batch = Batch(1 + (round % 3), 100, flow: (ushort)(round % 5));
            Assert.Equal(batch.Count, queue.Append(batch, 0, batch.Count, 2000, 0).Taken);
            for (int i = 0; i < batch.Count; i++)
                Assert.Equal(round % 5, Pop(queue).Flow);
            Assert.Null(queue.Next(out _));
        }
    }

    [Fact]
    public void Threads_that_append_while_the_loop_drains_lose_nothing_and_each_keeps_its_order()
    {
        const int Producers = 3;
        const int Each = 30_000;
        using var queue = new PacketQueue(262_144);
        Thread[] producers = [.. Enumerable.Range(0, Producers).Select(i => new Thread(() => Produce(queue, (ushort)i, Each)))];
        Array.ForEach(producers, thread => thread.Start());
        int[] next = new int[Producers];
        long deadline = Environment.TickCount64 + 60_000;
        while (next.Sum() < Producers * Each)
        {
            SendFlow? flow = queue.Next(out QueuedPacket packet);
            if (flow is null)
            {
                Assert.True(Environment.TickCount64 < deadline, $"{queue.Count} packets wait that the loop is not shown.");
                Thread.Yield();
                continue;
            }
            Assert.Equal(flow.Index, packet.Network);
            Assert.Equal(next[flow.Index]++, *(int*)packet.Data);
            flow.Deficit -= packet.Length;
            queue.Pop(flow, packet);
        }
        Array.ForEach(producers, thread => thread.Join());
        Assert.Equal((0, 0), (queue.Count, queue.QueuedBytes));
    }

    [Fact]
    public void Loop_that_looks_after_an_append_is_shown_the_packets()
    {
        const int Rounds = 10_000;
        using var queue = new PacketQueue(262_144);
        long consumed = 0;
        long looks = 0;
        bool isDone = false;
        int missed = 0;
        var producer = new Thread(() =>
        {
            using PacketBatch batch = Batch(3, 60, flow: 0);
            long sent = 0;
            for (int round = 0; round < Rounds; round++)
            {
                sent += queue.Append(batch, 0, 1 + (round % 3), 2000, 0).Taken;
                long start = Volatile.Read(ref looks);
                while (true)
                {
                    long now = Volatile.Read(ref looks); // before what was consumed, which may go on meanwhile
                    if (Volatile.Read(ref consumed) >= sent)
                        break;
                    if (now < start + 1_000)
                        continue;
                    missed++; // more looks than a store buffer holds, and still it waits: only another append shows it
                    sent += queue.Append(batch, 0, 1, 2000, 0).Taken;
                    start = Volatile.Read(ref looks);
                }
            }
            Volatile.Write(ref isDone, true);
        });
        producer.Start();
        while (!Volatile.Read(ref isDone))
        {
            if (queue.Next(out QueuedPacket packet) is { } flow)
            {
                flow.Deficit -= packet.Length;
                queue.Pop(flow, packet);
                Volatile.Write(ref consumed, consumed + 1);
            }
            else
            {
                Volatile.Write(ref looks, looks + 1);
            }
        }
        producer.Join();
        Assert.Equal(0, missed);
    }

    [Fact]
    public void Appending_and_draining_allocates_nothing()
    {
        using var queue = new PacketQueue(262_144);
        using PacketBatch batch = Batch(64, 1_300, flow: 0);
        for (int i = 0; i < 64; i++)
            batch.SetFlow(i, (ushort)i);
        long before = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            queue.Append(batch, 0, 64, 2000, 0);
            while (queue.Next(out QueuedPacket packet) is { } flow)
            {
                flow.Deficit -= packet.Length;
                queue.Pop(flow, packet);
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Queue_refuses_after_it_was_freed()
    {
        var queue = new PacketQueue(131_072);
        using var batch = new PacketBatch(1, 4096);
        batch.TryAdd(new byte[10]);
        queue.Dispose();
        Assert.Equal(new SendResult(0, DropReason.ConnectionClosed), queue.Append(batch, 0, 1, 2000, 0));
    }

    [Fact]
    public void Short_waits_and_short_queues_are_never_dropped()
    {
        SojournControl control = default;
        for (long now = 0; now < 1000 * Millisecond; now += Millisecond)
        {
            Assert.False(control.ShouldDrop(4 * Millisecond, 1_000_000, now));
            Assert.False(control.ShouldDrop(900 * Millisecond, 64 * 1500, now));
        }
    }

    [Fact]
    public void Standing_queue_is_dropped_from_after_an_interval_and_ever_faster()
    {
        SojournControl control = default;
        var drops = new List<long>();
        for (long now = 0; now < 2000 * Millisecond; now += Millisecond)
        {
            if (control.ShouldDrop(50 * Millisecond, 1_000_000, now))
                drops.Add(now / Millisecond);
        }
        Assert.Equal(100, drops[0]);
        Assert.Equal(200, drops[1]);
        Assert.InRange(drops.Count, 50, 150);
        Assert.True(drops[^1] - drops[^2] < 20);
    }

    [Fact]
    public void Nothing_waits_longer_than_a_second()
    {
        SojournControl control = default;
        Assert.True(control.ShouldDrop(1001 * Millisecond, 100, 0));
    }

    [Fact]
    public void Timers_fire_in_order_however_they_were_moved()
    {
        var heap = new TimerHeap<Timed>();
        var random = new Random(6);
        Timed[] items = [.. Enumerable.Range(0, 500).Select(_ => new Timed())];
        foreach (Timed item in items)
            heap.Set(item, (ulong)random.Next(1000));
        for (int i = 0; i < 5000; i++)
            heap.Set(items[random.Next(500)], random.Next(10) == 0 ? ulong.MaxValue : (ulong)random.Next(1000));
        int inHeap = items.Count(item => ((ITimed)item).HeapIndex >= 0);
        Assert.Equal(inHeap, heap.Count);
        ulong last = 0;
        while (heap.TryPop(ulong.MaxValue - 1, out Timed? item))
        {
            Assert.True(((ITimed)item!).Due >= last);
            last = ((ITimed)item).Due;
            inHeap--;
        }
        Assert.Equal(0, inHeap);
        Assert.Equal(ulong.MaxValue, heap.Earliest);
    }

    private static void Produce(PacketQueue queue, ushort flow, int count)
    {
        using var batch = new PacketBatch(8, 16_384);
        for (int number = 0; number < count;)
        {
            batch.Clear();
            for (int i = 0; i < 8 && number + i < count; i++)
            {
                byte[] packet = new byte[4 + ((number + i) % 1_000)];
                BitConverter.TryWriteBytes(packet, number + i);
                Assert.True(batch.TryAdd(packet, flow));
                batch.SetFlow(i, flow);
            }
            number += queue.Append(batch, 0, batch.Count, 2000, 0).Taken;
        }
    }

    private static PacketBatch Batch(int count, int size, ushort flow)
    {
        var batch = new PacketBatch(count, count * (size + 160));
        for (int i = 0; i < count; i++)
        {
            Assert.True(batch.TryAdd(new byte[size]));
            batch.SetFlow(i, flow);
        }
        return batch;
    }

    // As the loop does: what is sent is taken from the flow's turn.
    private static (int Flow, int Length) Pop(PacketQueue queue)
    {
        SendFlow flow = queue.Next(out QueuedPacket packet)!;
        flow.Deficit -= packet.Length;
        queue.Pop(flow, packet);
        return (flow.Index, packet.Length);
    }

    private static int Append(PacketQueue queue, PacketBatch batch, Twin twin, Random random, int step)
    {
        batch.Clear();
        int count = random.Next(1, 64);
        int flow = random.Next(40);
        for (int i = 0; i < count; i++)
        {
            byte[] packet = new byte[random.Next(1, 3000)];
            packet[0] = (byte)random.Next(256);
            batch.TryAdd(packet, (ushort)random.Next(256));
            if (random.Next(4) == 0)
                flow = random.Next(40);
            batch.SetFlow(i, (ushort)flow);
        }
        SendResult result = queue.Append(batch, 0, batch.Count, 3000, step);
        for (int i = 0; i < result.Taken; i++)
        {
            Assert.True(twin.HasRoom(batch.FlowOf(i), batch.LengthOf(i)));
            twin.Add(batch.FlowOf(i), (batch.LengthOf(i), batch.NetworkOf(i), batch.Packet(i)[0], step));
        }
        if (result.Refusal == DropReason.None)
        {
            Assert.Equal(batch.Count, result.Taken);
            return 0;
        }
        Assert.Equal(DropReason.QueueFull, result.Refusal);
        Assert.False(twin.HasRoom(batch.FlowOf(result.Taken), batch.LengthOf(result.Taken)));
        return 1;
    }

    private static void Drain(PacketQueue queue, Twin twin, int most)
    {
        for (int i = 0; i < most && queue.Next(out QueuedPacket packet) is { } flow; i++)
        {
            Assert.Equal(twin.Take(flow.Index), (packet.Length, packet.Network, *(byte*)packet.Data, packet.Since));
            flow.Deficit -= packet.Length;
            queue.Pop(flow, packet);
        }
    }

    /// <summary>A plain queue for each of 16 rings, and the rules of who may wait.</summary>
    private sealed class Twin
    {
        public const int Limit = 500_000;

        private readonly Queue<(int Length, int Network, byte First, long Since)>[] _rings =
            [.. Enumerable.Range(0, 16).Select(_ => new Queue<(int, int, byte, long)>())];

        public long Count => _rings.Sum(ring => (long)ring.Count);

        public long Bytes => _rings.Sum(BytesOf);

        public bool HasRoom(int flow, int length)
        {
            long own = BytesOf(_rings[flow % 16]) + length;
            long all = Bytes + length;
            return own <= Limit / 2 && all <= Limit && (all <= Limit * 3 / 4 || own <= Limit / 32);
        }

        public void Add(int flow, (int, int, byte, long) packet) => _rings[flow % 16].Enqueue(packet);

        public (int, int, byte, long) Take(int ring) => _rings[ring].Dequeue();

        private static long BytesOf(Queue<(int Length, int Network, byte First, long Since)> ring) =>
            ring.Sum(packet => (long)packet.Length);
    }

    private sealed class Timed : ITimed
    {
        int ITimed.HeapIndex { get; set; } = -1;

        ulong ITimed.Due { get; set; }
    }
}
