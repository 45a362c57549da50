using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed unsafe class QueueTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void Queue_gives_back_what_a_plain_queue_would()
    {
        using var queue = new PacketQueue(500_000);
        using var batch = new PacketBatch(64, 500_000);
        var naive = new Queue<(int Length, int Network, byte First, long Since)>();
        var random = new Random(5);
        for (int step = 0; step < 20_000; step++)
        {
            if (random.Next(2) == 0)
                Append(queue, batch, naive, random, step);
            else
                Drain(queue, naive, random.Next(1, 40));
            Assert.Equal(naive.Count, queue.Count);
            Assert.Equal(naive.Sum(packet => (long)packet.Length), queue.QueuedBytes);
        }
        Drain(queue, naive, int.MaxValue);
        Assert.False(queue.TryPeek(out _));
        Assert.Equal(0, queue.QueuedBytes);
    }

    [Fact]
    public void Queue_takes_no_byte_above_its_limit()
    {
        using var queue = new PacketQueue(131_072);
        using var batch = new PacketBatch(200, 400_000);
        while (batch.Count < 200)
            batch.TryAdd(new byte[1000]);
        SendResult result = queue.Append(batch, 0, 200, 2000, 0);
        Assert.Equal(new SendResult(131, DropReason.QueueFull), result);
        Assert.True(queue.TryPeek(out QueuedPacket packet));
        queue.Pop(packet);
        Assert.Equal(new SendResult(1, DropReason.QueueFull), queue.Append(batch, 0, 200, 2000, 0));
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

    private static void Append(
        PacketQueue queue, PacketBatch batch, Queue<(int, int, byte, long)> naive, Random random, int step)
    {
        batch.Clear();
        int count = random.Next(1, 64);
        for (int i = 0; i < count; i++)
        {
            byte[] packet = new byte[random.Next(1, 3000)];
            packet[0] = (byte)random.Next(256);
            batch.TryAdd(packet, (ushort)random.Next(256));
        }
        SendResult result = queue.Append(batch, 0, batch.Count, 3000, step);
        for (int i = 0; i < result.Taken; i++)
            naive.Enqueue((batch.LengthOf(i), batch.NetworkOf(i), batch.Packet(i)[0], step));
    }

    private static void Drain(PacketQueue queue, Queue<(int, int, byte, long)> naive, int most)
    {
        for (int i = 0; i < most && queue.TryPeek(out QueuedPacket packet); i++)
        {
            Assert.Equal(naive.Dequeue(), (packet.Length, packet.Network, *(byte*)packet.Data, packet.Since));
            queue.Pop(packet);
        }
    }

    private sealed class Timed : ITimed
    {
        int ITimed.HeapIndex { get; set; } = -1;

        ulong ITimed.Due { get; set; }
    }
}
