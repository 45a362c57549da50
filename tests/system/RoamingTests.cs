using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>A node that gets another address on its own network, as a laptop does.</summary>
public sealed class RoamingTests
{
    private const double Interval = 0.01;
    private const int Requests = 500;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Address_of_the_dialling_node_is_replaced_and_pings_both_ways_pause_for_two_seconds_at_most(bool v6)
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Awaited(two));
        two.Configure(MeshLab.Dialled(one, v6));
        one.Start();
        two.Start();
        await Task.WhenAll(one.JoinedAsync(two), two.JoinedAsync(one));

        Task<Ping> there = two.PingAsync(NodeConfig.Address("corp", 1, v6: false), Requests, Interval);
        Task<Ping> back = one.PingAsync(NodeConfig.Address("lab", 2, v6: true), Requests, Interval);
        await Wait.ForAsync(Node.Patience, "traffic to flow", async () =>
            (await one.PeerAsync(two))!.Value.GetProperty("rx_packets").GetInt64() > 200, () => lab.AllLogs);
        string old = v6 ? $"{two.Underlay6}/64" : $"{two.Underlay}/24";
        string[] replacement = v6 ? ["2001:db8::99/64", "dev", "eth0", "nodad"] : ["192.0.2.99/24", "dev", "eth0"];
        two.Namespace.Exec("ip", "address", "del", old, "dev", "eth0");
        two.Namespace.Exec("ip", ["address", "add", .. replacement]);

        foreach (Ping ping in new[] { await there, await back })
        {
            TimeSpan pause = LongestPause(ping);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"Longest pause {pause.TotalMilliseconds:0} ms; last answer {ping.Answered.Max()}, {ping.Answered.Count} answers.");
            // The last answer lies behind the change, or the pause would have no end.
            Assert.InRange(ping.Answered.Max(), 250, int.MaxValue);
            Assert.True(pause <= TimeSpan.FromSeconds(2), $"It paused {pause.TotalSeconds:0.0} s.\n{lab.AllLogs}");
        }
        Assert.True(await two.ReachesAsync(NodeConfig.Address("lab", 1, v6: true)), lab.AllLogs);
        string address = (await one.PeerAsync(two))!.Value.GetProperty("remote").GetString()!;
        Assert.Contains(v6 ? "2001:db8::99" : "192.0.2.99", address, StringComparison.Ordinal);
    }

    // Of requests without an answer between two that had one. How many ping sends in its time depends on the machine.
    private static TimeSpan LongestPause(Ping ping)
    {
        int longest = 0;
        int last = 0;
        foreach (int number in ping.Answered.Order())
        {
            longest = Math.Max(longest, number - last - 1);
            last = number;
        }
        return TimeSpan.FromSeconds(longest * Interval);
    }
}
