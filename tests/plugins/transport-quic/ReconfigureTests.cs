using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Settings that change while connections live.</summary>
public sealed class ReconfigureTests
{
    [Fact]
    public async Task New_limits_hold_for_what_begins_after_them()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        Apply(b, ("retry_above", "0"));
        await a.ConnectAsync(b);
        Assert.Equal(1, b.Transport.Counters.Retries);
        Apply(a, ("max_connections", "1"));
        CloseReason reason = await a.DialFailsAsync(b.Address);
        Assert.Contains("more than 1 connections", reason.Text, StringComparison.Ordinal);
        Apply(a);
        await a.ConnectAsync(b);
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == 1, "the first connection goes on");
    }

    [Fact]
    public async Task New_packet_size_holds_for_new_connections_and_the_old_ones_keep_theirs()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection old, ITransportConnection theirs) = await a.ConnectAsync(b);
        await Eventually.Holds(() => old.Path.PathMtuBytes == 1472, "full size");
        Apply(a, ("max_udp_payload", "1300"), ("queue_bytes", "131072"), ("congestion", "cubic"));
        (ITransportConnection small, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => small.Path.PathMtuBytes == 1280, "the largest size below 1300 that is tried");
        Assert.Equal(1472, old.Path.PathMtuBytes);
        Apply(a, ("max_udp_payload", "8952"));
        (ITransportConnection large, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => large.Path.PathMtuBytes == 8952, "loopback carries them");
        foreach (ITransportConnection connection in new[] { old, small, large })
        {
            b.Packets.Clear();
            using var batch = new PacketBatch(40, 200_000);
            while (batch.Count < 40)
                Assert.True(batch.TryAdd(new byte[1400]));
            Assert.Equal(40, connection.Send(batch, 0, 40).Taken);
            await Eventually.Holds(() => b.Packets.Count == 40, "packets of the usual size arrive");
        }
        Assert.True(theirs.SendControl([1]));
        Assert.Empty(a.Closed);
    }

    [Fact]
    public async Task Offloads_go_off_and_on_under_open_sockets()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => Volatile.Read(ref a.Transport.Counters.GsoSockets) == FakeContext.Loops, "segmentation is on");
        foreach (string choice in new[] { "off", "auto", "off" })
        {
            Apply(a, ("udp_gso", choice), ("udp_gro", choice), ("socket_buffer_bytes", "300000"));
            Apply(b, ("udp_gso", choice), ("udp_gro", choice));
            await Eventually.Holds(
                () => Volatile.Read(ref a.Transport.Counters.GsoSockets) == (choice == "off" ? 0 : FakeContext.Loops), "segmentation follows");
            long runs = Volatile.Read(ref a.Transport.Counters.Runs);
            b.Packets.Clear();
            using var batch = new PacketBatch(200, 400_000);
            while (batch.Count < 200)
                Assert.True(batch.TryAdd(new byte[1100]));
            await Eventually.Holds(
                () =>
                {
                    // On a busy machine some wait too long and are dropped.
                    if (b.Packets.Count < 200 && ours.GetStatistics().QueuedBytes == 0)
                        ours.Send(batch, 0, 200);
                    return b.Packets.Count >= 200;
                },
                "packets arrive");
            if (choice == "off")
                Assert.Equal(runs, Volatile.Read(ref a.Transport.Counters.Runs));
        }
        Assert.Empty(a.Closed);
    }

    private static void Apply(Node node, params (string Name, string Value)[] settings)
    {
        using var next = new FakeContext(settings);
        Assert.Null(node.Transport.Check(next));
        node.Transport.Apply(next);
    }
}
