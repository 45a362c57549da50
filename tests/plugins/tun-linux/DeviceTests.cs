using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>Packets through an open device, and its end.</summary>
public sealed class DeviceTests : TunTest
{
    [Theory]
    [InlineData("10.77.0.9", "10.77.0.1")]
    [InlineData("fd77::9", "fd77::1")]
    public void Kernel_answers_an_echo_request_written_into_the_device(string source, string destination)
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24", "fd77::1/64"]));
        // The kernel finishes an IPv6 address in a work queue of its own, after Open has returned.
        Eventually(
            () => Namespace.Exec("ip", "-6", "route", "show", "table", "local").Contains("local fd77::1 ", StringComparison.Ordinal),
            "the IPv6 address receives");
        using PacketBatch batch = NewBatch();
        batch.TryAdd(EchoOf(source, destination));
        Assert.Equal(1, device.Write(batch, 0, 1));
        byte[] reply = ReadPacket(device, batch, Packets.IsEchoReply);
        Assert.Equal(EchoOf(source, destination).Length, reply.Length);
        Assert.Equal(1, device.Counters.Written);
        Assert.Equal(1, device.Counters.Read);
        Assert.Equal(reply.Length, device.Counters.ReadBytes);
    }

    [Fact]
    public void Packets_that_wait_come_in_one_batch_in_their_order()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        for (int i = 0; i < 20; i++)
            batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: i * 10));
        Assert.Equal(20, device.Write(batch, 0, 20));
        Assert.Equal(20, device.Read(batch));
        for (int i = 0; i < 20; i++)
            Assert.Equal(28 + (i * 10), batch.LengthOf(i));
    }

    [Fact]
    public void Batch_that_is_full_leaves_the_rest_for_the_next_read()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch many = NewBatch();
        using var few = new PacketBatch(capacity: 3, arenaBytes: 65_536);
        for (int i = 0; i < 5; i++)
            many.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        device.Write(many, 0, 5);
        Assert.Equal(3, device.Read(few));
        Assert.Equal(2, device.Read(few));
    }

    [Fact]
    public void Write_takes_only_the_packets_it_is_told_and_drops_what_the_kernel_refuses()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        batch.TryAdd([0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]); // no IP version
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        batch.TryAdd([0x45]); // shorter than any header
        Assert.Equal(1, device.Write(batch, 1, 2));
        Assert.Equal(1, device.Counters.Written);
        Assert.Equal(1, device.Counters.Refused);
    }

    [Fact]
    public void Write_to_a_device_that_is_down_is_a_drop()
    {
        using LinuxTunDevice device = Open();
        Namespace.Exec("ip", "link", "set", "vpn0", "down");
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        Assert.Equal(0, device.Write(batch, 0, 1));
        Assert.Equal(1, device.Counters.Refused);
    }

    [Fact]
    public void Packet_beyond_the_mtu_that_was_set_is_dropped_and_not_cut()
    {
        using LinuxTunDevice device = Open();
        Namespace.Exec("ip", "link", "set", "vpn0", "mtu", "9000");
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 5000));
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 50));
        Assert.Equal(2, device.Write(batch, 0, 2));
        Assert.Equal(78, ReadPacket(device, batch, Packets.IsEchoReply).Length);
        Assert.Equal(1, device.Counters.Oversize);
    }

    [Fact]
    public void Packets_of_a_raised_mtu_arrive_whole()
    {
        using LinuxTunDevice device = Open();
        device.Configure(Configuration(65_535, ["10.77.0.1/24"]));
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 60_000));
        Assert.Equal(1, device.Write(batch, 0, 1));
        Assert.Equal(60_028, ReadPacket(device, batch, Packets.IsEchoReply).Length);
    }

    [Fact]
    public void Dispose_wakes_the_reader_and_removes_the_interface()
    {
        LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        Background read = Background.Start(() => device.Read(batch));
        Assert.False(read.EndsWithin(TimeSpan.FromMilliseconds(50)));
        device.Dispose();
        Assert.DoesNotContain("vpn0", Namespace.Exec("ip", "link"), StringComparison.Ordinal);
        Assert.True(read.EndsWithin(Bound), "The reader is still waiting.");
        Assert.Equal(0, read.Result);
        Assert.Equal(0, device.Read(batch));
        Assert.Equal(0, device.Write(batch, 0, batch.Count));
        device.Dispose();
        Assert.Empty(Events.Lost);
    }

    [Fact]
    public void Interface_removed_by_somebody_ends_the_reader_with_an_exception_and_tells_the_engine()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        Background read = Background.Start(() => device.Read(batch));
        Namespace.Exec("ip", "link", "delete", "vpn0");
        Assert.True(read.EndsWithin(Bound), "The reader is still waiting.");
        TunException e = Assert.Throws<TunException>(() => read.Result);
        Assert.StartsWith("TUN device 'vpn0' is gone: read returned EBADFD", e.Message, StringComparison.Ordinal);
        Eventually(() => Events.Lost.Length == 1, "the loss is told");
        Assert.Equal("vpn0", Events.Lost[0].Device);
        TunException refused = Assert.Throws<TunException>(() => device.Configure(Configuration(1400, ["10.77.0.1/24"])));
        Assert.Contains("ENODEV", refused.Message, StringComparison.Ordinal);
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        Assert.Equal(0, device.Write(batch, 0, batch.Count));
    }

    [Fact]
    public void Read_and_write_allocate_nothing()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch outward = NewBatch();
        using PacketBatch inward = NewBatch();
        for (int i = 0; i < 32; i++)
            outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 1000));
        int read = 0;
        long before = 0;
        for (int round = 0; round < 120; round++)
        {
            if (round == 20)
                before = GC.GetAllocatedBytesForCurrentThread();
            int accepted = device.Write(outward, 0, 32);
            for (int got = 0; got < accepted;)
                got += device.Read(inward);
            read += accepted;
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(120 * 32, read);
    }

    [Fact]
    public void One_reader_and_one_writer_work_at_once_and_lose_nothing_that_was_accepted()
    {
        const int Total = 20_000;
        using LinuxTunDevice device = Open();
        using PacketBatch outward = NewBatch();
        using PacketBatch inward = NewBatch();
        for (int i = 0; i < 16; i++)
            outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        int read = 0;
        Background reader = Background.Start(() =>
        {
            while (Volatile.Read(ref read) < Total)
                Volatile.Write(ref read, read + device.Read(inward));
            return read;
        });
        for (int written = 0; written < Total; written += 16)
        {
            Eventually(() => written - Volatile.Read(ref read) < 500, "the reader follows"); // its queue holds 1000
            Assert.Equal(16, device.Write(outward, 0, 16));
        }
        Assert.True(reader.EndsWithin(Bound), $"Only {read} packets came back.");
        Assert.Equal(Total, reader.Result);
    }

    [Fact]
    public void Batch_without_room_for_one_packet_is_the_callers_error()
    {
        using LinuxTunDevice device = Open();
        using var tiny = new PacketBatch(capacity: 1, arenaBytes: 1000);
        Assert.Throws<ArgumentException>(() => device.Read(tiny));
    }

    [Theory]
    [InlineData(1, 1_400, 128)] // room for a full packet, but not for a super packet
    [InlineData(1, 4_096, 128)]
    [InlineData(1, 70_000, 0)] // nowhere for the kernel's header
    public void Batch_without_room_for_one_super_packet_is_the_callers_error(int capacity, int arenaBytes, int headroom)
    {
        using LinuxTunDevice device = OpenWhole();
        using PacketBatch outward = NewBatch();
        outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        device.Write(outward, 0, 1); // so that there is something to read
        using var tiny = new PacketBatch(capacity, arenaBytes, headroom);
        Background read = Background.Start(() => device.Read(tiny));
        bool hasEnded = read.EndsWithin(Bound);
        device.Dispose();
        Assert.True(read.EndsWithin(Bound));
        Assert.True(hasEnded, "The read neither returned nor threw.");
        Assert.Throws<ArgumentException>(() => read.Result);
    }

    [Fact]
    public void Read_and_write_of_whole_packets_allocate_nothing()
    {
        using LinuxTunDevice device = OpenWhole();
        using PacketBatch outward = NewBatch();
        using var inward = new PacketBatch(64, 16 * (65_536 + 256));
        for (int i = 0; i < 32; i++)
            outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 1000));
        long before = 0;
        int read = 0;
        for (int round = 0; round < 120; round++)
        {
            if (round == 20)
                before = GC.GetAllocatedBytesForCurrentThread();
            int accepted = device.Write(outward, 0, 32);
            for (int got = 0; got < accepted;)
                got += device.Read(inward);
            read += accepted;
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(120 * 32, read);
    }

    [Fact]
    public void Offloads_are_the_drivers_only_for_an_engine_that_takes_all_of_them()
    {
        Assert.Equal(TunDriver.All, Plugin.Offloads);
        using (LinuxTunDevice device = OpenWhole())
            Assert.NotEqual(OffloadCapabilities.None, device.Offloads);
        OffloadCapabilities[] some = [OffloadCapabilities.None, OffloadCapabilities.PartialChecksum, OffloadCapabilities.UdpSegmentation];
        foreach (OffloadCapabilities wanted in some)
        {
            using var device = (LinuxTunDevice)Namespace.Run(() => Plugin.Open(
                Options("vpn0", Configuration(1380, ["10.77.0.1/24"]), wanted), Events));
            Assert.Equal(OffloadCapabilities.None, device.Offloads);
        }
    }

    private static byte[] EchoOf(string source, string destination) =>
        source.Contains(':', StringComparison.Ordinal)
            ? Packets.Echo6(source, destination)
            : Packets.Echo4(source, destination);
}
