using System.Diagnostics;
using System.Text.Json;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Two nodes that start, and dial each other, at the same moment.</summary>
public sealed class CrossDialTests
{
    // Two daemons are launched at once; the operating system needs well under this to start both.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(10);

    [Fact]
    public Task Twenty_cross_dials_end_with_one_connection_each_and_traffic_flows() => RunAsync(rounds: 20);

    /// <summary>The long run: <c>tools/measure-cross-dial.sh</c>.</summary>
    [Fact(Explicit = true)]
    public Task A_hundred_cross_dials_end_with_one_connection_each_and_traffic_flows() => RunAsync(rounds: 100);

    private static async Task RunAsync(int rounds)
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        int simultaneous = 0;
        for (int attempt = 0; simultaneous < rounds; attempt++)
        {
            Assert.True(attempt < rounds * 2, "The machine is too busy to start two processes within 10 ms.");
            TimeSpan apart = StartBoth(one, two);
            await Task.WhenAll(one.JoinedAsync(two), two.JoinedAsync(one));
            await HoldsOneConnectionAsync(lab, one, two);
            await HoldsOneConnectionAsync(lab, two, one);
            (await one.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 20)).AssertAllAnswered(20);
            await HoldsOneConnectionAsync(lab, one, two);
            await HoldsOneConnectionAsync(lab, two, one);
            await Task.WhenAll(one.KillAsync(), two.KillAsync());
            File.Delete(one.LogPath);
            File.Delete(two.LogPath);
            simultaneous += apart <= Together ? 1 : 0;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{simultaneous} simultaneous starts, one connection at both ends every time.");
    }

    private static TimeSpan StartBoth(Node one, Node two)
    {
        using var gate = new Barrier(2);
        long[] launched = new long[2];
        Task Launch(Node node, int index) => Task.Factory.StartNew(
            () =>
            {
                gate.SignalAndWait();
                launched[index] = Stopwatch.GetTimestamp();
                node.Start();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Task.WaitAll(Launch(one, 0), Launch(two, 1));
        return Stopwatch.GetElapsedTime(Math.Min(launched[0], launched[1]), Math.Max(launched[0], launched[1]));
    }

    // A surplus connection may be closing when the session comes up, but not stay.
    private static Task<TimeSpan> HoldsOneConnectionAsync(MeshLab lab, Node node, Node peer) => Wait.ForAsync(
        TimeSpan.FromSeconds(3), $"{node.Name} to hold one connection",
        async () => await node.PeerAsync(peer) is { } entry
            && entry.GetProperty("state").GetString() == "up"
            && entry.GetProperty("connections").GetInt32() == 1,
        () => lab.AllLogs);
}
