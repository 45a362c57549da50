using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Listen addresses that change while connections live. Counts the process's descriptors.</summary>
[Collection(nameof(DataPathTests))]
public sealed class RelistenTests
{
    private static readonly IPEndPoint One = At("127.0.0.1");
    private static readonly IPEndPoint Two = At("127.0.0.2");
    private static readonly IPEndPoint Three = At("127.0.0.3");

    [Fact]
    public async Task Connections_on_a_socket_that_stays_lose_nothing_and_no_descriptor_is_left()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        IPEndPoint kept = b.Addresses[0];
        int before = Descriptors;
        var random = new Random(5);
        using PacketBatch batch = Batch(50);
        for (int round = 1; round <= 60; round++)
        {
            IPEndPoint[] others = [.. new[] { Two, Three, At("127.0.0.4") }.Take(random.Next(4))];
            b.Relisten(random.Next(2) == 0 ? [kept, .. others] : [.. others, kept]);
            Assert.Equal(others.Length + 1, b.Addresses.Count);
            Assert.Contains(kept, b.Addresses);
            Assert.Equal(batch.Count, ours.Send(batch, 0, batch.Count).Taken);
            Assert.Equal(batch.Count, theirs.Send(batch, 0, batch.Count).Taken);
            int expected = round * batch.Count;
            await Eventually.Holds(() => a.Packets.Count == expected && b.Packets.Count == expected, "all packets");
        }
        b.Relisten(kept);
        await Eventually.Holds(() => Descriptors == before, "sockets that went are closed");
        Assert.Equal(kept, ours.Path.Remote);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Socket_that_is_no_longer_listed_serves_its_connections_and_takes_no_new_ones()
    {
        await using Node a = await Node.StartAsync(options: RefusalTests.Quick() with { IdleTimeout = TimeSpan.FromSeconds(30) });
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        string old = b.Address;
        int before = Descriptors;
        b.Relisten(Two);
        await ExchangeAsync(a, ours, b, theirs);
        CloseReason reason = await a.DialFailsAsync(old);
        Assert.Equal(CloseCode.HandshakeTimeout, reason.Code);
        await a.ConnectAsync(b);
        Assert.Equal(before + FakeContext.Loops, Descriptors);
        ours.Close(new CloseReason(CloseCode.Goodbye, "done"));
        await Eventually.Holds(() => Descriptors == before, "the old socket is closed");
        Assert.Single(b.Closed);
    }

    [Fact]
    public async Task Dialled_connections_move_to_a_listed_socket_and_go_on()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        int before = Descriptors;
        a.Relisten(Three);
        await Eventually.Holds(() => theirs.Path.Remote.Equals(a.Addresses[0]), "the peer follows without being asked");
        await ExchangeAsync(a, ours, b, theirs);
        await Eventually.Holds(() => b.Paths.Any(path => path.Remote.Equals(a.Addresses[0])), "the peer's engine is told");
        await Eventually.Holds(() => Descriptors == before, "the old socket is closed");
        await ExchangeAsync(a, ours, b, theirs);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::", "::1")]
    public async Task Wildcard_and_single_address_of_one_port_replace_each_other(string wildcard, string address)
    {
        await using Node a = await Node.StartAsync(listen: [At(wildcard)]);
        await using Node b = await Node.StartAsync(listen: [At(wildcard)]);
        int port = b.Addresses[0].Port;
        var asked = new IPEndPoint(IPAddress.Parse(address), port);
        long id = a.Dial(asked.ToString());
        await Eventually.Holds(() => a.Connections.Any(c => c.DialId == id) && !b.Connections.IsEmpty, "both are up");
        (ITransportConnection ours, ITransportConnection theirs) =
            (a.Connections.First().Connection, b.Connections.First().Connection);
        int before = Descriptors;
        for (int round = 0; round < 3; round++)
        {
            b.Relisten(asked);
            Assert.Equal(asked, b.Addresses[0]);
            await ExchangeAsync(a, ours, b, theirs);
            b.Relisten(new IPEndPoint(IPAddress.Parse(wildcard), port));
            await ExchangeAsync(a, ours, b, theirs);
        }
        await Eventually.Holds(() => Descriptors == before, "sockets that went are closed");
        Assert.Equal(asked, ours.Path.Remote);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
        // The port is not left open to another program.
        await using Node rival = await Node.StartAsync();
        Assert.Throws<PluginException>(() => rival.Transport.Relisten([new IPEndPoint(IPAddress.Parse(wildcard), port)]));
    }

