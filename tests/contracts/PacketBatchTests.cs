namespace VibePN.Contracts.Tests;

public sealed class PacketBatchTests
{
    [Fact]
    public void Super_packet_of_64_KB_keeps_its_offload_facts()
    {
        using var batch = new PacketBatch(4, 128 * 1024);
        byte[] packet = new byte[PacketBatch.MaxPacketSize];
        new Random(1).NextBytes(packet);
        var facts = new PacketOffload(OffloadKind.TcpV6, 1_340, ChecksumState.Partial, 40, 16);
        Assert.True(batch.TryAdd(packet, network: 7, facts));
        Assert.True(batch.TryAdd([1, 2, 3], network: 9));

        Assert.Equal(2, batch.Count);
        Assert.Equal(packet, batch.Packet(0).ToArray());
        Assert.Equal(facts, batch.OffloadOf(0));
        Assert.Equal(7, batch.NetworkOf(0));
        Assert.Equal(65_535, batch.LengthOf(0));
        Assert.Equal([1, 2, 3], batch.Packet(1).ToArray());
        Assert.Equal(default, batch.OffloadOf(1));
        Assert.Equal(65_538, batch.TotalBytes);
    }

    [Fact]
    public void Packet_larger_than_IP_allows_is_refused()
    {
        using var batch = new PacketBatch(4, 256 * 1024);
        Assert.False(batch.TryAdd(new byte[PacketBatch.MaxPacketSize + 1]));
        Assert.False(batch.TryAdd([]));
        Assert.False(batch.TryReserve(-1, out _));
        Assert.Equal(0, batch.Count);
    }

    [Fact]
    public void Full_slots_and_a_full_arena_refuse_and_leave_the_batch_as_it_was()
    {
        using var slots = new PacketBatch(2, 64 * 1024);
        Assert.True(slots.TryAdd([1]));
        Assert.True(slots.TryAdd([2]));
        Assert.False(slots.TryAdd([3]));
        Assert.Equal((2, 2), (slots.Count, slots.TotalBytes));

        using var arena = new PacketBatch(10, 128 + 100, headroom: 128);
        Assert.False(arena.TryAdd(new byte[101]));
        Assert.True(arena.TryAdd(new byte[100]));
        Assert.False(arena.TryAdd([1]));
        arena.Clear();
        Assert.Equal((0, 0), (arena.Count, arena.TotalBytes));
        Assert.True(arena.TryAdd(new byte[100]));
    }

    [Fact]
    public void Headroom_lies_in_front_of_every_packet_and_packets_are_aligned()
    {
        using var batch = new PacketBatch(8, 4_096, headroom: 20);
        Assert.Equal(32, batch.Headroom);
        for (int length = 1; length <= 8; length++)
            Assert.True(batch.TryAdd([.. Enumerable.Repeat((byte)length, length)]));
        for (int i = 0; i < batch.Count; i++)
        {
            Assert.Equal(0, batch.AddressOf(i) % 16);
            Span<byte> whole = batch.PacketWithHeadroom(i, batch.Headroom);
            Assert.Equal(32 + i + 1, whole.Length);
            whole[..32].Fill(0xEE);
        }
        for (int i = 0; i < batch.Count; i++)
            Assert.Equal(Enumerable.Repeat((byte)(i + 1), i + 1), batch.Packet(i).ToArray());
    }

