using System.Collections.Concurrent;
using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>What becomes of a peer's routes when it leaves, and of the tables that packets use.</summary>
public sealed class HeldRoutesTests
{
    private static readonly IpPrefix Lan = IpPrefix.Parse("192.168.7.0/24");

    [Fact]
    public async Task A_peer_that_stops_leaves_its_routes_as_a_last_choice_and_a_restart_makes_them_good_again()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[1].Configuration = lab[1].Configuration with { Sessions = new SessionConfiguration { RestartHold = TimeSpan.FromSeconds(100) } };
        await lab.StartAndMeetAsync();
        await lab[1].StopAsync();
        EngineStatus status = await lab[0].UntilAsync(status => status.Peers[0].State != "up", "gone");
        Assert.Equal(4, status.Routes.Length);
        Assert.All(status.Routes, route => Assert.True(route.Candidate.Stale && route.Best));
        Assert.All(status.Routes, route => Assert.InRange(route.Expires!.Value, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddSeconds(100)));
        // Its new start announces less: what it does not repeat is swept at once.
        lab[1].Configuration = lab[1].Configuration with
        {
            Networks = [lab[1].Configuration.Networks[0] with { Export = false }, lab[1].Configuration.Networks[1]],
        };
        await lab[1].StartAsync();
        status = await lab[0].UntilAsync(status => status.Routes.All(route => !route.Candidate.Stale), "fresh or gone");
        Assert.Equal(["lab", "lab"], status.Routes.Select(route => route.Network));
        await lab[0].SendAsync(lab[1], "lab");
    }

    [Fact]
    public async Task A_peer_that_dies_has_its_routes_removed_at_once()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[1].Configuration = lab[1].Configuration with { Sessions = new SessionConfiguration() };
        await lab.StartAndMeetAsync();
        ((MemoryConnection)lab[0].Transport.Connections.Single()).Break();
        await lab[1].KillAsync();
        await lab[0].UntilAsync(status => status.Peers[0].State != "up" && status.Routes.IsEmpty, "gone");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task The_table_that_loses_a_peer_already_has_the_alternative(int holdSeconds)
    {
        await using var lab = NodeLab.Mesh(3);
        foreach (int i in new[] { 1, 2 })
        {
            lab[i].Configuration = lab[i].Configuration with
            {
                Networks = [lab[i].Configuration.Networks[0] with { Originate = [Lan] }, lab[i].Configuration.Networks[1]],
                Sessions = new SessionConfiguration { RestartHold = TimeSpan.FromSeconds(holdSeconds) },
            };
        }
        await lab.StartAndMeetAsync();
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Routes.Count(route => route.Candidate.Prefix == Lan) == 2, "both ways");
        string best = status.Routes.Single(route => route.Candidate.Prefix == Lan && route.Best).PeerName;
        LabEngine leaves = best == "node2" ? lab[1] : lab[2];
        LabEngine stays = best == "node2" ? lab[2] : lab[1];
        var tables = new ConcurrentQueue<ImmutableArray<Fingerprint>>();
        lab[0].Policy.OnCompiled = (snapshot, lookup) =>
        {
            if (snapshot.Network == "corp")
                tables.Enqueue(HopsTo(lookup, Lan.Address));
        };
        await leaves.StopAsync();
        await lab[0].UntilAsync(
            status => status.Routes.Any(route => route.Candidate.Prefix == Lan && route.Best && route.PeerName == stays.Name), "the other way");
        // From the first table without it on, packets have the other way: no table in between has none, or the lost one.
        Assert.NotEmpty(tables);
        Assert.All(tables, hops => Assert.Equal([stays.Identity.Fingerprint], hops));
        await lab[0].SendAsync(stays, "corp", destination: "192.168.7.9");
    }

    [Fact]
    public async Task Policies_see_how_long_a_peer_has_been_connected_and_when_it_was_lost()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        var seen = new ConcurrentQueue<PeerFacts>();
        lab[0].Policy.OnCompiled = (snapshot, _) => seen.Enqueue(snapshot.Peers.Single());
        lab[0].Policy.Lifetime = TimeSpan.FromSeconds(1);
        await lab[1].KillAsync();
        ((MemoryConnection)lab[0].Transport.Connections.Single()).Break();
        await NodeLab.UntilAsync(() => seen.Any(facts => facts is { Connected: false, LostAgo.TotalSeconds: >= 1 }), "lost for a second");
        Assert.All(seen, facts => Assert.Equal(facts.Connected, facts.LostAgo is null));
        Assert.All(seen.Where(facts => !facts.Connected), facts => Assert.Equal(TimeSpan.Zero, facts.ConnectedFor));
        await lab[1].StartAsync();
        await lab.MeetAsync();
        await NodeLab.UntilAsync(() => seen.Any(facts => facts is { Connected: true, ConnectedFor.TotalSeconds: >= 1 }), "back for a second");
        Assert.All(seen, facts => Assert.Equal(0, (facts.LostAgo ?? default).Ticks % TimeSpan.TicksPerSecond));
    }

    [Fact]
    public async Task A_table_that_ends_is_compiled_again_though_nothing_changed()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        int compiled = 0;
        lab[0].Policy.Lifetime = TimeSpan.FromSeconds(1);
        lab[0].Policy.OnCompiled = (snapshot, _) => Interlocked.Add(ref compiled, snapshot.Network == "corp" ? 1 : 0);
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Mtu = 1300 }, old.Networks[1]] });
        await NodeLab.UntilAsync(() => Volatile.Read(ref compiled) >= 3, "compiled again and again");
        lab[0].Policy.Lifetime = null;
    }

    private static ImmutableArray<Fingerprint> HopsTo(IRouteLookup lookup, IpAddress destination)
    {
        PacketKey[] key = [new PacketKey(default, destination, 0, 0, 0, 0)];
        var group = new ushort[1];
        lookup.Find(key, group);
        return [.. lookup.Groups[group[0]].Hops.Select(hop => hop.Peer)];
    }
}
