using System.Diagnostics;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>What the engine hears of the machine's network.</summary>
public sealed class NetworkMonitorTests : TunTest
{
    [Theory]
    [InlineData("link add eth0 type veth peer name eth1")]
    [InlineData("addr add 127.0.0.2/8 dev lo")]
    [InlineData("addr add fd00::1/128 dev lo")]
    [InlineData("route add 192.168.1.0/24 dev lo")]
    [InlineData("route add blackhole 192.168.2.0/24")]
    public void Change_of_the_machines_network_is_told(string command)
    {
        using LinuxTunDevice device = Open();
        Namespace.Exec("ip", command.Split(' '));
        Eventually(() => Events.Changes > 0, "the change is told");
    }

    [Fact]
    public void Burst_of_changes_is_one_event()
    {
        using LinuxTunDevice device = Open();
        long start = Stopwatch.GetTimestamp();
        Namespace.Exec("sh", "-c", "for i in $(seq 2 40); do ip addr add 127.0.0.$i/8 dev lo; done");
        TimeSpan burst = Stopwatch.GetElapsedTime(start);
        Eventually(() => Events.Changes > 0, "the change is told");
        LetEventsPass();
        Assert.InRange(Events.Changes, 1, 1 + (int)(burst / NetworkMonitor.Gathering) + 1);
    }

    [Fact]
    public void Our_own_interfaces_are_no_news()
    {
        using LinuxTunDevice stays = Open("vpn1", Configuration(1380, ["10.78.0.1/24"]));
        using (LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24")))
            device.Configure(Configuration(1400, ["10.79.0.1/24"], "192.168.41.0/24"));
        LetEventsPass();
        Assert.Equal(0, Events.Changes);
        Assert.Empty(Events.Lost);
    }

    [Fact]
    public void Removed_device_is_told_once_and_by_its_name()
    {
        using LinuxTunDevice first = Open("vpn0", Configuration(1380, ["10.77.0.1/24"]));
        using LinuxTunDevice second = Open("vpn1", Configuration(1380, ["10.78.0.1/24"]));
        Namespace.Exec("ip", "link", "delete", "vpn1");
        Eventually(() => Events.Lost.Length > 0, "the loss is told");
        LetEventsPass();
        (string name, string text) = Assert.Single(Events.Lost);
        Assert.Equal("vpn1", name);
        Assert.Equal("TUN device 'vpn1' is gone: the interface was removed by the kernel or by somebody on this machine.", text);
    }

    [Fact]
    public void Removed_device_can_be_opened_again_at_once()
    {
        using LinuxTunDevice device = Open();
        Namespace.Exec("ip", "link", "delete", "vpn0");
        using LinuxTunDevice again = Open();
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1"));
        Assert.Equal(1, again.Write(batch, 0, 1));
    }

    [Fact]
    public void Loss_is_noticed_when_announcements_were_lost_too()
    {
        using LinuxTunDevice device = Open();
        using LinuxTunDevice stays = Open("vpn1", Configuration(1380, ["10.78.0.1/24"]));
        Events.Gate.Reset();
        Namespace.Exec("ip", "addr", "add", "127.0.0.2/8", "dev", "lo");
        Eventually(() => Events.Changes == 1, "the plugin's thread is held up");
        // Far more announcements than the socket's buffer holds, with the removal at their end.
        string commands = string.Join('\n', Enumerable.Range(0, 5_000).Select(i =>
            $"route add 172.16.{i >> 8}.{i & 255}/32 dev lo"));
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, commands + "\nlink delete vpn0\n");
            Namespace.Exec("ip", "-batch", file);
        }
        finally
        {
            File.Delete(file);
            Events.Gate.Set();
        }
        Assert.True(LostAnnouncements() > 0, "Nothing was lost, so this test shows nothing.");
        Eventually(() => Events.Lost.Length == 1, "the loss is told");
        Assert.Equal("vpn0", Events.Lost[0].Device);
        Eventually(() => Events.Changes > 1, "the change is told");
    }

    [Fact]
    public async Task Listener_that_does_not_return_cannot_hold_up_the_stop()
    {
        LinuxTunDevice device = Open();
        Events.Gate.Reset();
        try
        {
            Namespace.Exec("ip", "addr", "add", "127.0.0.2/8", "dev", "lo");
            Eventually(() => Events.Changes == 1, "the plugin's thread is held up");
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            await Assert.ThrowsAsync<OperationCanceledException>(async () => await Plugin.StopAsync(patience.Token));
            Assert.DoesNotContain("vpn0", Namespace.Exec("ip", "link"), StringComparison.Ordinal);
        }
        finally
        {
            Events.Gate.Set();
        }
    }

    // The ninth column of the kernel's table of netlink sockets counts what did not fit.
    private long LostAnnouncements() => Namespace.Exec("cat", "/proc/net/netlink").Split('\n').Skip(1)
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(columns => columns.Length > 8)
        .Sum(columns => long.Parse(columns[8], null));

    // The absence of an event can only be seen by waiting as long as one may take.
    private static void LetEventsPass() => Thread.Sleep(3 * NetworkMonitor.Gathering);
}
