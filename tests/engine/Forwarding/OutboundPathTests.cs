using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Packets;
using VibePN.Engine.Tests.Packets;
using VibePN.Engine.Time;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

public sealed class OutboundPathTests : IDisposable
{
    private const string Own = "10.42.0.1";

    private readonly ForwardingFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void A_packet_goes_to_the_peer_of_the_longest_prefix_with_our_number_for_it()
    {
        (PeerPort port, FakeTransportConnection wide) = _fixture.AddPeer(1, number: 3);
        (_, FakeTransportConnection narrow) = _fixture.AddPeer(2, number: 4);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("10.42.7.0/24", [2]), ("fd00:42::/32", [1]));
        byte[] first = TestPackets.Udp(Own, "10.42.0.9");
        byte[] second = TestPackets.Udp("fd00:42::1", "fd00:42::9");
        byte[] third = TestPackets.Udp(Own, "10.42.7.9");

        _fixture.Send(first, second, third);

        Assert.Equal([3, 3], wide.Sent.Select(sent => sent.Network));
        Assert.Equal([first, second], wide.Sent.Select(sent => sent.Bytes));
        Assert.Equal([4], narrow.Sent.Select(sent => sent.Network));
        Assert.Equal([third], narrow.Sent.Select(sent => sent.Bytes));
        Assert.Equal((3L, first.Length + second.Length + (long)third.Length),
            (_fixture.Network.Sent.Packets, _fixture.Network.Sent.Bytes));
        Assert.Equal((2L, first.Length + (long)second.Length), (port.Sent.Packets, port.Sent.Bytes));
        Assert.Empty(DropCounters.Sum(_fixture.Network.SentDrops));
    }

    [Fact]
    public void Neighbours_for_one_connection_are_sent_by_one_call_and_keep_their_order()
    {
        (_, FakeTransportConnection one) = _fixture.AddPeer(1);
        (_, FakeTransportConnection two) = _fixture.AddPeer(2);
        _fixture.SetRoutes(("10.42.1.0/24", [1]), ("10.42.2.0/24", [2]));
        byte[][] packets = [.. "1122211".Select((c, i) => TestPackets.Udp(Own, $"10.42.{c}.{i}", 8 + i))];

        _fixture.Send(packets);

        Assert.Equal([2, 2], one.SendRuns);
        Assert.Equal([3], two.SendRuns);
        Assert.Equal([packets[0], packets[1], packets[5], packets[6]], one.Sent.Select(sent => sent.Bytes));
        Assert.Equal([packets[2], packets[3], packets[4]], two.Sent.Select(sent => sent.Bytes));
    }

    [Fact]
    public void A_batch_is_one_call_to_the_lookup_and_a_super_packet_one_key()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));

        _fixture.Send(TestPackets.Tcp(Own, "10.42.0.9", 60_000), TestPackets.Udp(Own, "10.42.0.9"), [1, 2, 3]);

        Assert.Equal((1, 2), (_fixture.Lookup.Calls, _fixture.Lookup.Keys));
        Assert.Equal(2, connection.SentCount);
        Assert.Equal(2, _fixture.Network.Sent.Packets);
    }

    [Fact]
    public void Malformed_packets_are_counted_and_their_neighbours_sent()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        byte[] good = TestPackets.Udp(Own, "10.42.0.9");

        _fixture.Send([0x45], good, good[..^1], good);

        AssertDrops((DropReason.Malformed, 2));
        Assert.Equal(2, connection.SentCount);
        Assert.Empty(_fixture.Device.Written);
    }

    [Fact]
    public void Multicast_and_broadcast_are_counted_and_never_answered()
    {
        _fixture.Send(
            TestPackets.Udp(Own, "224.0.0.251"),
            TestPackets.Udp(Own, "255.255.255.255"),
            TestPackets.Udp("fd00:42::1", "ff02::fb"));
        AssertDrops((DropReason.NotUnicast, 3));
        Assert.Empty(_fixture.Device.Written);
    }

    [Fact]
    public void A_packet_to_an_address_of_our_own_never_leaves()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("fd00:42::/32", [1]));
        _fixture.Send(TestPackets.Udp("10.42.0.9", Own), TestPackets.Udp("fd00:42::9", "fd00:42::1"));
        AssertDrops((DropReason.BackToSender, 2));
        Assert.Equal(0, connection.SentCount);
    }

    [Fact]
    public void A_packet_without_a_route_is_answered_with_no_route()
    {
        byte[] v4 = TestPackets.Udp(Own, "10.99.0.9");
        byte[] v6 = TestPackets.Udp("fd00:42::1", "fd00:99::9");
        _fixture.Send(v4, v6);
        AssertDrops((DropReason.NoRoute, 2));
        Assert.Equal([(3, 0), (1, 0)], Answers());
        AssertFromTo(_fixture.Device.Written[0], "10.99.0.9", Own);
        AssertFromTo(_fixture.Device.Written[1], "fd00:99::9", "fd00:42::1");
    }

    [Fact]
    public void A_packet_to_a_peer_that_is_away_is_answered_with_host_unreachable()
    {
        _fixture.AddPeer(1, number: null);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("fd00:42::/32", [1]));
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"), TestPackets.Udp("fd00:42::1", "fd00:42::9"));
        AssertDrops((DropReason.NoSession, 2));
        Assert.Equal([(3, 1), (1, 3)], Answers());
    }

    [Fact]
    public void A_next_hop_that_is_no_member_is_no_route()
    {
        _fixture.SetRoutes(("10.42.0.0/16", [9]));
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"));
        AssertDrops((DropReason.NoRoute, 1));
    }

    [Fact]
    public void A_lookup_that_answers_nonsense_is_no_route()
    {
        _fixture.Install(new NonsenseLookup());
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"));
        AssertDrops((DropReason.NoRoute, 1));
    }

    [Fact]
    public void A_packet_too_big_for_the_path_is_answered_and_its_neighbours_sent()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("fd00:42::/32", [1]));
        connection.Path = connection.Path with { MaxPacketBytes = 1300 };
        connection.Refuses = packet => packet.Length > 1300 ? DropReason.TooBig : DropReason.None;
        byte[] small = TestPackets.Udp(Own, "10.42.0.9");
        byte[] big = TestPackets.WithFragment(TestPackets.Udp(Own, "10.42.0.9", 1350), dontFragment: true);

        _fixture.Send(small, big, small, TestPackets.Udp("fd00:42::1", "fd00:42::9", 1330), small);

        AssertDrops((DropReason.TooBig, 2));
        Assert.Equal(3, connection.SentCount);
        Assert.Equal([(3, 4), (2, 0)], Answers());
        Assert.Equal([1300 >> 8, 1300 & 0xFF], _fixture.Device.Written[0][26..28]);
        Assert.Equal([1300 >> 8, 1300 & 0xFF], _fixture.Device.Written[1][46..48]);
    }

    [Theory]
    [InlineData(DropReason.QueueFull)]
    [InlineData(DropReason.ConnectionClosed)]
    [InlineData(DropReason.QueueDelay)]
    public void Any_other_refusal_ends_the_run_in_one_call(DropReason refusal)
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        int taken = 0;
        connection.Refuses = _ => taken++ < 2 ? DropReason.None : refusal;

        _fixture.Send([.. Enumerable.Range(0, 10).Select(i => TestPackets.Udp(Own, "10.42.0.9", i))]);

        AssertDrops((refusal, 8));
        Assert.Equal([10], connection.SendRuns);
        Assert.Equal(2, _fixture.Network.Sent.Packets);
    }

    [Fact]
    public void A_connection_that_refuses_without_a_reason_counts_as_full()
    {
        var port = new PeerPort(ForwardingFixture.Id(1), _fixture.Network)
        {
            Active = new ActiveConnection(new FaultyConnection(), 0),
        };
        var lookup = new ForwardingFixture.FakeLookup(
            [new(IpPrefix.Parse("10.42.0.0/16"), 1)], [new NextHopGroup([new NextHop(port.Peer)])]);
        _fixture.Network.Table = ForwardingTable.Create(
            lookup, new Dictionary<Fingerprint, PeerPort> { [port.Peer] = port }, [], []);
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"), TestPackets.Udp(Own, "10.42.0.9"));
        AssertDrops((DropReason.QueueFull, 2));
    }

    [Fact]
    public void A_connection_that_was_swapped_gets_the_next_batch()
    {
        (PeerPort port, FakeTransportConnection old) = _fixture.AddPeer(1, number: 1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"));
        var fresh = new FakeTransportConnection();
        port.Active = new ActiveConnection(fresh, 7);
        _fixture.Send(TestPackets.Udp(Own, "10.42.0.9"));
        Assert.Equal([1], old.Sent.Select(sent => sent.Network));
        Assert.Equal([7], fresh.Sent.Select(sent => sent.Network));
    }

    [Fact]
    public void Answers_are_limited_by_rate_and_each_kind_has_its_own()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        connection.Refuses = _ => DropReason.TooBig;
        byte[] lost = TestPackets.Udp(Own, "10.99.0.9");
        byte[] big = TestPackets.WithFragment(TestPackets.Udp(Own, "10.42.0.9", 1350), dontFragment: true);
        for (int i = 0; i < 10; i++)
            _fixture.Send([.. Enumerable.Repeat(lost, 50)]);
        Assert.Equal(50, _fixture.Device.WrittenCount);
        _fixture.Send(big);
        Assert.Equal(51, _fixture.Device.WrittenCount);
        AssertDrops((DropReason.NoRoute, 500), (DropReason.TooBig, 1));

        _fixture.Now += TimeSpan.FromMilliseconds(100); // 100 a second
        _fixture.Send([.. Enumerable.Repeat(lost, 50)]);
        Assert.Equal(61, _fixture.Device.WrittenCount);
    }

    [Fact]
    public void An_answer_the_device_refuses_is_counted()
    {
        _fixture.Device.Accepts = _ => 0;
        _fixture.Send(TestPackets.Udp(Own, "10.99.0.9"));
        AssertDrops((DropReason.NoRoute, 1), (DropReason.DeviceRefused, 1));
    }

    [Fact]
    public void A_segment_size_beyond_the_mtu_is_lowered_on_the_way_out()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.TcpMtu = 1380;
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("fd00:42::/32", [1]));
        byte[] udp = TestPackets.Udp(Own, "10.42.0.9");
        _fixture.Send(
            TestPackets.Syn(Own, "10.42.0.9", MssClampTests.Mss(1460)), udp,
            TestPackets.Syn("fd00:42::1", "fd00:42::9", MssClampTests.Mss(1440)));
        Assert.Equal(
            [
                TestPackets.Syn(Own, "10.42.0.9", MssClampTests.Mss(1340)), udp,
                TestPackets.Syn("fd00:42::1", "fd00:42::9", MssClampTests.Mss(1320)),
            ],
            connection.Sent.Select(sent => sent.Bytes));
    }

    [Fact]
    public void A_partial_checksum_stays_when_the_segment_size_is_lowered_on_the_way_out()
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.TcpMtu = 1380;
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        byte[] syn = TestPackets.WithPartialChecksum(TestPackets.Syn(Own, "10.42.0.9", MssClampTests.Mss(1460)), 20);
        _fixture.Batch.Clear();
        Assert.True(_fixture.Batch.TryAdd(syn, offload: new PacketOffload(OffloadKind.None, 0, ChecksumState.Partial, 20, 16)));
        _fixture.Path.Process(_fixture.Batch);
        byte[] sent = Assert.Single(connection.Sent).Bytes;
        Assert.Equal([.. syn[..42], 1340 >> 8, 1340 & 0xFF], sent);
    }

    private void AssertDrops(params (DropReason Reason, long Count)[] expected) => Assert.Equal(
        expected.Select(drop => KeyValuePair.Create(drop.Reason, drop.Count)),
        DropCounters.Sum(_fixture.Network.SentDrops));

    private IEnumerable<(int Type, int Code)> Answers() => _fixture.Device.Written.Select(
        answer => answer[0] >> 4 == 4 ? ((int)answer[20], (int)answer[21]) : (answer[40], answer[41]));

    private static void AssertFromTo(byte[] packet, string from, string to)
    {
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out _));
        Assert.Equal((IpAddress.Parse(from), IpAddress.Parse(to)), (key.Source, key.Destination));
    }

    private sealed class NonsenseLookup : IRouteLookup
    {
        public ImmutableArray<NextHopGroup> Groups { get; } = [new NextHopGroup([])];

        public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups) => groups.Fill(60_000);
    }

    private sealed class FaultyConnection : ITransportConnection
    {
        public long Id => 0;

        public ConnectionRole Role => ConnectionRole.Initiator;

        public Fingerprint Peer => default;

        public string Protocol => "";

        public PathFacts Path => new(new(0, 0), TimeSpan.Zero, 0, 0, 0);

        public ReadOnlyMemory<byte> ChannelBinding => default;

        public bool SendControl(ReadOnlySpan<byte> bytes) => false;

        public SendResult Send(PacketBatch batch, int first, int count) => new(-7, DropReason.None);

        public void Close(CloseReason reason)
        {
        }

        public ConnectionStatistics GetStatistics() => default;
    }
}
