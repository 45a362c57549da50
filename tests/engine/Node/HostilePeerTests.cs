using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Tests.Packets;

namespace VibePN.Engine.Tests.Node;

/// <summary>A trusted peer that turned: it loses its own session at most, while the honest one goes on.</summary>
public sealed class HostilePeerTests : IAsyncLifetime
{
    private readonly NodeLab _lab = NodeLab.Mesh(2);
    private RawPeer _mallory = null!;

    private LabEngine Victim => _lab[0];

    public async ValueTask InitializeAsync()
    {
        NodeIdentity identity = NodeLab.MakeIdentity("mallory");
        Victim.Configuration = Victim.Configuration with
        {
            Peers = [.. Victim.Configuration.Peers, new() { Name = "mallory", Fingerprint = identity.Fingerprint, Networks = ["corp"] }],
        };
        await _lab.StartAsync();
        _mallory = new RawPeer(_lab.Wire, 66, identity);
        await Victim.UntilAsync(status => status.Peers.Any(peer => peer.State == "up"), "node2 is up");
    }

    public async ValueTask DisposeAsync()
    {
        EngineStatus status = await Victim.StatusAsync();
        Assert.Equal("up", status.Peers.Single(peer => peer.Name == "node2").State);
        Assert.Equal(1, Victim.Lines.From(LogLevel.Information).Count(line => line.Contains("node2 is up", StringComparison.Ordinal)));
        Assert.Empty(Victim.Lines.From(LogLevel.Critical));
        await Victim.SendAsync(_lab[1], "corp");
        await _lab[1].SendAsync(Victim, "lab", v6: true);
        await _mallory.DisposeAsync();
        await _lab.DisposeAsync();
    }

    [Fact]
    public async Task Every_truncation_of_every_message_costs_one_session_at_most()
    {
        byte[][] messages =
        [
            RawPeer.Announce(0, "10.42.0.66/32", "fd42::66/128"), RawPeer.Withdraw(0, "10.42.0.66/32"),
            RawPeer.Frame(buffer => ControlWriter.WriteBegin(buffer, 0)), RawPeer.Frame(buffer => ControlWriter.WriteEnd(buffer, 0)),
            RawPeer.Frame(buffer => ControlWriter.WriteRefresh(buffer, 0)),
            RawPeer.Frame(buffer => ControlWriter.WriteDigest(buffer, new DigestMessage(0, 1, 2))),
            RawPeer.Frame(buffer => ControlWriter.WriteKeepalive(buffer, 7)), RawPeer.Frame(ControlWriterDrain),
            RawPeer.Frame(buffer => ControlWriter.WriteGoodbye(buffer, new GoodbyeMessage(1, 0))),
        ];
        ulong instance = 1;
        foreach (byte[] message in messages)
        {
            for (int length = 3; length < message.Length; length++)
            {
                // The shorter message states its own length, so that nothing waits for the rest.
                byte[] cut = message[..length];
                cut[1] = (byte)(length - 2);
                ITransportConnection connection = await _mallory.GreetAsync(Victim, instance++);
                connection.SendControl(cut);
                connection.SendControl(message);
                connection.SendControl([0, 1, (byte)'C']); // out of order: the end in any case
                await NodeLab.UntilAsync(() => _mallory.Closed(connection) is not null, $"closed after {Convert.ToHexString(cut)}");
            }
        }
        static int ControlWriterDrain(byte[] buffer) => ControlWriter.WriteDrain(buffer);
    }

    [Fact]
    public async Task Full_set_that_was_asked_for_sweeps_what_was_announced_since_the_last_one()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        byte[] begin = RawPeer.Frame(buffer => ControlWriter.WriteBegin(buffer, 0));
        byte[] end = RawPeer.Frame(buffer => ControlWriter.WriteEnd(buffer, 0));
        connection.SendControl(begin);
        connection.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        connection.SendControl(end);
        connection.SendControl(RawPeer.Announce(0, "10.42.0.67/32"));
        await Victim.UntilAsync(status => status.Routes.Count(route => route.PeerName == "mallory") == 2, "both routes");