    [Fact]
    public void Reserved_room_is_kept_only_as_far_as_committed()
    {
        using var batch = new PacketBatch(2, 8_192);
        Assert.True(batch.TryReserve(1_500, out Span<byte> room));
        Assert.InRange(room.Length, 1_500, PacketBatch.MaxPacketSize);
        room[..60].Fill(5);
        batch.Commit(60, network: 3);
        Assert.Equal(60, batch.LengthOf(0));
        Assert.True(batch.TryReserve(1_500, out room));
        Assert.Equal(1, batch.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Commit(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Commit(100_000));
    }

    [Fact]
    public void Networks_can_be_renumbered()
    {
        using var batch = new PacketBatch(2, 4_096);
        batch.TryAdd([1], network: 3, new PacketOffload(OffloadKind.Udp, 1, default, 2, 3));
        batch.SetNetwork(0, 65_535);
        Assert.Equal(65_535, batch.NetworkOf(0));
        Assert.Equal(OffloadKind.Udp, batch.OffloadOf(0).Kind);
        Assert.Equal([1], batch.Packet(0).ToArray());
    }

    [Fact]
    public void Flow_is_set_beside_the_rest_and_begins_as_zero_in_every_packet()
    {
        using var batch = new PacketBatch(2, 4_096);
        var facts = new PacketOffload(OffloadKind.Udp, 1, ChecksumState.Partial, 2, 3);
        batch.TryAdd([1], network: 3, facts);
        Assert.Equal(0, batch.FlowOf(0));
        batch.SetFlow(0, 65_535);
        batch.SetNetwork(0, 4);
        Assert.Equal((65_535, 4, facts), (batch.FlowOf(0), batch.NetworkOf(0), batch.OffloadOf(0)));
        batch.Clear();
        batch.TryAdd([1]);
        Assert.Equal(0, batch.FlowOf(0));
    }

    [Fact]
    public void Facts_are_replaced_and_nothing_else()
    {
        using var batch = new PacketBatch(2, 4_096);
        var facts = new PacketOffload(OffloadKind.None, 0, ChecksumState.Partial, 20, 16);
        batch.TryAdd([1, 2], network: 3);
        batch.TryAdd([3]);
        batch.SetFlow(0, 9);
        batch.SetOffload(0, facts);
        Assert.Equal((facts, 3, 9, 2), (batch.OffloadOf(0), batch.NetworkOf(0), batch.FlowOf(0), batch.LengthOf(0)));
        Assert.Equal([1, 2], batch.Packet(0).ToArray());
        Assert.Equal(default, batch.OffloadOf(1));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void Index_outside_the_batch_is_refused(int index)
    {
        using var batch = new PacketBatch(4, 4_096);
        batch.TryAdd([1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.Packet(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.LengthOf(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.NetworkOf(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.OffloadOf(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.AddressOf(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.PacketWithHeadroom(index, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.SetNetwork(index, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.FlowOf(index));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.SetFlow(index, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.SetOffload(index, default));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(129)]
    public void Headroom_cannot_be_overreached(int front)
    {
        using var batch = new PacketBatch(4, 4_096);
        batch.TryAdd([1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.PacketWithHeadroom(0, front));
    }

    [Fact]
    public void Disposed_batch_holds_nothing_and_takes_nothing()
    {
        var batch = new PacketBatch(4, 4_096);
        batch.TryAdd([1]);
        batch.Dispose();
        batch.Dispose();
        Assert.Equal(0, batch.Count);
        Assert.Throws<ObjectDisposedException>(() => batch.TryAdd([1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = batch.Packet(0));
    }

    [Fact]
    public void Commit_without_a_free_slot_is_refused()
    {
        using var batch = new PacketBatch(1, 4_096);
        batch.TryAdd([1]);
        Assert.ThrowsAny<Exception>(() => batch.Commit(1));
        Assert.Equal(1, batch.Count);
        Assert.Equal(1, batch.TotalBytes);
    }

    [Fact]
    public void Working_a_batch_allocates_nothing()
    {
        using var batch = new PacketBatch(64, 256 * 1024);
        byte[] packet = new byte[1_400];
        Work();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++)
            Work();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Work()
        {
            batch.Clear();
            while (batch.TryAdd(packet, 1, new PacketOffload(OffloadKind.TcpV4, 1_340, ChecksumState.Partial, 20, 16)))
                batch.SetNetwork(batch.Count - 1, 2);
            for (int i = 0; i < batch.Count; i++)
                _ = batch.Packet(i).Length + batch.LengthOf(i) + batch.OffloadOf(i).SegmentSize + batch.AddressOf(i);
        }
    }

    [Fact]
    public void Random_packets_stay_apart()
    {
        var random = new Random(1);
        using var batch = new PacketBatch(100, 300_000);
        for (int round = 0; round < 200; round++)
        {
            batch.Clear();
            var kept = new List<byte[]>();
            while (true)
            {
                byte[] packet = new byte[random.Next(1, random.Next(8) == 0 ? 65_536 : 2_000)];
                random.NextBytes(packet);
                if (!batch.TryAdd(packet, (ushort)kept.Count))
                    break;
                kept.Add(packet);
            }
            Assert.Equal(kept.Count, batch.Count);
            Assert.Equal(kept.Sum(packet => (long)packet.Length), batch.TotalBytes);
            for (int i = 0; i < kept.Count; i++)
            {
                Assert.True(batch.Packet(i).SequenceEqual(kept[i]));
                Assert.Equal(i, batch.NetworkOf(i));
            }
        }
    }
}
