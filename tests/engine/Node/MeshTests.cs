using VibePN.Contracts;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>What an operator expects of nodes that list each other.</summary>
public sealed class MeshTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Packets_pass_both_ways_in_every_network_and_family(int count)
    {
        await using var lab = NodeLab.Mesh(count);
        await lab.StartAndMeetAsync();
        for (int from = 0; from < count; from++)
        {
            for (int to = 0; to < count; to++)
            {
                if (from == to)
                    continue;
                await lab[from].SendAsync(lab[to], "corp");
                await lab[from].SendAsync(lab[to], "lab", v6: true);
            }
        }
        Assert.Empty(lab[0].Lines.From(Microsoft.Extensions.Logging.LogLevel.Warning));
    }

    [Fact]
    public async Task Host_routes_appear_with_a_peer_and_go_with_it()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        string[] prefixes = [.. (await lab[0].StatusAsync()).Routes.Select(route => $"{route.Network} {route.Candidate.Prefix}").Order(StringComparer.Ordinal)];
        Assert.Equal(["corp 10.42.0.2/32", "corp fd42::2/128", "lab 10.43.0.2/32", "lab fd43::2/128"], prefixes);
        await lab[1].StopAsync();
        // Where both dialled at once, the connection that was being drained may be there for a moment longer.
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Routes.IsEmpty && status.Peers[0].Connections == 0, "no routes and no connection");
        Assert.NotEqual("up", status.Peers[0].State);
    }

    [Fact]
    public async Task What_a_node_originates_reaches_the_kernel_of_its_peers_and_carries_packets()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[0].Configuration = lab[0].Configuration with
        {
            Networks = [lab[0].Configuration.Networks[0] with { Originate = [IpPrefix.Parse("192.168.7.0/24")] }, lab[0].Configuration.Networks[1]],
        };
        await lab.StartAndMeetAsync();
        await NodeLab.UntilAsync(
            () => lab[1].Device("corp").Configuration!.Routes.SequenceEqual([IpPrefix.Parse("192.168.7.0/24")]), "kernel route");
        Assert.Empty(lab[1].Device("lab").Configuration!.Routes);
        await lab[1].SendAsync(lab[0], "corp", destination: "192.168.7.99");
        await lab[0].StopAsync();
        await NodeLab.UntilAsync(() => lab[1].Device("corp").Configuration!.Routes.Count == 0, "kernel route gone");
    }

    [Fact]
    public async Task Without_export_nothing_is_announced()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[0].Configuration = lab[0].Configuration with
        {
            Networks = [lab[0].Configuration.Networks[0] with { Export = false }, lab[0].Configuration.Networks[1]],
        };
        await lab.StartAsync();
        EngineStatus status = await lab[1].UntilAsync(status => status.Routes.Length == 2, "the routes of lab");
        Assert.All(status.Routes, route => Assert.Equal("lab", route.Network));
        await lab[0].UntilAsync(status => status.Routes.Length == 4, "all routes of node2");
    }

    [Fact]
    public async Task A_peer_that_is_no_member_gets_nothing_and_sends_nothing()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[0].Configuration = lab[0].Configuration with { Peers = [lab[1].AsPeer("corp")] };
        await lab.StartAsync();
        await lab[1].UntilAsync(status => status.Routes.Length == 2, "the routes of corp");
        EngineStatus status = await lab[0].UntilAsync(status => status.Routes.Length == 2, "the routes of corp");
        Assert.All(status.Routes, route => Assert.Equal("corp", route.Network));
        Assert.Equal([1, 0], status.Networks.Select(network => network.PeersUp));
        // The other side believes that its peer is a member, and knows better than to count it as up.
        Assert.Equal([1, 0], (await lab[1].StatusAsync()).Networks.Select(network => network.PeersUp));
        lab[1].Device("lab").Arrive(TestPackets.Udp("10.43.0.2", "10.43.0.1"));
        await lab[1].UntilAsync(
            status => status.Networks[1].Drops.Any(drop => drop.Key == DropReason.NoRoute && drop.Value == 1), "a drop");
        Assert.Empty(lab[0].Device("lab").Written);
    }

    [Fact]
    public async Task A_source_that_is_not_the_senders_is_dropped_and_counted()
    {
        await using var lab = NodeLab.Mesh(3);
        await lab.StartAndMeetAsync();
        foreach (string source in new[] { "10.42.0.3", "10.42.0.1", "10.42.0.77", "8.8.8.8" })
            lab[1].Device("corp").Arrive(TestPackets.Udp(source, "10.42.0.1"));
        await lab[0].UntilAsync(
            status => status.Networks[0].Drops.Contains(KeyValuePair.Create(DropReason.SourceNotAllowed, 4L)), "four drops");
        Assert.Empty(lab[0].Device("corp").Written);
    }

    [Fact]
    public async Task A_peer_that_leaves_takes_nothing_of_another_with_it()
    {
        await using var lab = NodeLab.Mesh(3);
        for (int i = 1; i < 3; i++)
        {
            lab[i].Configuration = lab[i].Configuration with
            {
                Networks = [lab[i].Configuration.Networks[0] with { Originate = [IpPrefix.Parse("192.168.7.0/24")] }, lab[i].Configuration.Networks[1]],
            };
        }
        await lab.StartAndMeetAsync();
        await lab[0].UntilAsync(status => status.Routes.Count(route => !route.Candidate.Prefix.IsHost) == 2, "both ways");
        await lab[2].StopAsync();
        await lab[0].UntilAsync(status => status.Routes.Length == 5, "one way");
        await lab[0].SendAsync(lab[1], "corp", destination: "192.168.7.1");
        Assert.Equal([IpPrefix.Parse("192.168.7.0/24")], lab[0].Device("corp").Configuration!.Routes);
    }

    [Fact]
    public async Task A_peer_cannot_pull_the_packets_of_another_network_over_to_it()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[1].Configuration = lab[1].Configuration with
        {
            Networks = [lab[1].Configuration.Networks[0] with { Originate = [IpPrefix.Parse("10.43.0.0/28"), IpPrefix.Parse("192.168.7.0/24")] }, lab[1].Configuration.Networks[1]],
        };
        await lab.StartAndMeetAsync();
        await NodeLab.UntilAsync(() => lab[0].Device("corp").Configuration!.Routes.Count > 0, "a kernel route");
        Assert.Equal([IpPrefix.Parse("192.168.7.0/24")], lab[0].Device("corp").Configuration!.Routes);
    }

    [Fact]
    public async Task Dials_that_cross_end_with_one_connection_that_carries_packets_a_hundred_times()
    {
        for (int round = 0; round < 5; round++)
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CrossAsync()));

        static async Task CrossAsync()
        {
            await using var lab = NodeLab.Mesh(2);
            lab.Wire.HandshakeTime = TimeSpan.FromMilliseconds(200);
            await lab.StartAndMeetAsync();
            await lab[0].SendAsync(lab[1], "corp");
            await lab[1].SendAsync(lab[0], "corp");
            await NodeLab.UntilAsync(
                () => lab[0].Transport.Connections.Count == 1 && lab[1].Transport.Connections.Count == 1, "one connection");
            await lab[0].SendAsync(lab[1], "lab");
        }
    }

    [Fact]
    public async Task A_restarted_node_replaces_its_ghost()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[1].KillAsync();
        await lab[1].StartAsync();
        await NodeLab.UntilAsync(() => lab[1].Transport.Connections.Count == 1, "a connection of the new start");
        await lab.MeetAsync();
        await lab[0].SendAsync(lab[1], "corp");
        await lab[1].SendAsync(lab[0], "lab", v6: true);
    }

    [Fact]
    public async Task After_goodbye_the_peers_meet_again()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        DateTimeOffset? before = (await lab[0].StatusAsync()).Peers[0].Since;
        Assert.Equal(1, await lab[0].Engine.GoodbyeAsync(TestContext.Current.CancellationToken));
        await lab[0].UntilAsync(status => status.Peers[0].Since > before, "a new connection");
        await lab.MeetAsync();
        await lab[0].SendAsync(lab[1], "corp");
    }
}
