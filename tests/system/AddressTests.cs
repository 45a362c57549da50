using System.Globalization;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Overlay addresses that somebody else has already: the machine's LAN, or another node.</summary>
public sealed class AddressTests
{
    private const string Lan = "10.42.0.77/24";
    private const string LanHost = "10.42.0.78";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5); // 1 s on a quiet machine

    [Fact]
    public async Task A_network_on_the_subnet_of_the_lan_is_not_open_as_long_as_the_lan_is_there_and_the_lan_loses_nothing()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 3);
        (Node one, Node two, Node host) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
        one.Namespace.Exec("ip", "address", "add", Lan, "dev", "eth0");
        host.Namespace.Exec("ip", "address", "add", $"{LanHost}/24", "dev", "eth0");
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        Task<Ping> lan = one.PingAsync(LanHost, count: 400, interval: 0.01);
        one.Start();
        two.Start();
        await Wait.ForAsync(Node.Patience, "the other network to work",
            () => one.ReachesAsync(NodeConfig.Address("lab", 2, v6: true)), () => lab.AllLogs);

        Assert.Equal(["vpn-lab"], await one.OverlayDevicesAsync());
        Assert.Contains("10.42.0.0/24 on eth0", await WarningsAsync(one), StringComparison.Ordinal);
        (await lan).AssertAllAnswered(400);

        one.Namespace.Exec("ip", "address", "delete", Lan, "dev", "eth0");
        TimeSpan opened = await Wait.ForAsync(Soon, "the network to open",
            () => one.ReachesAsync(NodeConfig.Address("corp", 2, v6: false)), () => lab.AllLogs);
        Figures.Report($"The network is open and pings {Figures.Ms(opened)} after the LAN has gone.");
        Assert.DoesNotContain("10.42.0.0/24", await WarningsAsync(one), StringComparison.Ordinal);

        one.Namespace.Exec("ip", "address", "add", Lan, "dev", "eth0");
        TimeSpan closed = await Wait.ForAsync(Soon, "the LAN to have its packets again", () => one.ReachesAsync(LanHost), () => lab.AllLogs);
        Figures.Report($"The LAN has its packets {Figures.Ms(closed)} after it has come back.");
        await Wait.ForAsync(Soon, "status to say so",
            async () => (await WarningsAsync(one)).Contains("10.42.0.0/24 on eth0", StringComparison.Ordinal), () => lab.AllLogs);
    }

    [Fact]
    public async Task A_prefix_behind_a_peer_is_refused_as_long_as_it_lies_in_the_lan()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 3);
        (Node one, Node two, Node host) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
        one.Namespace.Exec("ip", "address", "add", "172.20.5.77/24", "dev", "eth0");
        host.Namespace.Exec("ip", "address", "add", "172.20.5.78/24", "dev", "eth0");
        two.Namespace.Exec("ip", "address", "add", "172.20.5.78/32", "dev", "lo");
        one.WriteConfig(NodeConfig.Text(one, [MeshLab.Dialled(two)], "\n[[networks.lab.policy.import]]\nallow = [\"172.20.5.64/26\"]\n"));
        two.WriteConfig(NodeConfig.Text(two, [MeshLab.Dialled(one)], "originate = [\"172.20.5.64/26\"]\n"));
        one.Start();
        two.Start();
        await Task.WhenAll(one.JoinedAsync(two), two.JoinedAsync(one));
        Assert.DoesNotContain("172.20.5.64/26", (await one.AskAsync("routes")).ToString(), StringComparison.Ordinal);
        Assert.Contains("dev eth0", one.Namespace.Exec("ip", "route", "get", "172.20.5.78"), StringComparison.Ordinal);
        (await one.PingAsync("172.20.5.78", 20)).AssertAllAnswered(20);

        one.Namespace.Exec("ip", "address", "delete", "172.20.5.77/24", "dev", "eth0");
        TimeSpan taken = await Wait.ForAsync(Soon, "the way through the overlay", () => one.ReachesAsync("172.20.5.78"), () => lab.AllLogs);
        Assert.Contains("dev vpn-lab", one.Namespace.Exec("ip", "route", "get", "172.20.5.78"), StringComparison.Ordinal);
        Figures.Report($"The prefix is reached through the overlay {Figures.Ms(taken)} after the LAN has gone.");
    }

    [Fact]
    public async Task Automatic_addresses_that_collide_are_unique_within_5_s_of_the_session()
    {
        // In a subnet for two, two nodes draw the same address in five of eight cases; in all of 16 they never differ.
        string[] networks = [.. Enumerable.Range(0, 16).Select(i => string.Create(CultureInfo.InvariantCulture, $"auto{i}"))];
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        foreach ((Node node, Node peer) in new[] { (one, two), (two, one) })
        {
            node.WriteConfig(NodeConfig.Head(node) + NodeConfig.Peer(MeshLab.Dialled(peer) with { Networks = networks })
                + string.Concat(networks.Select((name, i) => $"\n[networks.{name}]\nprefix = \"10.50.{i}.0/30\"\nexport = true\n")));
            node.Start();
        }
        await Wait.ForAsync(Node.Patience, "the session", async () => await one.IsUpAsync(two) && await two.IsUpAsync(one), () => lab.AllLogs);
        TimeSpan unique = await Wait.ForAsync(Soon, "addresses to be unique", async () =>
        {
            string[] ours = await AddressesAsync(one);
            string[] theirs = await AddressesAsync(two);
            return ours.Length == networks.Length && theirs.Length == networks.Length && !ours.Intersect(theirs).Any();
        }, () => lab.AllLogs);
        int moves = Moves(one) + Moves(two);
        Assert.InRange(moves, 1, networks.Length); // without any, the test has shown nothing
        Assert.True(Moves(one) == 0 || Moves(two) == 0, "Only the node with the larger fingerprint moves.");
        foreach (string address in await AddressesAsync(two))
        {
            await Wait.ForAsync(Soon, $"{address} to answer", () => one.ReachesAsync(address.Split('/')[0]), () => lab.AllLogs);
        }
        Figures.Report($"{moves} of {networks.Length} addresses collided; all are unique {Figures.Ms(unique)} after the session came up.");
    }

    private static int Moves(Node node) => node.Log.Split('\n').Count(line => line.Contains("has the better claim to", StringComparison.Ordinal));

    private static async Task<string> WarningsAsync(Node node) =>
        (await node.AskAsync("status"))!.Value.GetProperty("warnings").ToString();

    private static async Task<string[]> AddressesAsync(Node node) =>
        [.. (await node.AskAsync("networks"))!.Value.EnumerateArray()
            .SelectMany(network => network.GetProperty("addresses").EnumerateArray()).Select(address => address.GetString()!)];
}
