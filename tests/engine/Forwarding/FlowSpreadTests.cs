using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

public sealed class FlowSpreadTests : IDisposable
{
    private readonly ForwardingFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void One_flow_stays_on_one_hop()
    {
        (_, FakeTransportConnection one) = _fixture.AddPeer(1);
        (_, FakeTransportConnection two) = _fixture.AddPeer(2);
        _fixture.SetRoutes(("10.42.0.0/16", [1, 2]));
        for (int i = 0; i < 20; i++)
            _fixture.Send(TestPackets.Udp("10.42.0.1", "10.42.0.9", payload: i, sourcePort: 5));
        Assert.True(one.SentCount == 0 || two.SentCount == 0);
        Assert.Equal(20, one.SentCount + two.SentCount);
    }

    [Fact]
    public void Flows_spread_by_weight()
    {
        (_, FakeTransportConnection heavy) = _fixture.AddPeer(1);
        (_, FakeTransportConnection light) = _fixture.AddPeer(2);
        NextHop[] hops = [new(ForwardingFixture.Id(1), 3), new(ForwardingFixture.Id(2), 1)];
        _fixture.SetRoutes([], [("10.42.0.0/16", hops)]);
        SendFlows(4_000);
        Assert.InRange(heavy.SentCount, 2_850, 3_150);
        Assert.Equal(4_000, heavy.SentCount + light.SentCount);
    }

    [Fact]
    public void When_a_hop_goes_only_its_flows_move_and_they_return_with_it()
    {
        var connections = new FakeTransportConnection[3];
        var ports = new PeerPort[3];
        for (byte i = 0; i < 3; i++)
            (ports[i], connections[i]) = _fixture.AddPeer(i);
        _fixture.SetRoutes(("10.42.0.0/16", [0, 1, 2]));

        ushort[][] before = FlowsOf(connections);
        ActiveConnection? active = ports[1].Active;
        ports[1].Active = null;
        ushort[][] without = FlowsOf(connections);
        ports[1].Active = active;
        ushort[][] after = FlowsOf(connections);

        Assert.All(before, flows => Assert.True(flows.Length > 200));
        Assert.Empty(without[1]);
        Assert.Empty(before[0].Except(without[0]));
        Assert.Empty(before[2].Except(without[2]));
        Assert.Equal(1_000, without[0].Length + without[2].Length);
        Assert.Equal(before, after);
    }

    [Fact]
    public void All_fragments_of_a_datagram_go_one_way()
    {
        (_, FakeTransportConnection one) = _fixture.AddPeer(1);
        (_, FakeTransportConnection two) = _fixture.AddPeer(2);
        _fixture.SetRoutes(("10.42.0.0/16", [1, 2]));
        for (ushort flow = 0; flow < 50; flow++)
        {
            byte[] datagram = TestPackets.Udp("10.42.0.1", "10.42.0.9", 32, sourcePort: flow);
            _fixture.Send(
                TestPackets.WithFragment([.. datagram], more: true),
                TestPackets.WithFragment([.. datagram], offset: 5));
        }
        Assert.True(one.SentCount == 0 || two.SentCount == 0);
        Assert.Equal(100, one.SentCount + two.SentCount);
    }

    private void SendFlows(int count)
    {
        for (int flow = 0; flow < count; flow++)
            _fixture.Send(TestPackets.Udp("10.42.0.1", "10.42.0.9", 8, sourcePort: (ushort)flow));
    }

    private ushort[][] FlowsOf(FakeTransportConnection[] connections)
    {
        int[] before = [.. connections.Select(connection => connection.SentCount)];
        SendFlows(1_000);
        return
        [
            .. connections.Select((connection, i) => connection.Sent.Skip(before[i])
                .Select(sent => (ushort)((sent.Bytes[20] << 8) | sent.Bytes[21])).ToArray()),
        ];
    }
}