    [Fact]
    public async Task Address_that_comes_back_takes_its_old_socket()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        IPEndPoint first = b.Addresses[0];
        int before = Descriptors;
        for (int round = 0; round < 20; round++)
        {
            b.Relisten(Two);
            b.Relisten(first);
            Assert.Equal([first], b.Addresses);
        }
        await ExchangeAsync(a, ours, b, theirs);
        await Eventually.Holds(() => Descriptors == before, "one socket remains");
        await a.ConnectAsync(b);
        Assert.Empty(a.Closed);
    }

    [Fact]
    public async Task Address_that_cannot_be_opened_changes_nothing()
    {
        await using Node other = await Node.StartAsync(listen: [Two]);
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        IPEndPoint kept = b.Addresses[0];
        int before = Descriptors;
        PluginException fault = Assert.Throws<PluginException>(
            () => b.Transport.Relisten([Three, other.Addresses[0], kept]));
        Assert.Equal(PluginFault.Unavailable, fault.Fault);
        Assert.Contains(other.Address, fault.Message, StringComparison.Ordinal);
        Assert.Throws<PluginException>(() => b.Transport.Relisten([other.Addresses[0]]));
        Assert.Equal(before, Descriptors);
        await ExchangeAsync(a, ours, b, theirs);
        await a.ConnectAsync(b);
        Assert.Equal([kept], b.Transport.Relisten([kept]));
    }

    [Fact]
    public async Task Time_limit_ends_the_last_connections_of_a_socket_that_went()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync(retirement: TimeSpan.FromMilliseconds(300));
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        int before = Descriptors;
        b.Relisten(Two);
        await Eventually.Holds(() => b.Closed.ContainsKey(theirs.Id) && a.Closed.ContainsKey(ours.Id), "both ends closed");
        Assert.Equal(CloseCode.Goodbye, b.Closed[theirs.Id].Code);
        Assert.Equal(
            new CloseReason(CloseCode.Goodbye, "the listen address of the connection was taken away", ByPeer: true),
            a.Closed[ours.Id]);
        await Eventually.Holds(() => Descriptors == before, "the old socket is closed");
    }

    [Fact]
    public async Task Without_addresses_nothing_can_be_dialled_until_there_are_some_again()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        a.Relisten();
        Assert.Empty(a.Addresses);
        CloseReason reason = await a.DialFailsAsync(b.Address);
        Assert.Equal(CloseCode.Unreachable, reason.Code);
        a.Relisten(One);
        await a.ConnectAsync(b);
    }

    [Fact]
    public async Task Stop_right_after_a_change_closes_every_socket()
    {
        await using Node warm = await Node.StartAsync();
        int before = Descriptors;
        for (int round = 0; round < 20; round++)
        {
            Node a = await Node.StartAsync();
            a.Relisten(Two, Three);
            a.Relisten(One);
            await a.DisposeAsync();
        }
        Assert.Equal(before, Descriptors);
    }

    private static int Descriptors => Directory.GetFiles("/proc/self/fd").Length;

    private static IPEndPoint At(string address) => new(IPAddress.Parse(address), 0);

    private static async Task ExchangeAsync(
        Node a, ITransportConnection ours, Node b, ITransportConnection theirs)
    {
        int there = b.ControlBytes(theirs).Length;
        int back = a.ControlBytes(ours).Length;
        Assert.True(ours.SendControl([1, 2, 3]));
        Assert.True(theirs.SendControl([4, 5]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == there + 3, "bytes there");
        await Eventually.Holds(() => a.ControlBytes(ours).Length == back + 2, "bytes back");
    }

    private static PacketBatch Batch(int count)
    {
        var batch = new PacketBatch(count, count * 700);
        for (int i = 0; i < count; i++)
            Assert.True(batch.TryAdd(new byte[500]));
        return batch;
    }
}
