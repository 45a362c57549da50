using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>Reading without waiting, as a transport's thread does.</summary>
public sealed class PollingTests : TunTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Try_read_returns_at_once_when_nothing_is_there(bool whole)
    {
        using LinuxTunDevice device = whole ? OpenWhole() : Open();
        using PacketBatch batch = NewBatch();
        Assert.True(batch.TryAdd([1, 2, 3]));
        Background read = Background.Start(() => device.TryRead(batch));
        Assert.True(read.EndsWithin(Bound), "TryRead waited.");
        Assert.Equal(0, read.Result);
        Assert.Equal(0, batch.Count);
        Assert.False(IsReadable(device));
    }

    [Fact]
    public void Descriptor_is_readable_exactly_while_try_read_finds_packets()
    {
        using LinuxTunDevice device = OpenWhole();
        using PacketBatch outward = NewBatch();
        using PacketBatch inward = NewBatch();
        for (int count = 1; count <= 150; count += 7)
        {
            outward.Clear();
            for (int i = 0; i < Math.Min(count, 64); i++)
                Assert.True(outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: i)));
            for (int written = 0; written < count;)
            {
                int some = Math.Min(64, count - written);
                Assert.Equal(some, device.Write(outward, 0, some));
                written += some;
            }
            int read = 0;
            while (read < count)
            {
                Eventually(() => IsReadable(device), "the answers are there");
                int now = device.TryRead(inward);
                Assert.InRange(now, 1, count - read);
                read += now;
            }
            Assert.False(IsReadable(device));
            Assert.Equal(0, device.TryRead(inward));
        }
    }

    [Fact]
    public void Packets_come_in_their_order_and_are_counted()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        for (int i = 0; i < 20; i++)
            Assert.True(batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: i * 10)));
        Assert.Equal(20, device.Write(batch, 0, 20));
        Assert.Equal(20, device.TryRead(batch));
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(28 + (i * 10), batch.LengthOf(i)));
        Assert.Equal(20, device.Counters.Read);
        Assert.Equal(batch.TotalBytes, device.Counters.ReadBytes);
    }

    [Fact]
    public void Device_whose_packets_are_cut_needs_a_thread()
    {
        // What was cut and did not fit a batch is not the kernel's to announce any more.
        using (LinuxTunDevice cut = Open())
            Assert.Equal(-1, cut.ReadyDescriptor);
        using LinuxTunDevice whole = OpenWhole();
        Assert.True(whole.ReadyDescriptor >= 0);
    }

    [Fact]
    public void After_dispose_there_is_nothing()
    {
        LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        Assert.True(batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1")));
        Assert.Equal(1, device.Write(batch, 0, 1));
        device.Dispose();
        Assert.Equal(0, device.TryRead(batch));
        Assert.Equal(0, batch.Count);
    }

    [Fact]
    public void Device_that_is_down_is_quiet()
    {
        using LinuxTunDevice device = OpenWhole();
        Namespace.Exec("ip", "link", "set", "vpn0", "down");
        using PacketBatch batch = NewBatch();
        Assert.Equal(0, device.TryRead(batch));
        Assert.False(IsReadable(device));
    }

    [Fact]
    public void Device_that_the_kernel_removed_wakes_whoever_polls_and_says_so()
    {
        using LinuxTunDevice device = OpenWhole();
        using PacketBatch batch = NewBatch();
        Namespace.Exec("ip", "link", "delete", "vpn0");
        Assert.NotEqual(0, Poll(device));
        TunException lost = Assert.Throws<TunException>(() => device.TryRead(batch));
        Assert.Contains("vpn0", lost.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Try_read_while_another_thread_disposes_ends_without_an_error()
    {
        for (int round = 0; round < 20; round++)
        {
            LinuxTunDevice device = Open();
            using PacketBatch batch = NewBatch();
            bool disposed = false;
            Background reader = Background.Start(() =>
            {
                int read = 0;
                while (!Volatile.Read(ref disposed))
                    read += device.TryRead(batch);
                return read;
            });
            device.Dispose();
            Volatile.Write(ref disposed, true);
            Assert.True(reader.EndsWithin(Bound));
            Assert.Equal(0, reader.Result);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Try_read_allocates_nothing(bool whole)
    {
        using LinuxTunDevice device = whole ? OpenWhole() : Open();
        using PacketBatch outward = NewBatch();
        using PacketBatch inward = NewBatch();
        for (int i = 0; i < 32; i++)
            Assert.True(outward.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 1_000)));
        long before = 0;
        for (int round = 0; round < 120; round++)
        {
            if (round == 20)
                before = GC.GetAllocatedBytesForCurrentThread();
            int left = device.Write(outward, 0, 32);
            while (left > 0)
                left -= device.TryRead(inward);
            device.TryRead(inward);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static bool IsReadable(LinuxTunDevice device) => Poll(device) == LibC.POLLIN;

    private static unsafe short Poll(LinuxTunDevice device)
    {
        var poll = new PollFd { fd = device.ReadyDescriptor, events = LibC.POLLIN };
        Assert.InRange(LibC.poll(&poll, 1, 0), 0, 1);
        return poll.revents;
    }
}
