using System.Security.Cryptography;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Both_ends_learn_the_others_exact_fingerprint_and_protocol()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        Assert.Equal(b.Identity.Fingerprint, ours.Peer);
        Assert.Equal(a.Identity.Fingerprint, theirs.Peer);
        Assert.Equal(Node.Alpn, ours.Protocol);
        Assert.Equal(Node.Alpn, theirs.Protocol);
        Assert.Equal(ConnectionRole.Initiator, ours.Role);
        Assert.Equal(ConnectionRole.Responder, theirs.Role);
        Assert.Equal((ConnectionRole.Initiator, b.Identity.Fingerprint, Node.Alpn), Assert.Single(a.Questions));
        Assert.Equal((ConnectionRole.Responder, a.Identity.Fingerprint, Node.Alpn), Assert.Single(b.Questions));
        Assert.Equal(32, ours.ChannelBinding.Length);
        Assert.Equal(ours.ChannelBinding.ToArray(), theirs.ChannelBinding.ToArray());
    }

    [Fact]
    public async Task Control_bytes_arrive_in_order_in_both_directions()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        byte[] there = RandomNumberGenerator.GetBytes(60_000);
        byte[] back = RandomNumberGenerator.GetBytes(60_000);
        Assert.True(theirs.SendControl(back));
        Assert.True(ours.SendControl(there.AsSpan(0, 1)));
        Assert.True(ours.SendControl(there.AsSpan(1)));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == there.Length, "bytes there");
        await Eventually.Holds(() => a.ControlBytes(ours).Length == back.Length, "bytes back");
        Assert.Equal(there, b.ControlBytes(theirs));
        Assert.Equal(back, a.ControlBytes(ours));
    }

    [Fact]
    public async Task Packets_of_all_sizes_arrive_byte_identical_in_both_directions()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        await ExchangeAsync(ours, b, [1280]);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        await Eventually.Holds(() => theirs.Path.PathMtuBytes == 1472, "path-MTU discovery is done there");
        int[] sizes = [.. Enumerable.Range(20, 100), 500, 1000, 1380, 1400, .. Enumerable.Range(1430, 20),
            2000, ours.Path.MaxPacketBytes - 1, ours.Path.MaxPacketBytes];
        await ExchangeAsync(ours, b, sizes);
        await ExchangeAsync(theirs, a, sizes);
    }

    private static async Task ExchangeAsync(ITransportConnection from, Node to, int[] sizes)
    {
        to.Packets.Clear();
        using var batch = new PacketBatch(sizes.Length, 4_000_000);
        foreach (int size in sizes)
            Assert.True(batch.TryAdd(RandomNumberGenerator.GetBytes(size), (ushort)(size % 256)));
        Assert.Equal(new SendResult(sizes.Length, DropReason.None), from.Send(batch, 0, sizes.Length));
        await Eventually.Holds(() => to.Packets.Count == sizes.Length, "all packets");
        (long Connection, ushort Network, byte[] Bytes)[] got = [.. to.Packets];
        for (int i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(batch.NetworkOf(i), got[i].Network);
            Assert.Equal(batch.Packet(i).ToArray(), got[i].Bytes);
        }
    }
}
