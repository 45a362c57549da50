using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>Another configuration while packets flow.</summary>
public sealed class ReloadTests
{
    [Fact]
    public async Task The_same_configuration_changes_nothing()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        Assert.Empty(await lab[0].ReloadAsync(same => same with { Peers = [.. same.Peers], Networks = [.. same.Networks] }));
        Assert.Equal("up", (await lab[0].StatusAsync()).Peers[0].State);
    }

    [Fact]
    public async Task A_peer_is_removed_and_added_and_the_other_loses_no_packet()
    {
        await using var lab = NodeLab.Mesh(3);
        await lab.StartAndMeetAsync();
        var peers = lab[0].Configuration.Peers;
        Assert.Equal(["peer node3: removed"], await lab[0].ReloadAsync(old => old with { Peers = [peers[0]] }));
        Assert.DoesNotContain((await lab[0].StatusAsync()).Routes, route => route.Candidate.NextHop == lab[2].Identity.Fingerprint);
        Assert.Equal(["peer node3: added"], await lab[0].ReloadAsync(old => old with { Peers = peers }));
        await lab.MeetAsync();
        await lab[0].SendAsync(lab[2], "corp");
        Assert.Equal(1, lab[0].Lines.From(default).Count(line => line.Contains("node2 is up", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_renamed_peer_comes_back_under_its_new_name()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[0].ReloadAsync(old => old with { Peers = [old.Peers[0] with { Name = "other" }] });
        await lab.MeetAsync();
        EngineStatus status = await lab[0].StatusAsync();
        Assert.Equal("other", status.Peers[0].Name);
        Assert.All(status.Routes, route => Assert.Equal("other", route.PeerName));
        await lab[1].SendAsync(lab[0], "corp");
    }

    [Fact]
    public async Task A_network_is_removed_and_added()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        var networks = lab[0].Configuration.Networks;
        FakeTunDevice device = lab[0].Device("lab");
        IReadOnlyList<string> changes = await lab[0].ReloadAsync(old => old with { Networks = [networks[0]] });
        Assert.Contains("network lab: removed", changes);
        Assert.True(device.IsDisposed);
        await lab[1].UntilAsync(status => status.Routes.Length == 2, "only corp");
        await lab[0].SendAsync(lab[1], "corp");
        Assert.Contains("network lab: added", await lab[0].ReloadAsync(old => old with { Networks = networks }));
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            await node.UntilAsync(status => status.Routes.Length == 4 && status.Peers[0].Connections == 1, "routes in both networks");
        await lab[1].SendAsync(lab[0], "lab");
    }

    [Fact]
    public async Task Export_originate_and_address_are_told_to_connected_peers_and_taken_back()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        var connection = Assert.Single(lab[0].Transport.Connections);
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Export = false }, old.Networks[1]] });
        await lab[1].UntilAsync(status => status.Routes.Length == 2, "withdrawn");
        IpPrefix behind = IpPrefix.Parse("192.168.7.0/24");
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Export = true, Originate = [behind] }, old.Networks[1]] });
        await lab[1].UntilAsync(status => status.Routes.Length == 5, "announced");
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Originate = [] }, old.Networks[1]] });
        await lab[1].UntilAsync(status => status.Routes.Length == 4, "no longer originated");
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Address = IpAddress.Parse("10.42.0.9") }, old.Networks[1]] });
        await lab[1].UntilAsync(
            status => status.Routes.Any(route => route.Candidate.Prefix == IpPrefix.Parse("10.42.0.9/32"))
                && status.Routes.All(route => route.Candidate.Prefix != IpPrefix.Parse("10.42.0.1/32")), "moved");
        await lab[1].SendAsync(lab[0], "corp", destination: "10.42.0.9");
        Assert.Same(connection, Assert.Single(lab[0].Transport.Connections));
        Assert.Contains(lab[0].Device("corp").Configuration!.Addresses, address => address.Address == IpAddress.Parse("10.42.0.9"));
    }

    [Fact]
    public async Task Another_network_that_changes_costs_no_packet()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        int before = lab[1].Device("lab").WrittenCount;
        for (int i = 0; i < 200; i++)
        {
            lab[0].Device("lab").Arrive(TestPackets.Udp("10.43.0.1", "10.43.0.2"));
            if (i % 10 == 0)
                await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Export = i % 20 == 0 }, old.Networks[1]] });
        }
        await NodeLab.UntilAsync(() => lab[1].Device("lab").WrittenCount == before + 200, "all 200 packets");
    }

    [Fact]
    public async Task A_change_of_the_largest_segment_holds_for_the_next_connection_and_costs_no_packet()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        int configured = 0;
        lab[0].Device("corp").OnConfigure = _ => configured++;
        Assert.Equal(1340, await SegmentSizeAsync(lab[0], lab[1]));
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            await CommitAsync(node, corp => corp with { MssClamp = false });
        Assert.Equal((1460, 0), (await SegmentSizeAsync(lab[0], lab[1]), configured));

        int before = lab[1].Device("corp").WrittenCount;
        for (int i = 0; i < 200; i++)
        {
            lab[0].Device("corp").Arrive(TestPackets.Syn("10.42.0.1", "10.42.0.2", MssClampTests.Mss(1460), sourcePort: 0));
            if (i % 10 == 0)
                await CommitAsync(lab[0], corp => corp with { MssClamp = i % 20 == 0 });
        }
        await NodeLab.UntilAsync(() => lab[1].Device("corp").WrittenCount == before + 200, "all 200 packets");

        // One end alone decides for both directions.
        await CommitAsync(lab[0], corp => corp with { MssClamp = true, Mtu = 1300 });
        Assert.Equal(1260, await SegmentSizeAsync(lab[0], lab[1]));
        Assert.Equal(1260, await SegmentSizeAsync(lab[1], lab[0]));
    }

    private static async Task CommitAsync(LabEngine node, Func<NetworkConfiguration, NetworkConfiguration> change)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        EngineConfiguration old = node.Configuration;
        node.Configuration = old with { Networks = [change(old.Networks[0]), old.Networks[1]] };
        await node.Engine.CommitAsync(
            await node.Engine.PrepareAsync(new EngineChange { Configuration = node.Configuration }, token));
    }

    /// <summary>What arrives when a node's kernel asks another's for segments of 1,460 bytes.</summary>
    private static async Task<int> SegmentSizeAsync(LabEngine from, LabEngine to)
    {
        ushort mark = LabMarks.Next();
        byte[]? Arrived() => to.Device("corp").Written.FirstOrDefault(
            packet => packet[9] == 6 && BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(20)) == mark);
        from.Device("corp").Arrive(
            TestPackets.Syn(from.Address("corp"), to.Address("corp"), MssClampTests.Mss(1460), sourcePort: mark));
        await NodeLab.UntilAsync(() => Arrived() is not null, $"a SYN from {from.Name} to {to.Name}");
        return BinaryPrimitives.ReadUInt16BigEndian(Arrived().AsSpan(42));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Network_that_two_nodes_share_anew_costs_the_others_no_packet(int first)
    {
        await using var lab = NodeLab.Mesh(2);
        NetworkConfiguration added = lab[0].Configuration.Networks[1];
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = node.Configuration with { Peers = [.. node.Configuration.Peers.Select(peer => peer with { Networks = ["corp"] })] };
        await lab.StartAsync();
        await lab[0].UntilAsync(status => status.Routes.Length == 2, "routes in corp");
        await lab[1].UntilAsync(status => status.Routes.Length == 2, "routes in corp");

        // Whoever began the connection may be the first or the second to reload.
        foreach (LabEngine node in new[] { lab[first], lab[1 - first] })
        {
            await node.ReloadAsync(configuration => configuration with
            {
                Peers = [.. configuration.Peers.Select(peer => peer with { Networks = ["corp", added.Name] })],
            });
            for (int i = 0; i < 50; i++)
            {
                await lab[0].SendAsync(lab[1], "corp");
                await lab[1].SendAsync(lab[0], "corp");
                Assert.Equal("up", (await node.StatusAsync()).Peers[0].State);
            }
        }
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            await node.UntilAsync(status => status.Routes.Length == 4 && status.Peers[0].Connections == 1, "routes in both networks");
        await lab[0].SendAsync(lab[1], added.Name);

        // And apart again, at one end only and right after a connection was made.
        await lab[first].ReloadAsync(configuration => configuration with
        {
            Peers = [.. configuration.Peers.Select(peer => peer with { Networks = ["corp"] })],
        });
        Assert.Equal(2, (await lab[first].StatusAsync()).Routes.Length);
        bool agreed = false;
        while (!agreed)
        {
            await lab[0].SendAsync(lab[1], "corp");
            await lab[1].SendAsync(lab[0], "corp");
            foreach (LabEngine node in new[] { lab[0], lab[1] })
                Assert.Equal("up", (await node.StatusAsync()).Peers[0].State);
            agreed = (await lab[1 - first].StatusAsync()).Routes.Length == 2;
        }
    }

    [Fact]
    public async Task An_interface_that_cannot_be_opened_changes_nothing()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        lab[0].Tun.OnOpen = _ => throw new TunException("no room");
        await Assert.ThrowsAsync<TunException>(() => lab[0].Engine.ReloadAsync(
            lab[0].Configuration with { Networks = [.. lab[0].Configuration.Networks, NodeLab.Network("more", 44, 1)] }, TestContext.Current.CancellationToken));
        Assert.Equal(2, (await lab[0].StatusAsync()).Networks.Length);
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task A_lost_interface_is_made_again_and_a_reload_meanwhile_does_not_fail()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        FakeTunDevice lost = lab[0].Device("corp");
        lab[0].Tun.OnOpen = _ => throw new TunException("not yet");
        lost.Lose("gone");
        EngineStatus status = await lab[0].UntilAsync(status => status.Networks[0].Error == "not yet", "the fault");
        Assert.Contains("network corp: not yet", status.Warnings);
        Assert.Contains("network corp: mtu 1380 -> 1300", await lab[0].ReloadAsync(
            old => old with { Networks = [old.Networks[0] with { Mtu = 1300 }, old.Networks[1]] }));
        await lab[0].SendAsync(lab[1], "lab");
        lab[0].Tun.OnOpen = null;
        await lab[0].UntilAsync(status => status.Networks[0] is { Error: "", Mtu: 1300 }, "made again");
        await lab[0].SendAsync(lab[1], "corp");
        await lab[1].SendAsync(lab[0], "corp");
    }

    [Fact]
    public async Task Prefixes_at_the_policys_limit_survive_a_reload()
    {
        await using var lab = NodeLab.Mesh(2);
        IpPrefix[] many = [.. Enumerable.Range(0, 254).Select(i => IpPrefix.Parse($"192.168.{i}.0/24"))];
        lab[1].Configuration = lab[1].Configuration with
        {
            Networks = [lab[1].Configuration.Networks[0] with { Originate = [.. many] }, lab[1].Configuration.Networks[1]],
        };
        await lab.StartAndMeetAsync();
        await lab[0].UntilAsync(status => status.Routes.Length == 258, "256 routes in corp, 2 in lab");
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Mtu = 1300 }, old.Networks[1]] });
        Assert.Equal(258, (await lab[0].StatusAsync()).Routes.Length);
    }
}
