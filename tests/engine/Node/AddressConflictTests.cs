using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Tests.Node;

/// <summary>Nodes that want one address, and overlays that meet the machine's own networks.</summary>
public sealed class AddressConflictTests
{
    private static readonly IpAddress Shared = IpAddress.Parse("10.42.0.77");

    [Fact]
    public async Task Automatic_addresses_that_collide_become_two_and_traffic_flows()
    {
        await using NodeLab lab = NodeLab.Mesh(3);
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = Change(node, network => network with { Address = Shared, AddressIsAuto = true });
        await lab.StartAsync();
        LabEngine stays = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[0] : lab[1];
        LabEngine moves = stays == lab[0] ? lab[1] : lab[0];
        await moves.UntilAsync(status => AddressIn(status) != Shared, "the larger fingerprint moves");
        Assert.Equal(Shared, AddressIn(await stays.StatusAsync()));

        IpAddress moved = AddressIn(await moves.StatusAsync());
        await lab[2].UntilAsync(
            status => status.Routes.Any(route => route.Candidate.Prefix == IpPrefix.Host(moved) && route.PeerName == moves.Name)
                && status.Routes.Any(route => route.Candidate.Prefix == IpPrefix.Host(Shared) && route.PeerName == stays.Name),
            "the third node knows both addresses");
        Assert.DoesNotContain(
            (await lab[2].StatusAsync()).Routes,
            route => route.Candidate.Prefix == IpPrefix.Host(Shared) && route.PeerName == moves.Name);
        await lab[2].SendAsync(moves, "corp", destination: moved.ToString());
        await lab[2].SendAsync(stays, "corp", destination: Shared.ToString());
    }

    [Fact]
    public async Task Nodes_that_do_not_know_each_other_learn_of_the_conflict_from_a_third()
    {
        await using NodeLab lab = NodeLab.Mesh(3);
        // 0 and 1 know only 2.
        foreach (LabEngine node in new[] { lab[0], lab[1] })
        {
            node.Configuration = Change(node, network => network with { Address = Shared, AddressIsAuto = true })
                with { Peers = [lab[2].AsPeer()] };
        }
        await lab.StartAsync();
        LabEngine moves = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[1] : lab[0];
        await moves.UntilAsync(status => AddressIn(status) != Shared, "told by the third, it moves");
    }

