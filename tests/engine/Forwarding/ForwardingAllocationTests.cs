using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Prefixes;

namespace VibePN.Engine.Tests.Forwarding;

public sealed class ForwardingAllocationTests
{
    private const string Own = "10.42.0.1";
    private const string Peer = "10.42.0.5";

    [Fact]
    public void The_way_out_allocates_nothing_per_packet()
    {
        using var fixture = new ForwardingFixture(records: false);
        fixture.AddPeer(1, records: false);
        fixture.AddPeer(2, records: false);
        fixture.AddPeer(3, number: null);
        fixture.SetRoutes(
            ("10.42.1.0/24", [1]), ("10.42.2.0/24", [1, 2]), ("10.42.3.0/24", [3]), ("fd00:42::/32", [2]));
        fixture.Fill(
            TestPackets.Udp(Own, "10.42.1.9"),
            TestPackets.Tcp(Own, "10.42.2.9", 60_000),
            TestPackets.Udp(Own, "10.42.3.9"), // answered
            TestPackets.Udp("fd00:42::1", "fd00:42::9"),
            TestPackets.Udp(Own, "10.99.0.9"), // answered
            TestPackets.Udp(Own, "224.0.0.1"),
            [1, 2, 3]);

        Assert.Equal(0, AllocatedBy(() => fixture.Path.Process(fixture.Batch)));
        Assert.True(fixture.Device.WrittenCount > 0);
        Assert.True(fixture.Network.Sent.Packets > 3_000);
    }

    [Fact]
    public void The_way_in_allocates_nothing_per_packet()
    {
        using var fixture = new ForwardingFixture(records: false);
        (PeerPort port, _) = fixture.AddPeer(1);
        port.AllowedSources = PrefixSet.Of([IpPrefix.Parse("10.42.0.5/32"), IpPrefix.Parse("fd00:42::5/128")]);
        fixture.SetRoutes();
        fixture.Fill(
            TestPackets.Udp(Peer, Own),
            TestPackets.Tcp(Peer, Own, 60_000),
            TestPackets.Udp("10.42.0.6", Own),
            TestPackets.Udp("fd00:42::5", "fd00:42::1"),
            TestPackets.Udp(Peer, "10.42.0.9"),
            [1, 2, 3]);
        var path = new InboundPath();
        var from = new InboundPort([(0, port)]);

        Assert.Equal(0, AllocatedBy(() => path.Process(from, fixture.Batch)));
        Assert.True(fixture.Device.WrittenCount > 3_000);
    }

    private static long AllocatedBy(Action process)
    {
        for (int i = 0; i < 200; i++)
            process(); // warm up
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            process();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
