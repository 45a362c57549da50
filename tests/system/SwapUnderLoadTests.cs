using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Routing policies and trust models that take each other's place while packets flow.</summary>
public sealed partial class SwapUnderLoadTests
{
    private static readonly string[] Policies = ["routing-failover", "routing-lpm"];
    private static readonly string[] TrustModels = ["trust-pinned", "trust-tofu"];

    [Fact]
    public Task Ten_swaps_of_the_routing_policy_and_of_the_trust_model_lose_no_packet_and_no_session() =>
        RunAsync(swaps: 10, perSecond: 4_000, limit: TimeSpan.FromMilliseconds(500)); // 50 ms on a quiet machine, see below

    /// <summary>The figure: <c>tools/measure-swap.sh</c>. SWAPS and RATE change it.</summary>
    [Fact(Explicit = true)]
    public Task A_hundred_swaps_of_the_routing_policy_take_at_most_50_ms_each_and_lose_no_packet_and_no_session() =>
        RunAsync(Figures.Number("SWAPS", 100), Figures.Number("RATE", 20_000), limit: TimeSpan.FromMilliseconds(50));

    private static async Task RunAsync(int swaps, int perSecond, TimeSpan limit)
    {
        using MeshLab lab = await LoadLab.CreateAsync(text => text.Replace("""
            path = "plugins/routing-failover"
            standby = true
            """, """
            path = "plugins/routing-failover"
            standby = true
              [plugin.settings]
              gateways = ["10.99.0.0/24 via node2, node3"]
            """, StringComparison.Ordinal));
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        string session = (await one.PeerAsync(two))!.Value.GetProperty("since").ToString();
        using Traffic traffic = await Traffic.StartAsync("lab", one, two, perSecond);
        var routing = new List<TimeSpan>();
        var trust = new List<TimeSpan>();
        for (int swap = 0; swap < swaps; swap++)
            routing.Add(await SwapAsync(one, "routing", Policies[swap % 2]));
        for (int swap = 0; swap < swaps; swap++)
            trust.Add(await SwapAsync(one, "trust", TrustModels[swap % 2]));
        string rate = $"{traffic.PerSecond:0} packets/s, {traffic.Sent} packets";
        await traffic.NoneLostAsync(() => lab.AllLogs);
        TimeSpan unloaded = await Wait.ForAsync(TimeSpan.FromSeconds(30), "the old plugins to be unloaded",
            () => UnloadsPending(one) == 0, () => one.Log);
        Assert.Equal(session, (await one.PeerAsync(two))!.Value.GetProperty("since").ToString());
        Figures.Report(Figures.Line($"Swaps at {rate}, none lost or out of order; routing policy", routing));
        Figures.Report(Figures.Line("  trust model", trust));
        Figures.Report($"  no assembly of an old plugin is left {Figures.Ms(unloaded)} after the last packet");
        Assert.True(routing.Max() <= limit, Figures.Line("routing", routing));
        Assert.True(trust.Max() <= limit, Figures.Line("trust", trust));
    }

    private static async Task<TimeSpan> SwapAsync(Node node, string role, string name)
    {
        JsonElement? answer = await node.CallAsync($$"""{"cmd":"plugins.swap","role":"{{role}}","name":"{{name}}"}""");
        Assert.True(answer?.GetProperty("status").GetString() == "ok", $"{answer}\n{node.Log}");
        JsonElement running = (await node.AskAsync("plugins.list"))!.Value.EnumerateArray()
            .Single(plugin => plugin.GetProperty("role").GetString() == role && plugin.GetProperty("state").GetString() == "running");
        Assert.Equal(name, running.GetProperty("name").GetString());
        return TimeSpan.FromMilliseconds(answer!.Value.GetProperty("output").GetProperty("took_ms").GetDouble());
    }

    private static int UnloadsPending(Node node)
    {
        string page = node.Namespace.Run(() => Http.Get("127.0.0.1", 9000, "/metrics"));
        return int.Parse(Pending().Match(page).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^vibepn_plugin_unload_pending(?:\{[^}]*\})? (\d+)", RegexOptions.Multiline)]
    private static partial Regex Pending();
}
