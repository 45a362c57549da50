using System.Diagnostics;
using System.Text.Json;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Reloads that change everything but one network and one peer, while these carry traffic.</summary>
public sealed class ReloadUnderLoadTests
{
    [Fact]
    public Task Thirty_random_reloads_and_ten_invalid_files_lose_no_packet_of_an_untouched_network() =>
        RunAsync(reloads: 30, invalid: 10, perSecond: 4_000);

    /// <summary>The figure: <c>tools/measure-reload.sh</c>. RELOADS, INVALID, RATE and SEED change it.</summary>
    [Fact(Explicit = true)]
    public Task A_thousand_random_reloads_and_200_invalid_files_lose_no_packet_of_an_untouched_network() =>
        RunAsync(Figures.Number("RELOADS", 1000), Figures.Number("INVALID", 200), Figures.Number("RATE", 20_000));

    private static async Task RunAsync(int reloads, int invalid, int perSecond)
    {
        int seed = Figures.Number("SEED", 3);
        using MeshLab lab = await LoadLab.CreateAsync();
        (Node one, Node two, Node three) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
        var configs = new RandomConfig(one, two, three, new Random(seed));
        string session = await SessionAsync(one, two);
        using Traffic traffic = await Traffic.StartAsync("lab", one, two, perSecond);
        var times = new List<TimeSpan>();
        int changes = 0;
        for (int round = 0; round < reloads; round++)
        {
            one.WriteConfig(configs.Next());
            var watch = Stopwatch.StartNew();
            JsonElement answer = await one.CallAsync("""{"cmd":"reload"}""") ?? throw new InvalidOperationException("No answer.\n" + one.Log);
            times.Add(watch.Elapsed);
            Assert.True(answer.GetProperty("status").GetString() == "ok", $"Seed {seed}, reload {round}: {answer}");
            changes += answer.GetProperty("output").GetProperty("changes").GetArrayLength();
            if (round % 10 == 0)
                await FollowsAsync(one);
            // Spread among the valid ones, so that they meet every state that those leave.
            if ((long)(round + 1) * invalid / reloads > (long)round * invalid / reloads)
                await RefusedAsync(one, configs.NextInvalid(), seed, round);
        }
        string rate = $"{traffic.PerSecond:0} packets/s, {traffic.Sent} packets";
        await traffic.NoneLostAsync(() => lab.AllLogs);
        Assert.Equal(session, await SessionAsync(one, two));
        Assert.True(changes > reloads, $"Only {changes} changes.");
        Figures.Report(Figures.Line($"{reloads} reloads with {changes} changes and {invalid} refused files at {rate}, none lost or out of order (seed {seed}); a reload", times));
    }

    // What the file says is in effect, or a second reload would have something to change.
    private static async Task FollowsAsync(Node node)
    {
        JsonElement? plan = await node.CallAsync("""{"cmd":"reload","dry_run":true}""");
        Assert.True(plan?.GetProperty("output").GetProperty("changes").GetArrayLength() == 0, $"{plan}");
    }

    private static async Task RefusedAsync(Node node, (string Text, string[] Complaints) file, int seed, int round)
    {
        string before = await HashAsync(node);
        node.WriteConfig(file.Text);
        ToolResult result = await node.ClientAsync("reload");
        Assert.True(result.ExitCode == 4, $"Seed {seed}, invalid file after reload {round}: {result.Text}\n{file.Text}");
        Assert.All(file.Complaints, complaint => Assert.Contains(complaint, result.Error, StringComparison.Ordinal));
        Assert.Equal(before, await HashAsync(node));
    }

    private static async Task<string> HashAsync(Node node) =>
        (await node.AskAsync("status"))!.Value.GetProperty("config_hash").GetString()!;

    // When the session came up, and from which end.
    private static async Task<string> SessionAsync(Node node, Node peer)
    {
        JsonElement entry = (await node.PeerAsync(peer))!.Value;
        return $"{entry.GetProperty("since")} {entry.GetProperty("role")}";
    }
}
