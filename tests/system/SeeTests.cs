using System.Text.Json;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>What an operator sees of three daemons that run, asked with the real client.</summary>
public sealed class SeeTests(Triangle triangle) : IClassFixture<Triangle>
{
    [Theory]
    [InlineData("node2", "node2")]
    [InlineData("IPv6", "node2")]
    public async Task A_ping_is_answered_by_the_other_kernel_and_disturbs_none_of_this_ones(string target, string peer)
    {
        string address = target == "IPv6" ? NodeConfig.Address("corp", 2, v6: true) : target;
        Task<Ping> kernels = triangle.One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 100);
        JsonElement[] steps = await LinesAsync("ping", address, "--network", "corp", "--count", "5", "--interval", "0.05", "--json");
        (await kernels).AssertAllAnswered(100);
        JsonElement[] answers = [.. steps.Where(step => step.GetProperty("kind").GetString() == "answer")];
        Assert.Equal(5, answers.Length);
        Assert.All(answers, answer => Assert.Equal(peer, answer.GetProperty("peer").GetString()));
        Assert.All(answers, answer => Assert.InRange(answer.GetProperty("rtt_ms").GetDouble(), 0.01, 2_000));
        Assert.Equal(0, steps[^1].GetProperty("lost_percent").GetDouble());
    }

    [Fact]
    public async Task A_ping_of_nobody_says_why()
    {
        ToolResult nobody = await triangle.One.ClientAsync("ping", "node9");
        Assert.Equal(1, nobody.ExitCode);
        Assert.Contains("'node9' is neither an address nor a peer", nobody.Text, StringComparison.Ordinal);
        ToolResult empty = await triangle.One.ClientAsync("ping", "10.42.0.250", "--network", "corp", "--count", "1");
        Assert.Equal(1, empty.ExitCode);
        Assert.Contains("NoRoute", empty.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_tell_how_the_mesh_came_up()
    {
        JsonElement[] events = await LinesAsync("events", "--kind", "peer.up,network.up", "--json");
        string[] told = [.. events.Select(one => $"{one.GetProperty("kind").GetString()} {one.GetProperty("peer").GetString()}{one.GetProperty("network").GetString()}")];
        foreach (string expected in new[] { "network.up corp", "network.up lab", "peer.up node2", "peer.up node3" })
            Assert.Contains(expected, told);
    }

    [Fact]
    public async Task A_peer_a_level_and_a_measurement_are_shown()
    {
        string peer = (await triangle.One.ClientAsync("peers", "node2")).Succeeded().Output;
        Assert.Contains("Path:       direct, ", peer, StringComparison.Ordinal);
        Assert.Contains("Network:    corp: received ", peer, StringComparison.Ordinal);
        Assert.Contains("engine/peers logs from debug on, for 60 s",
            (await triangle.One.ClientAsync("log", "level", "engine/peers", "debug", "--for", "1m")).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("node3", (await triangle.One.ClientAsync("top", "--once")).Succeeded().Output, StringComparison.Ordinal);
        Assert.StartsWith("Health: ok", (await triangle.One.ClientAsync("status")).Succeeded().Output, StringComparison.Ordinal);
    }

    private async Task<JsonElement[]> LinesAsync(params string[] arguments)
    {
        string output = (await triangle.One.ClientAsync(arguments)).Succeeded().Output;
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
    }
}