    [Fact]
    public async Task Written_address_stays_and_an_automatic_one_gives_way_whatever_the_fingerprints()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        LabEngine large = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[1] : lab[0];
        LabEngine small = large == lab[0] ? lab[1] : lab[0];
        large.Configuration = Change(large, network => network with { Address = Shared });
        small.Configuration = Change(small, network => network with { Address = Shared, AddressIsAuto = true });
        await lab.StartAsync();
        await small.UntilAsync(status => AddressIn(status) != Shared, "the automatic one moves");
        Assert.Equal(Shared, AddressIn(await large.StatusAsync()));
    }

    [Fact]
    public async Task Two_written_addresses_stay_and_stand_in_status()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = Change(node, network => network with { Address = Shared });
        await lab.StartAsync();
        LabEngine loses = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[1] : lab[0];
        EngineStatus status = await loses.UntilAsync(
            status => status.Warnings.Any(warning => warning.Contains("10.42.0.77", StringComparison.Ordinal)), "the conflict is named");
        Assert.Equal(Shared, AddressIn(status));
    }

    [Fact]
    public async Task Import_rule_ties_an_address_to_its_owner_whatever_the_fingerprints()
    {
        await using NodeLab lab = NodeLab.Mesh(3);
        // The two know only the third, so neither hears the other's claim.
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = Change(node, network => network with { Address = Shared }) with { Peers = [lab[2].AsPeer()] };
        LabEngine owner = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[1] : lab[0];
        var allowed = new ImportRule { Peers = [owner.Name], Prefixes = [PrefixRange.Exactly(IpPrefix.Host(Shared))] };
        var denied = new ImportRule { Deny = true, Prefixes = [PrefixRange.Exactly(IpPrefix.Host(Shared))] };
        lab[2].Configuration = Change(lab[2], network => network with
        {
            Rules = network.Rules with { Import = [allowed, denied, .. network.Rules.Import] },
        });
        await lab.StartAsync();
        await lab[2].UntilAsync(
            status => status.Peers.All(peer => peer.State == "up")
                && status.Routes.Count(route => route.Network == "corp" && route.Candidate.Prefix.Family == IpFamily.V6) == 2
                && status.Routes.Any(route => route.Candidate.Prefix == IpPrefix.Host(Shared)),
            "both have told their addresses");
        Assert.Equal(owner.Name, Assert.Single(
            (await lab[2].StatusAsync()).Routes, route => route.Candidate.Prefix == IpPrefix.Host(Shared)).PeerName);
        await lab[2].SendAsync(owner, "corp", destination: Shared.ToString());
    }

    [Fact]
    public async Task Claim_that_a_reload_lets_in_is_contested_and_its_end_gives_the_address_back()
    {
        await using NodeLab lab = NodeLab.Mesh(3);
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = Change(node, network => network with { Address = Shared }) with { Peers = [lab[2].AsPeer()] };
        LabEngine better = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[0] : lab[1];
        LabEngine worse = better == lab[0] ? lab[1] : lab[0];
        NetworkRules open = lab[2].Configuration.Networks.Single(network => network.Name == "corp").Rules;
        var denied = new ImportRule { Deny = true, Peers = [better.Name], Prefixes = [PrefixRange.Exactly(IpPrefix.Host(Shared))] };
        lab[2].Configuration = Change(lab[2], network => network with { Rules = open with { Import = [denied, .. open.Import] } });
        await lab.StartAsync();
        await UntilOwnedByAsync(worse, "the rule keeps the better claim out");

        await lab[2].ReloadAsync(_ => Change(lab[2], network => network with { Rules = open }));
        await UntilOwnedByAsync(better, "without the rule the better claim counts");
        await better.KillAsync();
        await UntilOwnedByAsync(worse, "nobody else claims it any more");

        Task UntilOwnedByAsync(LabEngine owner, string what) => lab[2].UntilAsync(
            status => status.Routes.Where(route => route.Candidate.Prefix == IpPrefix.Host(Shared))
                .Select(route => route.PeerName).SequenceEqual([owner.Name]), what);
    }

    [Fact]
    public async Task Address_that_had_to_move_is_no_change_on_reload()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        foreach (LabEngine node in new[] { lab[0], lab[1] })
            node.Configuration = Change(node, network => network with { Address = Shared, AddressIsAuto = true });
        await lab.StartAsync();
        LabEngine moves = lab[0].Identity.Fingerprint < lab[1].Identity.Fingerprint ? lab[1] : lab[0];
        await moves.UntilAsync(status => AddressIn(status) != Shared, "it moves");
        Assert.Empty(await moves.ReloadAsync(configuration => configuration));
        Assert.NotEqual(Shared, AddressIn(await moves.StatusAsync()));
    }

    [Fact]
    public async Task Network_that_would_take_packets_from_the_lan_waits_until_the_lan_is_gone()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        lab[0].OnTunMade = tun => tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse("10.42.0.0/16"), "eth0", IsConnected: true)];
        await lab.StartAsync();
        EngineStatus status = await lab[0].StatusAsync();
        NetworkStatus blocked = status.Networks.Single(network => network.Name == "corp");
        Assert.Equal("", blocked.Device);
        Assert.Equal(
            "its subnet 10.42.0.0/24 would take packets from 10.42.0.0/16 on eth0, which this machine reaches by itself. "
            + "Use another subnet, or write overlap = \"allow\" if that is meant.", blocked.Error);
        Assert.NotEqual("", status.Networks.Single(network => network.Name == "lab").Device);

        lab[0].Tun.MachineRoutes = [];
        lab[0].Tun.ChangeMachineNetwork();
        await lab[0].UntilAsync(now => now.Networks.All(network => network.Device.Length > 0), "the network opens");
        await lab.MeetAsync();
        await lab[1].SendAsync(lab[0], "corp");
    }

    [Fact]
    public async Task Open_network_is_closed_while_the_machine_is_on_a_lan_of_its_subnet()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        foreach (string lan in new[] { "10.42.0.0/24", "10.42.0.0/23" })
        {
            lab[0].Tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse(lan), "wlan0", IsConnected: true)];
            lab[0].Tun.ChangeMachineNetwork();
            EngineStatus status = await lab[0].UntilAsync(
                now => now.Networks.Single(network => network.Name == "corp").Device.Length == 0, "the network is closed");
            Assert.Contains($"{lan} on wlan0", status.Networks.Single(network => network.Name == "corp").Error, StringComparison.Ordinal);
            Assert.NotEqual("", status.Networks.Single(network => network.Name == "lab").Device);

            lab[0].Tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse("10.42.0.0/25"), "wlan0", IsConnected: true)];
            lab[0].Tun.ChangeMachineNetwork();
            await lab[0].UntilAsync(now => now.Networks.All(network => network.Device.Length > 0), "a LAN that is narrower keeps its packets anyway");
            await lab.MeetAsync();
            await lab[1].SendAsync(lab[0], "corp");
        }
    }

    [Fact]
    public async Task Network_opens_over_the_lan_when_the_operator_allows_it_and_status_says_so_while_it_is()
    {
        await using NodeLab lab = NodeLab.Mesh(2);
        lab[0].OnTunMade = tun => tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse("10.42.0.0/24"), "eth0", IsConnected: true)];
        lab[0].Configuration = Change(lab[0], network => network with { Overlap = OverlapRule.Allow });
        await lab.StartAndMeetAsync();
        const string Warning = "network corp: its subnet 10.42.0.0/24 takes packets from 10.42.0.0/24 on eth0, which this machine reaches "
            + "by itself (overlap = \"allow\")";
        Assert.Contains(Warning, (await lab[0].StatusAsync()).Warnings);
        Assert.DoesNotContain(Warning, (await lab[1].StatusAsync()).Warnings);

        lab[0].Tun.MachineRoutes = [];
        lab[0].Tun.ChangeMachineNetwork();
        await lab[0].UntilAsync(status => !status.Warnings.Contains(Warning), "the LAN is gone");
    }

    [Fact]
    public async Task Announcement_inside_the_lan_is_refused_and_taken_once_the_lan_is_gone()
    {
        IpPrefix inside = IpPrefix.Parse("192.168.7.128/25");
        await using NodeLab lab = NodeLab.Mesh(2);
        lab[0].OnTunMade = tun => tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse("192.168.7.0/24"), "eth0", IsConnected: true)];
        lab[0].Configuration = Change(lab[0], network => network with
        {
            Rules = network.Rules with { Import = [new ImportRule { Prefixes = [PrefixRange.Exactly(inside)] }] },
        });
        lab[1].Configuration = Change(lab[1], network => network with { Originate = [inside] });
        await lab.StartAndMeetAsync();
        Assert.DoesNotContain((await lab[0].StatusAsync()).Routes, route => route.Candidate.Prefix == inside);
        lab[0].Tun.MachineRoutes = [];
        lab[0].Tun.ChangeMachineNetwork();
        await lab[0].UntilAsync(status => status.Routes.Any(route => route.Candidate.Prefix == inside), "it is taken");
        lab[0].Tun.MachineRoutes = [new MachineRoute(IpPrefix.Parse("192.168.7.0/24"), "eth0", IsConnected: true)];
        lab[0].Tun.ChangeMachineNetwork();
        await lab[0].UntilAsync(status => status.Routes.All(route => route.Candidate.Prefix != inside), "it is refused again");
    }

    private static EngineConfiguration Change(LabEngine node, Func<NetworkConfiguration, NetworkConfiguration> change) =>
        node.Configuration with
        {
            Networks = [.. node.Configuration.Networks.Select(network => network.Name == "corp" ? change(network) : network)],
        };

    private static IpAddress AddressIn(EngineStatus status) =>
        status.Networks.Single(network => network.Name == "corp").Addresses[0].Address;
}
