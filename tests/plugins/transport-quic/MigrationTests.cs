using System.Diagnostics;
using System.Net;
using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Ends whose address changes under a connection.</summary>
public sealed class MigrationTests
{
    [Fact]
    public async Task Facts_are_those_of_the_new_path_and_the_engine_is_told()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        await Eventually.Holds(() => theirs.Path.PathMtuBytes == 1472 && ours.Path.PathMtuBytes == 1472, "full size");
        IPEndPoint seen = relay.Rebind();
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(() => theirs.Path.Remote.Equals(seen), "address followed");
        await Eventually.Holds(() => b.Paths.Any(path => path.Remote.Equals(seen)), "the engine is told");
        await Eventually.Holds(
            () => ours.SendControl([1]) && theirs.SendControl([1]) && theirs.Path is { PathMtuBytes: 1472 } path
                && path.RoundTrip > TimeSpan.Zero && path.RoundTrip < TimeSpan.FromSeconds(1), "facts of the new path");
        Assert.Equal(relay.Address, ours.Path.Remote);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Packets_flow_again_both_ways_within_two_seconds_of_a_change_of_the_initiators_address()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        using PacketBatch batch = OnePacket();
        TimeSpan longest = TimeSpan.Zero;
        for (int round = 0; round < 5; round++)
        {
            IPEndPoint seen = relay.Rebind();
            a.Packets.Clear();
            b.Packets.Clear();
            var clock = Stopwatch.StartNew();
            await Eventually.Holds(
                () =>
                {
                    ours.Send(batch, 0, 1);
                    theirs.Send(batch, 0, 1);
                    return !a.Packets.IsEmpty && !b.Packets.IsEmpty && theirs.Path.Remote.Equals(seen);
                }, "packets flow both ways");
            longest = longest > clock.Elapsed ? longest : clock.Elapsed;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"longest gap {longest.TotalMilliseconds:0} ms");
        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Client_that_never_stays_is_followed_ten_times_and_then_once_a_second()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        var clock = Stopwatch.StartNew();
        var addresses = new HashSet<IPEndPoint>();
        while (Volatile.Read(ref b.Transport.Counters.MovesRefused) == 0)
        {
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
            IPEndPoint seen = relay.Rebind();
            await Eventually.Holds(
                () => ours.SendControl([1])
                    && (theirs.Path.Remote.Equals(seen) || Volatile.Read(ref b.Transport.Counters.MovesRefused) > 0),
                "followed or refused");
            addresses.Add(theirs.Path.Remote);
        }
        Assert.InRange(addresses.Count, 8, 11 + (int)clock.Elapsed.TotalSeconds);
        // The address of a client that stays is followed in the end.
        IPEndPoint last = relay.BackAddress;
        await Eventually.Holds(() => ours.SendControl([1]) && theirs.Path.Remote.Equals(last), "the last one is followed");
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Responder_that_moves_is_not_followed_and_is_seen_to_be_lost_within_half_a_second()
    {
        await using Node a = await Node.StartAsync(options: RefusalTests.Quick() with { HandshakeTimeout = TimeSpan.FromSeconds(5) });
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        var connection = (QuicConnection)ours;
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(
            () => b.ControlBytes(theirs).Length == 1 && connection.Unacknowledged == TimeSpan.Zero, "acknowledged");
        relay.MoveServer();
        Assert.True(ours.SendControl([1]));
        var clock = Stopwatch.StartNew();
        await Eventually.Holds(() => connection.Unacknowledged > TimeSpan.FromMilliseconds(400), "an acknowledgement is owed");
        Assert.InRange(connection.Unacknowledged, TimeSpan.FromMilliseconds(400), clock.Elapsed + TimeSpan.FromMilliseconds(100));
        Assert.True(theirs.SendControl([1]));
        await Eventually.Holds(() => Volatile.Read(ref a.Transport.Counters.Strays) > 0, "it is heard from elsewhere");
        Assert.Equal(relay.Address, ours.Path.Remote);
        await Eventually.Holds(() => a.Closed.ContainsKey(ours.Id), "given up");
        Assert.Equal(CloseCode.IdleTimeout, a.Closed[ours.Id].Code);
        Assert.Empty(a.ControlBytes(ours));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.77.0.1")]
    public async Task Machine_whose_address_is_replaced_keeps_its_dialled_connections(string listen)
    {
        using NetworkNamespace home = NetworkNamespace.Create("home");
        using NetworkNamespace away = NetworkNamespace.Create("away");
        NetworkNamespace.Join((home, "v0", "10.77.0.1/24"), (away, "v0", "10.77.0.2/24"));
        await using Node a = home.Run(() => StartAt(listen));
        await using Node b = away.Run(() => StartAt("0.0.0.0"));
        long id = a.Dial($"10.77.0.2:{b.Addresses[0].Port}");
        await Eventually.Holds(() => a.Connections.Any(c => c.DialId == id) && !b.Connections.IsEmpty, "up");
        (ITransportConnection ours, ITransportConnection theirs) =
            (a.Connections.First().Connection, b.Connections.First().Connection);
        Assert.Equal(IPAddress.Parse("10.77.0.1"), theirs.Path.Remote.Address);
        home.Exec("ip", "address", "del", "10.77.0.1/24", "dev", "v0");
        home.Exec("ip", "address", "add", "10.77.0.3/24", "dev", "v0");
        // A socket of one address cannot send from another; the daemon would have told the transport by a reload.
        if (listen != "0.0.0.0")
            home.Run(() => a.Relisten(new IPEndPoint(IPAddress.Parse("10.77.0.3"), 0)));
        using PacketBatch batch = OnePacket();
        await Eventually.Holds(
            () =>
            {
                ours.Send(batch, 0, 1);
                theirs.Send(batch, 0, 1);
                return !a.Packets.IsEmpty && !b.Packets.IsEmpty
                    && theirs.Path.Remote.Address.Equals(IPAddress.Parse("10.77.0.3"));
            }, "packets flow both ways from the new address");
        await Eventually.Holds(
            () => b.Paths.Any(path => path.Remote.Address.Equals(IPAddress.Parse("10.77.0.3"))), "the engine is told");
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public void Acknowledgement_is_owed_from_the_first_byte_under_way_and_each_one_begins_the_wait_anew()
    {
        const ulong Second = 1_000_000_000;
        var watch = new FlightWatch();
        Assert.Equal(TimeSpan.Zero, watch.WaitingAt(10 * Second));
        watch.OnWritten(1200, 10 * Second);
        watch.OnRead(1200, 11 * Second);
        watch.OnWritten(2400, 12 * Second);
        Assert.Equal(TimeSpan.FromSeconds(3), watch.WaitingAt(13 * Second));
        watch.OnRead(1200, 14 * Second);
        Assert.Equal(TimeSpan.FromSeconds(1), watch.WaitingAt(15 * Second));
        // Two probes; none is answered.
        watch.OnTimer(1200);
        watch.OnWritten(3600, 16 * Second);
        Assert.Equal(TimeSpan.FromSeconds(6), watch.WaitingAt(20 * Second));
        watch.OnRead(0, 21 * Second);
        Assert.Equal(TimeSpan.Zero, watch.WaitingAt(22 * Second));
        // The last packet is lost, all others were acknowledged: nothing is owed for ever.
        watch.OnWritten(1200, 23 * Second);
        watch.OnTimer(0);
        Assert.Equal(TimeSpan.Zero, watch.WaitingAt(30 * Second));
    }

    private static Node StartAt(string address) => Node.StartAsync(
        listen: [new IPEndPoint(IPAddress.Parse(address), 0)],
        settings: ("socket_buffer_bytes", "262144")).GetAwaiter().GetResult();

    private static PacketBatch OnePacket()
    {
        var batch = new PacketBatch(1, 4096);
        batch.TryAdd(new byte[100]);
        return batch;
    }
}
