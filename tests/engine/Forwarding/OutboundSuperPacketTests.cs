using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

/// <summary>Super packets on their way out, and the flow numbers that queues go by.</summary>
public sealed class OutboundSuperPacketTests : IDisposable
{
    private const string Own = "10.42.0.1";

    private readonly ForwardingFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    public void Is_looked_up_and_sent_once_and_counted_as_what_it_stands_for(byte protocol)
    {
        (PeerPort port, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        Segments super = Super(protocol, 10_001);
        Send((super.BuildPartial(), super.Facts(1_000)), (TestPackets.Udp(Own, "10.42.0.9"), default));

        Assert.Equal((1, 2), (_fixture.Lookup.Calls, _fixture.Lookup.Keys));
        Assert.Equal([2], connection.SendRuns);
        Assert.Equal(super.BuildPartial(), connection.Sent[0].Bytes);
        Assert.Equal(super.Facts(1_000), _fixture.Batch.OffloadOf(0));
        Assert.Equal((12, _fixture.Batch.TotalBytes), (_fixture.Network.Sent.Packets, _fixture.Network.Sent.Bytes));
        Assert.Equal((12, _fixture.Batch.TotalBytes), (port.Sent.Packets, port.Sent.Bytes));
    }

    [Theory]
    [InlineData("10.99.0.9", DropReason.NoRoute)]
    [InlineData("10.42.9.9", DropReason.NoSession)]
    [InlineData("10.42.0.9", DropReason.QueueFull)]
    [InlineData("10.42.0.9", DropReason.TooBig)]
    public void That_goes_nowhere_is_counted_as_what_it_stands_for(string destination, DropReason reason)
    {
        (_, FakeTransportConnection connection) = _fixture.AddPeer(1);
        _fixture.AddPeer(2, number: null);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("10.42.9.0/24", [2]));
        connection.Refuses = _ => reason;
        Segments super = Super(6, 5_000) with { Destination = destination };
        Send((super.BuildPartial(), super.Facts(1_000)));
        Assert.Equal([KeyValuePair.Create(reason, 5L)], DropCounters.Sum(_fixture.Network.SentDrops));
        Assert.Equal(0, _fixture.Network.Sent.Packets);
    }

    [Fact]
    public void That_does_not_fit_its_own_facts_counts_as_one()
    {
        _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        Segments super = Super(6, 5_000);
        Send((super.BuildPartial(), super.Facts(1_000) with { Kind = OffloadKind.TcpV6 }));
        Assert.Equal(1, _fixture.Network.Sent.Packets);
    }

    [Fact]
    public void Packets_of_one_flow_have_one_number_and_others_another()
    {
        _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]), ("fd00:42::/32", [1]));
        Segments super = Super(6, 5_000) with { SourcePort = 7 };
        Segments more = super with { Sequence = super.Sequence + 5_000, Payload = new byte[10] };
        Send(
            (super.BuildPartial(), super.Facts(1_000)),
            (more.BuildPartial(), more.Facts()),
            (more.Build(), default),
            ((more with { SourcePort = 8 }).Build(), default),
            ((more with { Protocol = 17 }).Build(), default),
            (TestPackets.Udp("fd00:42::1", "fd00:42::9"), default));
        ushort[] flows = [.. Enumerable.Range(0, 6).Select(_fixture.Batch.FlowOf)];
        Assert.Equal([flows[0], flows[0], flows[0]], flows[..3]);
        Assert.Equal(4, flows.Distinct().Count());
    }

    [Fact]
    public void Fragments_of_a_datagram_have_one_number()
    {
        _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        byte[] datagram = TestPackets.Udp(Own, "10.42.0.9");
        Send(
            (TestPackets.WithFragment([.. datagram], more: true), default), (TestPackets.WithFragment([.. datagram], offset: 5), default));
        Assert.Equal(_fixture.Batch.FlowOf(0), _fixture.Batch.FlowOf(1));
    }

    [Fact]
    public void Flows_spread_over_the_rings_of_a_queue()
    {
        _fixture.AddPeer(1);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
        int[] rings = new int[16];
        for (ushort port = 0; port < 1_600; port += 16)
        {
            Send([.. Enumerable.Range(port, 16).Select(i => (TestPackets.Udp(Own, "10.42.0.9", 8, (ushort)i), default(PacketOffload)))]);
            for (int slot = 0; slot < 16; slot++)
                rings[_fixture.Batch.FlowOf(slot) % 16]++;
        }
        Assert.All(rings, count => Assert.InRange(count, 60, 140));
    }

    [Fact]
    public void Nothing_is_allocated_per_super_packet()
    {
        using var fixture = new ForwardingFixture(records: false);
        fixture.AddPeer(1, records: false);
        fixture.SetRoutes(("10.42.0.0/16", [1]));
        Segments super = Super(6, 50_000);
        Assert.True(fixture.Batch.TryAdd(super.BuildPartial(), offload: super.Facts(1_300)));
        Assert.True(fixture.Batch.TryAdd(super.BuildPartial(), offload: super.Facts(900)));
        long before = 0;
        for (int round = 0; round < 1_200; round++)
        {
            if (round == 200)
                before = GC.GetAllocatedBytesForCurrentThread();
            fixture.Path.Process(fixture.Batch);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1_200 * (39 + 56), fixture.Network.Sent.Packets);
    }

    private static Segments Super(byte protocol, int payload) => new()
    {
        Protocol = protocol, Source = Own, Destination = "10.42.0.9", Payload = new byte[payload],
    };

    private void Send(params (byte[] Packet, PacketOffload Facts)[] packets)
    {
        _fixture.Batch.Clear();
        foreach ((byte[] packet, PacketOffload facts) in packets)
            Assert.True(_fixture.Batch.TryAdd(packet, offload: facts));
        _fixture.Path.Process(_fixture.Batch);
    }
}
