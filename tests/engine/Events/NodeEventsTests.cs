using VibePN.Engine.Events;
using VibePN.Engine.Tests.Node;

namespace VibePN.Engine.Tests.Events;

public sealed class NodeEventsTests
{
    [Fact]
    public async Task A_node_tells_of_its_networks_peers_and_routes()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        string[] told = Told(lab[0]);
        Assert.Equal(["network.up corp", "network.up lab"], told.Where(one => one.StartsWith("network.", StringComparison.Ordinal)));
        Assert.Contains("peer.up node2", told);
        Assert.Contains("route.added corp 10.42.0.2/32 node2", told);
        Assert.DoesNotContain(told, one => one.StartsWith("route.withdrawn", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_peer_that_leaves_takes_its_routes_along()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        long before = lab[0].Events.Last;
        await lab[1].StopAsync();
        await NodeLab.UntilAsync(
            () => lab[0].Events.Read(before).Events.Any(one => one.Kind == EventKinds.PeerDown)
                && Told(lab[0]).Contains("route.withdrawn corp 10.42.0.2/32 node2"),
            "the loss of the peer and of its route to be told");
        NodeEvent down = lab[0].Events.Read(before).Events.First(one => one.Kind == EventKinds.PeerDown);
        Assert.Equal("node2", down.Facts.Peer);
        Assert.NotEmpty(down.Facts.Reason);
    }

    [Fact]
    public async Task A_lost_interface_is_told_and_its_routes_are_not_told_again()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        long before = lab[0].Events.Last;
        lab[0].Device("corp").Lose("gone");
        await NodeLab.UntilAsync(
            () => lab[0].Events.Read(before).Events.Any(one => one.Kind == EventKinds.NetworkUp), "the interface to be made again");
        string[] told = [.. lab[0].Events.Read(before).Events.Select(one => one.Kind)];
        Assert.Equal(EventKinds.NetworkDown, told[0]);
        Assert.DoesNotContain(EventKinds.RouteAdded, told);
    }

    private static string[] Told(LabEngine node) =>
    [
        .. node.Events.Read(0, EventRing.Capacity).Events
            .Select(one => string.Join(' ', new[] { one.Kind, one.Facts.Network, one.Facts.Prefix, one.Facts.Peer }.Where(part => part.Length > 0))),
    ];
}