        // The withdrawal of the second got lost; the digest shows it, and the set that answers the refresh lacks it.
        int before = _mallory.Received(connection);
        connection.SendControl(RawPeer.Frame(buffer => ControlWriter.WriteDigest(buffer, new DigestMessage(0, 1, 2))));
        await NodeLab.UntilAsync(() => _mallory.Received(connection) > before, "Refresh");
        // An End that was on its way ends no set: the one that was asked for has not begun.
        connection.SendControl(end);
        connection.SendControl(RawPeer.Announce(0, "10.42.0.68/32"));
        await Victim.UntilAsync(status => status.Routes.Count(route => route.PeerName == "mallory") == 3, "nothing is swept");
        connection.SendControl(begin);
        connection.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        connection.SendControl(end);
        EngineStatus status = await Victim.UntilAsync(
            status => status.Routes.Count(route => route.PeerName == "mallory") == 1, "one route is left");
        Assert.Equal("10.42.0.66/32", status.Routes.Single(route => route.PeerName == "mallory").Candidate.Prefix.ToString());
    }

    [Fact]
    public async Task Messages_before_their_time_end_the_connection()
    {
        byte[][] early = [RawPeer.Announce(0, "10.42.0.66/32"), [0, 1, (byte)'C'], [0, 1, (byte)'R'], [0, 1, (byte)'D'], [0, 0], [255, 255, 1], [0, 1, 0x7F]];
        foreach (byte[] message in early)
        {
            ITransportConnection connection = _mallory.Connect(Victim);
            connection.SendControl(message);
            await NodeLab.UntilAsync(() => _mallory.Closed(connection) is not null, "closed");
            Assert.Equal(CloseCode.ProtocolError, _mallory.Closed(connection)!.Value.Code);
        }
        ITransportConnection between = _mallory.Connect(Victim);
        between.SendControl(RawPeer.Hello(1, 1));
        between.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        await NodeLab.UntilAsync(() => _mallory.Closed(between) is not null, "closed");
        ITransportConnection twice = await _mallory.GreetAsync(Victim);
        twice.SendControl(RawPeer.Hello(1, 1));
        await NodeLab.UntilAsync(() => _mallory.Closed(twice) is not null, "closed");
        Assert.DoesNotContain((await Victim.StatusAsync()).Routes, route => route.PeerName == "mallory");
    }

    [Fact]
    public async Task Garbage_of_any_kind_is_survived()
    {
        var random = new Random(7);
        for (int i = 0; i < 200; i++)
        {
            ITransportConnection connection = i % 2 == 0 ? _mallory.Connect(Victim) : await _mallory.GreetAsync(Victim, (ulong)i + 1);
            byte[] bytes = new byte[random.Next(1, 2_000)];
            random.NextBytes(bytes);
            if (i % 4 == 1)
                (bytes[0], bytes[1 % bytes.Length]) = (0, (byte)random.Next(1, 60));
            connection.SendControl(bytes);
            connection.Close(new CloseReason(CloseCode.None, "next"));
        }
        await Victim.UntilAsync(status => status.Peers.Single(peer => peer.Name == "mallory").Connections == 0, "all closed");
    }

    [Fact]
    public async Task Prefixes_that_are_not_the_peers_to_announce_are_refused_and_the_session_stays()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        string[] wrong =
        [
            "0.0.0.0/0", "::/0", "10.42.0.1/32", "fd42::1/128", "10.42.0.0/24", "10.42.0.0/32", "10.42.0.255/32", "10.0.0.0/8",
            "127.0.0.1/32", "224.0.0.0/4", "fe80::/10", "10.43.0.1/32", "10.43.0.2/32", "10.43.0.0/25", "fd43::2/128", "fd00::/8",
        ];
        connection.SendControl(RawPeer.Announce(0, wrong));
        connection.SendControl(RawPeer.Announce(1, "10.43.0.66/32")); // a network it is no member of
        connection.SendControl(RawPeer.Announce(200, "10.42.0.67/32")); // a number nobody agreed on
        connection.SendControl(RawPeer.Withdraw(0, "10.42.0.2/32", "fd42::2/128")); // another's
        connection.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        EngineStatus status = await Victim.UntilAsync(
            status => status.Routes.Any(route => route.PeerName == "mallory"), "the one good route");
        Assert.Equal("10.42.0.66/32", Assert.Single(status.Routes, route => route.PeerName == "mallory").Candidate.Prefix.ToString());
        Assert.Equal(4, status.Routes.Count(route => route.PeerName == "node2"));
        Assert.Null(_mallory.Closed(connection));
        Assert.Empty(Victim.Device("corp").Configuration!.Routes);
    }

    [Fact]
    public async Task A_prefix_that_covers_where_peers_are_reached_never_gets_to_the_kernel()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        connection.SendControl(RawPeer.Announce(0, "192.0.2.0/24", "192.0.2.2/32", "192.168.7.0/24"));
        await NodeLab.UntilAsync(() => Victim.Device("corp").Configuration!.Routes.Count > 0, "a kernel route");
        Assert.Equal([IpPrefix.Parse("192.168.7.0/24")], Victim.Device("corp").Configuration!.Routes);
        Assert.Contains(Victim.Lines.From(LogLevel.Warning), line => line.Contains("192.0.2.2, where a peer is reached", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Thousands_of_prefixes_are_held_to_the_limits_and_few_lines()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        foreach (int[] chunk in Enumerable.Range(0, 5_000).Chunk(100))
        {
            byte[] message = RawPeer.Announce(0, [.. chunk.Select(i => $"172.{16 + (i / 256)}.{i % 256}.0/24")]);
            await NodeLab.UntilAsync(() => connection.SendControl(message), "room in the queue");
        }
        // What is withdrawn makes room for one that the limit kept out.
        IpPrefix first = IpPrefix.Parse("172.16.0.0/24");
        connection.SendControl(RawPeer.Withdraw(0, "172.16.0.0/24"));
        EngineStatus status = await Victim.UntilAsync(
            status => status.Routes.Count(route => route.PeerName == "mallory") == 256
                && status.Routes.All(route => route.Candidate.Prefix != first), "256 others");
        Assert.Null(_mallory.Closed(connection));
        Assert.InRange(Victim.Lines.From(LogLevel.Information).Count(), 1, 100);
        Assert.Contains("peer mallory has 256 of the 256 routes it may announce in corp (limits.per_peer)", status.Warnings);
    }

    [Fact]
    public async Task Packets_of_networks_it_is_no_member_of_go_nowhere()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        connection.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        await Victim.UntilAsync(status => status.Routes.Any(route => route.PeerName == "mallory"), "its route");
        using var batch = new PacketBatch(4, 16_384);
        batch.TryAdd(TestPackets.Udp("10.43.0.66", "10.43.0.1"), network: 1);
        batch.TryAdd(TestPackets.Udp("10.42.0.66", "10.42.0.1"), network: 200);
        batch.TryAdd(TestPackets.Udp("10.42.0.2", "10.42.0.1"), network: 0);
        byte[] good = TestPackets.Udp("10.42.0.66", "10.42.0.1");
        batch.TryAdd(good, network: 0);
        Assert.Equal(4, connection.Send(batch, 0, 4).Taken);
        await NodeLab.UntilAsync(() => Victim.Device("corp").Written.Count > 0, "the one good packet");
        Assert.Equal(good, Assert.Single(Victim.Device("corp").Written));
        Assert.Empty(Victim.Device("lab").Written);
    }

    [Fact]
    public async Task A_peer_that_comes_and_goes_without_end_writes_a_bounded_number_of_lines()
    {
        for (int i = 0; i < 300; i++)
        {
            ITransportConnection connection = await _mallory.GreetAsync(Victim);
            connection.Close(new CloseReason(CloseCode.Goodbye, "flap"));
        }
        await Victim.UntilAsync(status => status.Peers.Single(peer => peer.Name == "mallory").Connections == 0, "gone");
        Assert.InRange(Victim.Lines.From(LogLevel.Information).Count(line => line.Contains("mallory", StringComparison.Ordinal)), 1, 60);
    }

    [Fact]
    public async Task A_peer_that_asks_for_everything_over_and_over_is_answered_seldom()
    {
        ITransportConnection connection = await _mallory.GreetAsync(Victim);
        byte[] refresh = RawPeer.Frame(buffer => ControlWriter.WriteRefresh(buffer, 0));
        byte[] many = [.. Enumerable.Repeat(refresh, 100).SelectMany(bytes => bytes)];
        int before = _mallory.Received(connection);
        for (int i = 0; i < 20; i++)
            await NodeLab.UntilAsync(() => connection.SendControl(many), "room in the queue");
        connection.SendControl(RawPeer.Announce(0, "10.42.0.66/32"));
        await Victim.UntilAsync(status => status.Routes.Any(route => route.PeerName == "mallory"), "all is read");
        Assert.InRange(_mallory.Received(connection) - before, 1, 2_000);
    }
}
