using System.Diagnostics;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Daemons that end, well or badly, and come back.</summary>
public sealed class RestartTests : IAsyncLifetime
{
    private MeshLab? _lab;

    private MeshLab Lab => _lab ?? throw new InvalidOperationException("The lab was not made.");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _lab = await MeshLab.CreateTriangleAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_killed_and_restarted_node_pings_again_within_5_s_and_the_third_loses_nothing()
    {
        (Node one, Node two, Node three) = (Lab.Nodes[0], Lab.Nodes[1], Lab.Nodes[2]);
        Task<Ping> bystander = one.PingAsync(NodeConfig.Address("corp", 3, v6: false), count: 1500, interval: 0.005);
        Task<Ping> victim = one.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 1500, interval: 0.005);
        await Wait.ForAsync(Node.Patience, "traffic from node1 to flow", async () =>
            (await one.PeerAsync(two))!.Value.GetProperty("tx_packets").GetInt64() > 100, () => Lab.AllLogs);

        await two.KillAsync();
        two.Start();
        var watch = Stopwatch.StartNew();
        await AnsweredAsync(one, NodeConfig.Address("corp", 2, v6: false));
        await AnsweredAsync(two, NodeConfig.Address("lab", 1, v6: true));
        await AnsweredAsync(three, NodeConfig.Address("lab", 2, v6: true));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"It took {watch.Elapsed.TotalSeconds:0.0} s.\n{Lab.AllLogs}");
        TestContext.Current.TestOutputHelper?.WriteLine($"All pairs ping again {watch.Elapsed.TotalMilliseconds:0} ms after the restart.");

        (await bystander).AssertAllAnswered(1500);
        Assert.InRange((await victim).AnsweredOf(1500), 1, 1499); // or the kill hit no traffic and the test shows nothing
    }

    [Fact]
    public async Task Sigterm_says_goodbye_ends_with_0_and_leaves_no_interface_route_or_socket()
    {
        (Node one, Node two) = (Lab.Nodes[0], Lab.Nodes[1]);
        Assert.Equal(2, (await two.OverlayDevicesAsync()).Length);

        Assert.Equal(0, await two.TerminateAsync());

        Assert.Empty(await two.OverlayDevicesAsync());
        Assert.False(File.Exists(two.Socket));
        ToolResult routes = (await two.InsideAsync("ip", "route", "show", "table", "all")).Succeeded();
        Assert.DoesNotContain("10.42.", routes.Output, StringComparison.Ordinal);
        // Without the goodbye it would take the idle timeout, many seconds, to notice.
        await Wait.ForAsync(TimeSpan.FromSeconds(2), "node1 to drop the session", async () => !await one.IsUpAsync(two), () => Lab.AllLogs);
        // A daemon that was stopped may be back: its routes are only a last choice from then on.
        await Wait.ForAsync(TimeSpan.FromSeconds(2), "node1 to count on the routes no more", async () =>
            (await one.AskAsync("routes"))!.Value.EnumerateArray()
                .Where(route => route.GetProperty("peer_name").GetString() == "node2")
                .All(route => route.GetProperty("stale").GetBoolean()), () => Lab.AllLogs);
    }

    [Fact]
    public async Task Shutdown_over_the_socket_ends_the_daemon_like_sigterm()
    {
        Node three = Lab.Nodes[2];
        (await three.ClientAsync("shutdown")).Succeeded();
        await Wait.ForAsync(Node.Patience, "the devices to go", async () => (await three.OverlayDevicesAsync()).Length == 0, () => three.Log);
        await Wait.ForAsync(Node.Patience, "the socket to go", () => !File.Exists(three.Socket), () => three.Log);
        ToolResult answer = await three.ClientAsync("status");
        Assert.Equal(3, answer.ExitCode);
    }

    [Fact]
    public async Task Goodbye_disconnects_everybody_and_the_mesh_comes_back_by_itself()
    {
        (Node one, Node two, Node three) = (Lab.Nodes[0], Lab.Nodes[1], Lab.Nodes[2]);
        string since = await SinceAsync(one, two);
        await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken); // "since" has whole seconds
        (await one.ClientAsync("goodbye")).Succeeded();
        await Wait.ForAsync(TimeSpan.FromSeconds(30), "a new session", async () =>
            await one.IsUpAsync(two) && await SinceAsync(one, two) != since, () => Lab.AllLogs);
        await one.JoinedAsync(two, three);
        await AnsweredAsync(one, NodeConfig.Address("corp", 2, v6: false));
    }

    [Fact]
    public async Task A_daemon_that_starts_after_a_kill_takes_its_devices_and_socket_again()
    {
        Node three = Lab.Nodes[2];
        for (int round = 0; round < 5; round++)
        {
            await three.KillAsync();
            three.Start();
            await three.JoinedAsync(Lab.Nodes[0], Lab.Nodes[1]);
        }
        Assert.Equal(2, (await three.OverlayDevicesAsync()).Length);
    }

    private Task<TimeSpan> AnsweredAsync(Node from, string address) => Wait.ForAsync(
        Node.Patience, $"{from.Name} to reach {address}",
        () => from.ReachesAsync(address), () => Lab.AllLogs);

    private static async Task<string> SinceAsync(Node node, Node peer) =>
        (await node.PeerAsync(peer))!.Value.GetProperty("since").ToString();
}
