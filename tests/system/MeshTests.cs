using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Three daemons that nobody disturbs.</summary>
public sealed partial class MeshTests(Triangle triangle) : IClassFixture<Triangle>
{
    [Theory]
    [InlineData("corp", false)]
    [InlineData("corp", true)]
    [InlineData("lab", false)]
    [InlineData("lab", true)]
    public async Task All_pairs_ping_in_both_directions_and_lose_none_of_200(string network, bool v6)
    {
        var runs = new List<Task<Ping>>();
        foreach (Node from in triangle.Lab.Nodes)
        {
            foreach (Node to in triangle.Lab.Nodes.Where(node => node != from))
                runs.Add(from.PingAsync(NodeConfig.Address(network, to.Number, v6), count: 200));
        }
        foreach (Ping ping in await Task.WhenAll(runs))
            ping.AssertAllAnswered(200);
    }

    [Theory]
    [InlineData(0, 1, "corp", false)]
    [InlineData(1, 2, "lab", false)]
    [InlineData(2, 0, "corp", true)]
    [InlineData(1, 0, "lab", true)]
    public async Task Iperf3_moves_tcp_between_any_pair_in_both_directions(int from, int to, string network, bool v6)
    {
        Node client = triangle.Lab.Nodes[from];
        Node server = triangle.Lab.Nodes[to];
        string address = NodeConfig.Address(network, server.Number, v6);
        foreach (string direction in new[] { "--set-mss=1200", "--reverse" })
        {
            Task<ToolResult> serving = server.InsideAsync("iperf3", "-s", "-1", "-B", address);
            await Wait.ForAsync(Node.Patience, "iperf3 to listen",
                async () => (await server.InsideAsync("ss", "-ltn")).Output.Contains(":5201", StringComparison.Ordinal));
            ToolResult answer = await client.InsideAsync("iperf3", "-c", address, "-t", "1", "-J", direction);
            await serving;
            using JsonDocument report = JsonDocument.Parse(answer.Succeeded().Output);
            long received = report.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bytes").GetInt64();
            Assert.True(received > 1_000_000, answer.Text);
        }
    }

    [Fact]
    public async Task Packets_of_every_size_up_to_the_mtu_arrive()
    {
        string address = NodeConfig.Address("corp", 2, v6: false);
        foreach (int payload in new[] { 0, 1, 8, 100, 536, 1000, 1200, 1300, 1351, 1352 }) // 1352 + 28 is the MTU
        {
            Ping ping = await triangle.One.PingAsync(
                address, 3, 0.01, "-M", "do", "-s", payload.ToString(CultureInfo.InvariantCulture));
            ping.AssertAllAnswered(3);
        }
    }

    [Fact]
    public async Task A_packet_larger_than_the_mtu_is_fragmented_by_the_kernel_and_arrives()
    {
        Ping ping = await triangle.One.PingAsync(NodeConfig.Address("corp", 3, v6: false), 3, 0.01, "-s", "4000");
        ping.AssertAllAnswered(3);
    }

    [Fact]
    public async Task Every_pair_holds_exactly_one_connection()
    {
        foreach (Node node in triangle.Lab.Nodes)
        {
            foreach (Node other in triangle.Lab.Nodes.Where(other => other != node))
            {
                JsonElement? peer = await node.PeerAsync(other);
                Assert.Equal(1, peer!.Value.GetProperty("connections").GetInt32());
            }
        }
    }

    [Fact]
    public async Task The_client_shows_health_peers_routes_networks_and_plugins()
    {
        using JsonDocument status = Parse(await triangle.One.ClientAsync("status", "--json"));
        Assert.Equal("ok", status.RootElement.GetProperty("health").GetString());
        Assert.Equal(2, status.RootElement.GetProperty("networks").GetInt32());
        Assert.Equal(2, status.RootElement.GetProperty("peers").GetInt32());
        Assert.Equal(triangle.One.Fingerprint, status.RootElement.GetProperty("node").GetString());
        Assert.Equal(triangle.One.ProcessId, status.RootElement.GetProperty("pid").GetInt32());

        using JsonDocument peers = Parse(await triangle.One.ClientAsync("--json", "peers"));
        Assert.Equal(["node2", "node3"], peers.RootElement.EnumerateArray().Select(peer => peer.GetProperty("name").GetString()));

        using JsonDocument routes = Parse(await triangle.One.ClientAsync("routes", "--json"));
        Assert.Contains(routes.RootElement.EnumerateArray(), route =>
            route.GetProperty("prefix").GetString() == "10.42.0.3/32" && route.GetProperty("peer_name").GetString() == "node3");

        using JsonDocument networks = Parse(await triangle.One.ClientAsync("networks", "--json"));
        Assert.Equal(["corp", "lab"], networks.RootElement.EnumerateArray().Select(network => network.GetProperty("name").GetString()));

        using JsonDocument plugins = Parse(await triangle.One.ClientAsync("plugins", "list", "--json"));
        Assert.Equal(
            ["running", "standby", "running", "running", "standby", "running", "running"],
            plugins.RootElement.EnumerateArray().OrderBy(plugin => plugin.GetProperty("name").GetString(), StringComparer.Ordinal)
                .Select(plugin => plugin.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task Every_command_has_a_table_for_people()
    {
        foreach (string command in new[] { "status", "peers", "routes", "networks", "plugins list", "version" })
        {
            ToolResult result = (await triangle.Two.ClientAsync(command.Split(' '))).Succeeded();
            Assert.True(result.Output.Trim().Length > 10, result.Text);
            Assert.Empty(result.Error);
        }
    }

    [Fact]
    public async Task Routes_are_host_routes_of_the_peers_and_nothing_else()
    {
        JsonElement routes = await triangle.Two.AskAsync("routes") ?? throw new InvalidOperationException("no answer");
        string[] prefixes = [.. routes.EnumerateArray()
            .Where(route => route.GetProperty("source").GetString() == "learned")
            .Select(route => route.GetProperty("prefix").GetString()!).Order(StringComparer.Ordinal)];
        Assert.Equal(
            ["10.42.0.1/32", "10.42.0.3/32", "10.99.0.1/32", "10.99.0.3/32",
                "fd5a:1c3e:77::1/128", "fd5a:1c3e:77::3/128", "fd5a:1c3e:78::1/128", "fd5a:1c3e:78::3/128"],
            prefixes);
    }

    [Fact]
    public void Metrics_answer_on_the_loopback_address_of_the_node()
    {
        string answer = triangle.One.Namespace.Run(() => Http.Get("127.0.0.1", 9000, "/metrics"));
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\nvibepn_", answer, StringComparison.Ordinal);
        Assert.Throws<SocketException>(() => triangle.One.Namespace.Run(() => Http.Get(triangle.One.Underlay, 9000, "/metrics")));
    }

    [Fact]
    public void Every_line_of_the_log_has_time_level_component_and_message()
    {
        foreach (Node node in triangle.Lab.Nodes)
        {
            string[] lines = node.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEmpty(lines);
            Assert.All(lines, line => Assert.Matches(LogLine(), line));
        }
    }

    [Fact]
    public void The_control_socket_is_for_its_owner_only()
    {
        UnixFileMode mode = File.GetUnixFileMode(triangle.One.Socket);
        Assert.Equal(UnixFileMode.None, mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute));
    }

    private static JsonDocument Parse(ToolResult result) => JsonDocument.Parse(result.Succeeded().Output);

    [GeneratedRegex(@"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\] (DEBUG|INFO |WARN |ERROR|FATAL) \[[A-Za-z0-9/._-]+\] \S.*$")]
    private static partial Regex LogLine();
}
