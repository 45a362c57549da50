using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Gateways that are stopped as an operator does, and are expected back.</summary>
public sealed class GracefulStopTests
{
    private const int Port = 7_000;

    [Fact]
    public async Task Routes_of_a_stopped_gateway_are_a_last_choice_until_its_hold_ends()
    {
        using MeshLab lab = await GatewayLab.CreateAsync("\n[sessions]\nrestart_hold = \"6s\"\n");
        (Node one, Node two, Node three) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
        using var preferred = new UdpSink(two, GatewayLab.Behind, Port);
        using var other = new UdpSink(three, GatewayLab.Behind, Port);
        using var source = new UdpSource(one, GatewayLab.Behind, Port, perSecond: 500);
        await Wait.ForAsync(Node.Patience, "packets to arrive at node2", () => preferred.Received > 100, () => lab.AllLogs);
        Assert.Null(other.FirstAt);

        var sinceTerm = Stopwatch.StartNew();
        Assert.Equal(0, await two.TerminateAsync());
        var sinceEnd = Stopwatch.StartNew();
        await Wait.ForAsync(TimeSpan.FromSeconds(3), "packets to arrive at node3", () => other.FirstAt is not null, () => lab.AllLogs);
        Figures.Report($"The other gateway has the traffic {Figures.Ms(sinceTerm.Elapsed)} after SIGTERM.");
        (bool Stale, bool Best)[] held = await RoutesAsync(one, two);
        Assert.NotEmpty(held);
        Assert.All(held, route => Assert.True(route.Stale));
        Assert.Contains((await RoutesAsync(one, three)), route => route is (false, true));

        await Wait.ForAsync(TimeSpan.FromSeconds(12), "the held routes to go", async () => (await RoutesAsync(one, two)).Length == 0, () => lab.AllLogs);
        Assert.InRange(sinceTerm.Elapsed, TimeSpan.FromSeconds(5.5), TimeSpan.MaxValue);
        Figures.Report($"Its routes were held for {Figures.Ms(sinceEnd.Elapsed)} after its end; asked were 6 s.");
    }

    [Fact]
    public async Task A_tcp_connection_through_the_overlay_outlives_a_restart_of_the_daemon()
    {
        using MeshLab lab = await GatewayLab.CreateAsync();
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        var address = new IPEndPoint(IPAddress.Parse(NodeConfig.Address("lab", 2, v6: false)), Port);
        using TcpListener listener = two.Namespace.Run(() => Listen(address));
        using TcpClient client = one.Namespace.Run(() => Connect(address));
        using TcpClient accepted = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await ExchangeAsync(client, accepted, 1);

        Assert.Equal(0, await two.TerminateAsync());
        Task during = ExchangeAsync(client, accepted, 2);
        var watch = Stopwatch.StartNew();
        two.Start();
        await during;
        Figures.Report($"The inner TCP connection goes on {Figures.Ms(watch.Elapsed)} after the new process's start.");
        await ExchangeAsync(accepted, client, 3);
        await Wait.ForAsync(Node.Patience, "no route to be stale any more",
            async () => (await RoutesAsync(one, two)) is { Length: > 0 } routes && !routes.Any(route => route.Stale), () => lab.AllLogs);
    }

    private static TcpListener Listen(IPEndPoint address)
    {
        var listener = new TcpListener(address);
        listener.Start();
        return listener;
    }

    private static TcpClient Connect(IPEndPoint address)
    {
        var client = new TcpClient();
        client.Connect(address);
        return client;
    }

    private static async Task ExchangeAsync(TcpClient from, TcpClient to, byte value)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        byte[] buffer = new byte[1];
        await from.GetStream().WriteAsync(new[] { value }, deadline.Token);
        Assert.Equal(1, await to.GetStream().ReadAsync(buffer, deadline.Token));
        Assert.Equal(value, buffer[0]);
    }

    private static async Task<(bool Stale, bool Best)[]> RoutesAsync(Node node, Node peer) =>
        [.. (await node.AskAsync("routes"))!.Value.EnumerateArray()
            .Where(route => route.GetProperty("peer_name").GetString() == peer.Name)
            .Select(route => (route.GetProperty("stale").GetBoolean(), route.GetProperty("best").GetBoolean()))];
}
