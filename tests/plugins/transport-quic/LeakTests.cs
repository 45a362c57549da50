using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Counts the process's descriptors, so nothing else runs beside.</summary>
[Collection(nameof(DataPathTests))]
public sealed class LeakTests
{
    [Fact]
    public async Task Failed_dials_leave_nothing_behind()
    {
        await using Node a = await Node.StartAsync(options: RefusalTests.Quick());
        await using Node b = await Node.StartAsync();
        b.Trusts = _ => false;
        using var silent = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        string nobody = silent.Client.LocalEndPoint!.ToString()!;
        await a.DialFailsAsync(nobody);
        await a.DialFailsAsync(b.Address);
        int before = Directory.GetFiles("/proc/self/fd").Length;
        long[] dials = [.. Enumerable.Range(0, 300).Select(i => a.Dial(i % 3 == 0 ? b.Address : nobody))];
        await Eventually.Holds(() => dials.All(a.DialsFailed.ContainsKey), "all dials fail", 30);
        await Eventually.Holds(
            () => a.Transport.Counters.Known == 0 && b.Transport.Counters.Known == 0,
            "late packets are no longer waited for", 10);
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 2);
        Assert.Empty(a.Connected);
        Assert.Empty(b.Connected);
    }

    [Fact]
    public async Task Failed_races_leave_nothing_behind()
    {
        await using Node b = await Node.StartAsync();
        b.Trusts = _ => false;
        int port = b.Addresses[0].Port;
        using var silent = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Parse("127.0.0.2"), port));
        IPAddress[] addresses = [IPAddress.Loopback, .. new[] { "127.0.0.2", "198.51.100.1" }.Select(IPAddress.Parse)];
        await using Node a = await Node.StartAsync(
            options: RefusalTests.Quick(), resolver: (_, _) => Task.FromResult(addresses));
        await a.DialFailsAsync($"peer.example:{port}");
        int before = Directory.GetFiles("/proc/self/fd").Length;
        long[] dials = [.. Enumerable.Range(0, 100).Select(_ => a.Dial($"peer.example:{port}"))];
        await Eventually.Holds(() => dials.All(a.DialsFailed.ContainsKey), "all dials fail", 30);
        await Eventually.Holds(
            () => a.Transport.Counters.Known == 0 && b.Transport.Counters.Known == 0,
            "late packets are no longer waited for", 10);
        Assert.Equal(101, a.DialsFailed.Count);
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 2);
    }

    [Fact]
    public async Task Port_in_use_is_a_sentence_and_leaves_nothing_open()
    {
        await using Node a = await Node.StartAsync();
        int before = Directory.GetFiles("/proc/self/fd").Length;
        PluginException fault = await Assert.ThrowsAsync<PluginException>(
            async () => await Node.StartAsync(listen: [new IPEndPoint(IPAddress.Loopback, 0), a.Addresses[0]]));
        Assert.Equal(PluginFault.Unavailable, fault.Fault);
        Assert.Contains("EADDRINUSE", fault.Message, StringComparison.Ordinal);
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 1);
    }
}
