using System.Diagnostics;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>A node that does not run for a while, as a laptop does whose lid is closed.</summary>
public sealed class SuspendTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public Task A_node_that_stood_still_for_20_s_is_back_soon_after_it_goes_on() =>
        RunAsync(TimeSpan.FromSeconds(20), limit: TimeSpan.FromSeconds(6)); // 2 s on a quiet machine, see below

    /// <summary>The figure: <c>tools/measure-suspend.sh</c>.</summary>
    [Fact(Explicit = true)]
    public Task A_node_that_stood_still_for_60_s_is_back_within_2_s_after_it_goes_on() =>
        RunAsync(TimeSpan.FromSeconds(60), limit: TimeSpan.FromSeconds(2));

    private static async Task RunAsync(TimeSpan standstill, TimeSpan limit)
    {
        using FullMesh mesh = await FullMesh.CreateAsync(3);
        await mesh.StartAsync(Patience);
        (Node one, Node two) = (mesh.Nodes[0], mesh.Nodes[1]);
        using var there = new Prober(one, [NodeConfig.Address("lab", 2, v6: false)], Interval);
        using var back = new Prober(two, [NodeConfig.Address("lab", 1, v6: false), NodeConfig.Address("lab", 3, v6: false)], Interval);

        await two.SignalAsync("STOP");
        there.Forget(); // it goes on asking, so node 1 finds out under traffic, and dials
        await Wait.ForAsync(Patience, "node1 to give node2 up", async () => !await one.IsUpAsync(two), mesh.Logs);
        await Task.Delay(standstill, TestContext.Current.CancellationToken);
        back.Forget();
        long since = Stopwatch.GetTimestamp();
        await two.SignalAsync("CONT");
        await Wait.ForAsync(limit * 3, "node2 to be back", () => there.AllAnsweredAt is not null && back.AllAnsweredAt is not null, mesh.Logs);
        TimeSpan took = Stopwatch.GetElapsedTime(since, Math.Max(there.AllAnsweredAt!.Value, back.AllAnsweredAt!.Value));
        Figures.Report($"Stopped for {standstill.TotalSeconds:0} s and more, a node pings and is pinged {Figures.Ms(took)} after it goes on.");
        Assert.True(took <= limit, $"It took {took.TotalSeconds:0.0} s.\n{mesh.Logs()}");
        await mesh.OneConnectionAsync(Patience);
    }
}
