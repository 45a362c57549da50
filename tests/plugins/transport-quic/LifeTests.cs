using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class LifeTests
{
    [Theory]
    [InlineData(CloseCode.Goodbye)]
    [InlineData(CloseCode.Superseded)]
    [InlineData(CloseCode.ProtocolError)]
    [InlineData(CloseCode.Shutdown)]
    public async Task Close_reason_arrives_at_the_peer(CloseCode code)
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        ours.Close(new CloseReason(code, "for a reason"));
        await Eventually.Holds(() => a.Closed.ContainsKey(ours.Id) && b.Closed.ContainsKey(theirs.Id), "both closed");
        Assert.Equal(new CloseReason(code, "for a reason"), a.Closed[ours.Id]);
        Assert.Equal(new CloseReason(code, "for a reason", ByPeer: true), b.Closed[theirs.Id]);
        Assert.False(ours.SendControl([1]));
        using PacketBatch batch = OnePacket();
        Assert.Equal(new SendResult(0, DropReason.ConnectionClosed), ours.Send(batch, 0, 1));
        Assert.Equal(0, ours.GetStatistics().QueuedBytes);
    }

    [Fact]
    public async Task What_stands_in_the_control_queue_arrives_before_the_close()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        byte[] last = new byte[50_000];
        new Random(1).NextBytes(last);
        Assert.True(theirs.SendControl([7]));
        Assert.True(ours.SendControl(last));
        ours.Close(new CloseReason(CloseCode.Goodbye, "bye"));
        await Eventually.Holds(() => b.Closed.ContainsKey(theirs.Id), "closed there");
        Assert.Equal(last, b.ControlBytes(theirs));
    }

    [Fact]
    public async Task Peers_sentence_is_escaped()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        ours.Close(new CloseReason(CloseCode.Goodbye, "a\nb\u001b[31mc" + new string('x', 500)));
        await Eventually.Holds(() => b.Closed.ContainsKey(theirs.Id), "closed there");
        Assert.StartsWith("a.b.[31mcxxx", b.Closed[theirs.Id].Text, StringComparison.Ordinal);
        Assert.InRange(b.Closed[theirs.Id].Text.Length, 1, 128);
    }

    [Fact]
    public async Task Fifty_connections_share_one_socket()
    {
        await using Node hub = await Node.StartAsync();
        var nodes = new List<Node>();
        try
        {
            for (int i = 0; i < 60; i++)
                nodes.Add(await Node.StartAsync(settings: ("socket_buffer_bytes", "262144")));
            long[] dials = [.. nodes.Select(node => hub.Dial(node.Address))];
            await Eventually.Holds(() => hub.Connections.Count == 60, "all up", 30);
            Assert.Equal(dials, hub.Connections.Select(c => c.DialId).Order());
            Assert.Equal(60, hub.Transport.GetStatistics().HandshakesCompleted);
            foreach ((ITransportConnection connection, _) in hub.Connections)
                Assert.True(connection.SendControl([1, 2, 3]));
            await Eventually.Holds(
                () => nodes.TrueForAll(n => n.Control.Values.Any(s => s.Length == 3)), "each heard its own", 20);
        }
        finally
        {
            foreach (Node node in nodes)
                await node.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.9")]
    [InlineData("::", "::1")]
    public async Task Wildcard_socket_answers_from_the_address_that_was_asked(string wildcard, string asked)
    {
        IPAddress any = IPAddress.Parse(wildcard);
        await using Node a = await Node.StartAsync(listen: [new IPEndPoint(any, 0)]);
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(any, 0)], settings: ("retry_above", "0"));
        var address = new IPEndPoint(IPAddress.Parse(asked), b.Addresses[0].Port);
        long id = a.Dial(address.ToString());
        await Eventually.Holds(() => !a.Connections.IsEmpty || a.DialsFailed.ContainsKey(id), "dial ends");
        (ITransportConnection ours, _) = Assert.Single(a.Connections);
        Assert.Equal(address, ours.Path.Remote);
        using var batch = new PacketBatch(300, 500_000);
        while (batch.TryAdd(new byte[1100]) && batch.Count < 300)
            continue;
        await Eventually.Holds(() => !b.Connections.IsEmpty, "responder is up");
        // Many back at once: the source address and segmentation share the control message.
        b.Connections.First().Connection.Send(batch, 0, batch.Count);
        await Eventually.Holds(() => a.Packets.Count == batch.Count, "packets come back");
    }

    [Fact]
    public async Task Restarted_peer_resets_its_old_connections()
    {
        NodeIdentity identity = Identities.Create("b");
        await using Node a = await Node.StartAsync();
        Node b = await Node.StartAsync(identity);
        IPEndPoint port = b.Addresses[0];
        // A relay keeps the stop's goodbye from arriving, as a crash would.
        await using var relay = new Relay(port);
        (ITransportConnection ours, _) = await ConnectThroughAsync(a, relay, b);
        relay.Drop = _ => true;
        await b.DisposeAsync();
        await PassAllAsync(relay, port);
        await using Node again = await Node.StartAsync(identity, [port]);
        relay.Drop = _ => false;
        Assert.True(ours.SendControl(new byte[100]));
        await Eventually.Holds(() => a.Closed.ContainsKey(ours.Id), "reset noticed");
        Assert.Equal(CloseCode.StatelessReset, a.Closed[ours.Id].Code);
        Assert.True(a.Closed[ours.Id].ByPeer);
    }

    /// <summary>Waits until the relay has handled all that the stopped server ever sent: the last datagram is ours.</summary>
    internal static async Task PassAllAsync(Relay relay, IPEndPoint server)
    {
        bool passed = false;
        relay.Watch = datagram => passed |= datagram.AsSpan().SequenceEqual("last"u8);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(server);
        socket.SendTo("last"u8.ToArray(), relay.BackAddress);
        await Eventually.Holds(() => Volatile.Read(ref passed), "the relay is empty");
    }

    [Fact]
    public async Task Initiator_whose_address_changes_keeps_its_connection()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await ConnectThroughAsync(a, relay, b);
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == 1, "first byte");
        for (int round = 2; round < 5; round++)
        {
            IPEndPoint seen = relay.Rebind();
            Assert.True(ours.SendControl([1]));
            await Eventually.Holds(() => b.ControlBytes(theirs).Length == round, "byte from the new address");
            await Eventually.Holds(() => theirs.SendControl([1]) && theirs.Path.Remote.Equals(seen), "address followed");
            await Eventually.Holds(() => a.ControlBytes(ours).Length > 0, "bytes back");
        }
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Silent_peer_is_given_up_after_the_idle_timeout()
    {
        await using Node a = await Node.StartAsync(options: RefusalTests.Quick());
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, _) = await ConnectThroughAsync(a, relay, b);
        relay.Drop = _ => true;
        await Eventually.Holds(() => a.Closed.ContainsKey(ours.Id), "given up");
        Assert.Equal(CloseCode.IdleTimeout, a.Closed[ours.Id].Code);
        Assert.Equal(0, a.Transport.GetStatistics().Connections);
    }

    [Fact]
    public async Task Stop_closes_connections_with_a_reason_and_can_be_followed_by_a_new_start_on_the_port()
    {
        Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        IPEndPoint port = a.Addresses[0];
        await a.DisposeAsync();
        Assert.Equal(CloseCode.Shutdown, a.Closed[ours.Id].Code);
        await Eventually.Holds(() => b.Closed.ContainsKey(theirs.Id), "peer was told");
        Assert.Equal(CloseCode.Shutdown, b.Closed[theirs.Id].Code);
        await using Node again = await Node.StartAsync(listen: [port]);
        await again.ConnectAsync(b);
    }

    internal static async Task<(ITransportConnection Ours, ITransportConnection Theirs)> ConnectThroughAsync(
        Node a, Relay relay, Node b)
    {
        long id = a.Dial(relay.Address.ToString());
        await Eventually.Holds(() => !a.Connections.IsEmpty || a.DialsFailed.ContainsKey(id), "dial ends");
        Assert.Empty(a.DialsFailed);
        await Eventually.Holds(() => !b.Connections.IsEmpty, "responder is up");
        return (a.Connections.Last().Connection, b.Connections.Last().Connection);
    }

    private static PacketBatch OnePacket()
    {
        var batch = new PacketBatch(1, 4096);
        batch.TryAdd(new byte[100]);
        return batch;
    }
}
