using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Prefixes;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

/// <summary>A peer that may use 10.42.0.5, 10.50.0.0/16, fd00:42::5 and, too widely, 10.42.0.0/30 sends packets.</summary>
public sealed class InboundPathTests : IDisposable
{
    private const string Own = "10.42.0.1";
    private const string Own6 = "fd00:42::1";
    private const string Peer = "10.42.0.5";
    private const string Peer6 = "fd00:42::5";
    private const byte Number = 2;
    private const byte ForeignNumber = 3;

    private readonly ForwardingFixture _fixture = new();
    private readonly InboundPath _path = new();
    private readonly PeerPort _port;
    private readonly InboundPort _from;

    public InboundPathTests()
    {
        (_port, _) = _fixture.AddPeer(5);
        (PeerPort other, _) = _fixture.AddPeer(6);
        _port.AllowedSources = Set("10.42.0.5/32", "10.50.0.0/16", "fd00:42::5/128", "10.42.0.0/30");
        other.AllowedSources = Set("10.42.0.6/32");
        _fixture.SetRoutes(["192.168.7.0/24"], []);
        _from = new InboundPort([(Number, _port), (ForeignNumber, null)]);
    }

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(Peer, Own)]
    [InlineData("10.50.3.4", Own)] // from behind the peer
    [InlineData(Peer, "192.168.7.9")] // to somebody behind us
    [InlineData(Peer6, Own6)]
    public void A_packet_from_the_peer_to_us_reaches_the_device(string source, string destination)
    {
        byte[] packet = TestPackets.Udp(source, destination);
        Receive(packet);
        Assert.Equal([packet], _fixture.Device.Written);
        Assert.Equal((1L, (long)packet.Length), (_fixture.Network.Received.Packets, _fixture.Network.Received.Bytes));
        Assert.Equal((1L, (long)packet.Length), (_port.Received.Packets, _port.Received.Bytes));
        AssertDrops();
    }

    [Theory]
    [InlineData("10.42.0.6", Own)] // another member's address
    [InlineData("8.8.8.8", Own)]
    [InlineData("10.42.0.2", Own, true)] // allowed, for comparison: the wide prefix holds it
    [InlineData(Own, Own)] // our own address, though the wide prefix holds it
    [InlineData("192.168.7.9", Own)] // an address behind us
    [InlineData("fd00:42::6", Own6)]
    [InlineData(Own6, Own6)]
    [InlineData("0.0.0.0", Own)]
    [InlineData("127.0.0.1", Own)]
    [InlineData("224.0.0.5", Own)]
    [InlineData("255.255.255.255", Own)]
    [InlineData("::", Own6)]
    [InlineData("::1", Own6)]
    [InlineData("ff02::1", Own6)]
    [InlineData("::10.42.0.5", Own6)] // looks like the peer's, is not
    [InlineData("64:ff9b::10.42.0.5", Own6)]
    public void A_source_that_is_not_the_peers_is_dropped(string source, string destination, bool allowed = false)
    {
        Receive(TestPackets.Udp(source, destination));
        if (allowed)
            AssertDrops();
        else
            AssertDrops((DropReason.SourceNotAllowed, 1));
        Assert.Equal(allowed ? 1 : 0, _fixture.Device.WrittenCount);
    }

    [Theory]
    [InlineData("0.0.0.0/0", "127.0.0.1")]
    [InlineData("0.0.0.0/0", "224.0.0.5")]
    [InlineData("0.0.0.0/0", "0.0.0.0")]
    [InlineData("0.0.0.0/0", Own)]
    public void Even_a_peer_that_may_use_every_source_may_not_use_those(string allowed, string source)
    {
        _port.AllowedSources = Set(allowed);
        Receive(TestPackets.Udp(source, Own));
        AssertDrops((DropReason.SourceNotAllowed, 1));
    }

    [Theory]
    [InlineData("::ffff:10.42.0.5", Own6)]
    [InlineData(Peer6, "::ffff:10.42.0.1")]
    public void V4_in_v6_dress_is_malformed(string source, string destination)
    {
        Receive(TestPackets.Udp(source, destination));
        AssertDrops((DropReason.Malformed, 1));
    }

    [Fact]
    public void A_peer_from_which_nothing_was_accepted_may_send_nothing()
    {
        _port.AllowedSources = PrefixSet.Empty;
        Receive(TestPackets.Udp(Peer, Own), TestPackets.Udp(Peer6, Own6));
        AssertDrops((DropReason.SourceNotAllowed, 2));
    }

    [Theory]
    [InlineData("10.42.0.9", DropReason.DestinationNotLocal)] // another member: we are no relay
    [InlineData("8.8.8.8", DropReason.DestinationNotLocal)]
    [InlineData("127.0.0.1", DropReason.DestinationNotLocal)]
    [InlineData("0.0.0.0", DropReason.DestinationNotLocal)]
    [InlineData("224.0.0.1", DropReason.NotUnicast)]
    [InlineData("255.255.255.255", DropReason.NotUnicast)]
    public void A_destination_that_is_not_ours_is_dropped(string destination, DropReason reason)
    {
        Receive(TestPackets.Udp(Peer, destination));
        AssertDrops((reason, 1));
        Assert.Equal(0, _fixture.Device.WrittenCount);
    }

    [Fact]
    public void Ipv6_multicast_is_dropped()
    {
        Receive(TestPackets.Udp(Peer6, "ff02::1"));
        AssertDrops((DropReason.NotUnicast, 1));
    }

    [Fact]
    public void A_destination_that_is_no_host_is_dropped_even_behind_us()
    {
        _fixture.SetRoutes(["0.0.0.0/0"], []);
        Receive([.. ((string[])["127.0.0.1", "224.0.0.1", "0.0.0.0"]).Select(to => TestPackets.Udp(Peer, to))]);
        AssertDrops((DropReason.DestinationNotLocal, 2), (DropReason.NotUnicast, 1));
    }

    [Fact]
    public void Malformed_packets_are_dropped()
    {
        byte[] good = TestPackets.Udp(Peer, Own);
        Receive(good[..^1], [1], [.. good, 0]);
        AssertDrops((DropReason.Malformed, 3));
        Assert.Equal(0, _fixture.Device.WrittenCount);
    }

    [Fact]
    public void A_network_the_peer_is_no_member_of_is_closed_to_it()
    {
        _fixture.Batch.Clear();
        foreach (ushort number in (ushort[])[ForeignNumber, 0, 255, 256, ushort.MaxValue])
            Assert.True(_fixture.Batch.TryAdd(TestPackets.Udp(Peer, Own), number));
        _path.Process(_from, _fixture.Batch);
        Assert.Equal(
            [KeyValuePair.Create(DropReason.NotAMember, 1L), KeyValuePair.Create(DropReason.UnknownNetwork, 4L)],
            DropCounters.Sum(_path.Drops));
        Assert.Equal(0, _fixture.Device.WrittenCount);
    }

    [Fact]
    public void A_connection_without_a_hello_can_send_nothing()
    {
        _fixture.Fill(TestPackets.Udp(Peer, Own));
        _path.Process(InboundPort.None, _fixture.Batch);
        Assert.Equal([KeyValuePair.Create(DropReason.UnknownNetwork, 1L)], DropCounters.Sum(_path.Drops));
    }

    [Fact]
    public void Neighbours_are_written_by_one_call_and_keep_their_order()
    {
        byte[][] good = [.. Enumerable.Range(0, 5).Select(i => TestPackets.Udp(Peer, Own, i))];
        Receive(good[0], good[1], [9], good[2], TestPackets.Udp("10.42.0.6", Own), good[3], good[4]);
        Assert.Equal(good, _fixture.Device.Written);
        Assert.Equal([2, 1, 2], _fixture.Device.WriteRuns);
        AssertDrops((DropReason.Malformed, 1), (DropReason.SourceNotAllowed, 1));
    }

    [Fact]
    public void Networks_of_one_connection_stay_apart()
    {
        using var lab = new ForwardingFixture();
        (PeerPort labPort, _) = lab.AddPeer(5);
        labPort.AllowedSources = Set("10.43.0.5/32");
        lab.SetRoutes(["10.43.0.1/32"], []);
        var from = new InboundPort([(0, _port), (1, labPort)]);
        byte[] corp = TestPackets.Udp(Peer, Own);
        byte[] other = TestPackets.Udp("10.43.0.5", "10.43.0.1");

        _fixture.Batch.Clear();
        (byte[], ushort)[] sent = [(corp, 0), (other, 1), (corp, 1), (other, 0), (corp, 0)];
        foreach ((byte[] packet, ushort number) in sent)
            Assert.True(_fixture.Batch.TryAdd(packet, number));
        _path.Process(from, _fixture.Batch);

        Assert.Equal([corp, corp], _fixture.Device.Written);
        Assert.Equal([other], lab.Device.Written);
        AssertDrops((DropReason.SourceNotAllowed, 1));
        Assert.Equal(1, lab.Network.ReceivedDrops[DropReason.SourceNotAllowed]);
    }

    [Fact]
    public void What_the_kernel_refuses_is_counted()
    {
        _fixture.Device.Accepts = count => count - 1;
        Receive(TestPackets.Udp(Peer, Own), TestPackets.Udp(Peer, Own), TestPackets.Udp(Peer, Own));
        AssertDrops((DropReason.DeviceRefused, 1));
        Assert.Equal(2, _fixture.Network.Received.Packets);
    }

    [Fact]
    public void A_closed_network_takes_nothing()
    {
        _fixture.Network.Close();
        Receive(TestPackets.Udp(Peer, Own));
        AssertDrops((DropReason.DeviceRefused, 1));
        Assert.Equal(0, _fixture.Device.WrittenCount);
    }

    [Fact]
    public async Task Two_connections_never_write_to_a_device_at_once()
    {
        _fixture.Device.OnWrite = () => Thread.SpinWait(200);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var batch = new PacketBatch(4, 4096);
            batch.TryAdd(TestPackets.Udp(Peer, Own), Number);
            for (int i = 0; i < 2_000; i++)
                _path.Process(_from, batch);
        }, TestContext.Current.CancellationToken)));
        Assert.False(_fixture.Device.WritersOverlapped);
        Assert.Equal(8_000, _fixture.Device.WrittenCount);
        Assert.Equal(8_000, _fixture.Network.Received.Packets);
    }

    [Fact]
    public void A_segment_size_beyond_the_mtu_is_lowered_on_the_way_in()
    {
        _fixture.TcpMtu = 1380;
        _fixture.SetRoutes();
        byte[] udp = TestPackets.Udp(Peer, Own);
        Receive(
            TestPackets.Syn(Peer, Own, MssClampTests.Mss(1460)), udp, TestPackets.Syn(Peer6, Own6, MssClampTests.Mss(1440)));
        Assert.Equal(
            [
                TestPackets.Syn(Peer, Own, MssClampTests.Mss(1340)), udp,
                TestPackets.Syn(Peer6, Own6, MssClampTests.Mss(1320)),
            ],
            _fixture.Device.Written);
        Assert.Equal([3], _fixture.Device.WriteRuns);
    }

    [Fact]
    public void A_partial_checksum_is_completed_over_the_lowered_segment_size()
    {
        _fixture.TcpMtu = 1380;
        _fixture.SetRoutes();
        _fixture.Batch.Clear();
        Assert.True(_fixture.Batch.TryAdd(
            TestPackets.WithPartialChecksum(TestPackets.Syn(Peer, Own, MssClampTests.Mss(1460)), 20), Number,
            new PacketOffload(OffloadKind.None, 0, ChecksumState.Partial, 0, 0)));
        _path.Process(_from, _fixture.Batch);
        Assert.Equal([TestPackets.Syn(Peer, Own, MssClampTests.Mss(1340))], _fixture.Device.Written);
    }

    [Fact]
    public void A_packet_that_fails_a_check_is_not_written_into()
    {
        _fixture.TcpMtu = 1380;
        _fixture.SetRoutes();
        byte[] foreign = TestPackets.Syn("10.42.0.6", Own, MssClampTests.Mss(1460));
        byte[] astray = TestPackets.Syn(Peer, "10.42.0.9", MssClampTests.Mss(1460));
        Receive(foreign, astray);
        AssertDrops((DropReason.SourceNotAllowed, 1), (DropReason.DestinationNotLocal, 1));
        Assert.Equal([foreign, astray], [_fixture.Batch.Packet(0).ToArray(), _fixture.Batch.Packet(1).ToArray()]);
    }

    private static PrefixSet Set(params string[] prefixes) => PrefixSet.Of([.. prefixes.Select(IpPrefix.Parse)]);

    private void Receive(params byte[][] packets)
    {
        _fixture.Batch.Clear();
        foreach (byte[] packet in packets)
            Assert.True(_fixture.Batch.TryAdd(packet, Number));
        _path.Process(_from, _fixture.Batch);
    }

    private void AssertDrops(params (DropReason Reason, long Count)[] expected)
    {
        Assert.Equal(
            expected.Select(drop => KeyValuePair.Create(drop.Reason, drop.Count)),
            DropCounters.Sum(_fixture.Network.ReceivedDrops));
        Assert.Empty(DropCounters.Sum(_path.Drops));
    }
}
