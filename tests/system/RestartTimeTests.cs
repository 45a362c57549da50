using System.Diagnostics;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>From the start of a killed daemon's successor to the first answered ping.</summary>
public sealed class RestartTimeTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public Task A_killed_node_that_is_started_anew_pings_within_5_s_three_times() =>
        RunAsync(rounds: 3, median: TimeSpan.FromSeconds(5), slowest: TimeSpan.FromSeconds(10));

    /// <summary>The figure: <c>tools/measure-restart.sh</c>. ROUNDS says how many.</summary>
    [Fact(Explicit = true)]
    public Task A_killed_node_that_is_started_anew_pings_within_1_s_in_the_median_and_5_s_always() =>
        RunAsync(Figures.Number("ROUNDS", 50), median: TimeSpan.FromSeconds(1), slowest: TimeSpan.FromSeconds(5));

    private static async Task RunAsync(int rounds, TimeSpan median, TimeSpan slowest)
    {
        using FullMesh mesh = await FullMesh.CreateAsync(3);
        await mesh.StartAsync(Patience);
        (Node one, Node two) = (mesh.Nodes[0], mesh.Nodes[1]);
        using var prober = new Prober(one, [NodeConfig.Address("lab", 2, v6: false)], Interval);
        var ready = new List<TimeSpan>();
        var answered = new List<TimeSpan>();
        for (int round = 0; round < rounds; round++)
        {
            await two.KillAsync();
            prober.Forget();
            long since = Stopwatch.GetTimestamp();
            two.Start();
            await Wait.ForAsync(slowest, "node2 to be ready", () => two.IsReady, mesh.Logs);
            ready.Add(Stopwatch.GetElapsedTime(since));
            await Wait.ForAsync(slowest, "node2 to answer", () => prober.AllAnsweredAt is not null, mesh.Logs);
            answered.Add(Stopwatch.GetElapsedTime(since, prober.AllAnsweredAt!.Value));
            await mesh.OneConnectionAsync(Patience);
        }
        Figures.Report(Figures.Line("From the new process's start until it is ready", ready));
        Figures.Report(Figures.Line("From the new process's start to the first answered ping", answered));
        Assert.True(Figures.Percentile(answered, 50) <= median, Figures.Line("answered", answered));
        Assert.True(Figures.Percentile(answered, 99) <= slowest, Figures.Line("answered", answered));
    }
}
