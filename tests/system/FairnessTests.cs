using System.Diagnostics;
using System.Globalization;
using VibePN.System.Tests.Lab;
using VibePN.System.Tests.Soak;

namespace VibePN.System.Tests;

/// <summary>A hub with eight peers, one of which is behind a link of 1 Mbit/s.</summary>
public sealed class FairnessTests
{
    private const int Peers = 8;
    private const int PacedPerSecond = 200;
    private const double LeastRatio = 0.95;

    /// <summary>The figure: <c>tools/measure-fairness.sh</c>. ROUNDS and FAIR_SECONDS change it.</summary>
    [Fact(Explicit = true)]
    public async Task A_slow_peer_takes_at_most_5_percent_from_the_others_and_none_of_their_paced_packets()
    {
        int rounds = Figures.Number("ROUNDS", 3);
        TimeSpan time = TimeSpan.FromSeconds(Figures.Number("FAIR_SECONDS", 5));
        using MeshLab lab = await MeshLab.CreateAsync(Peers + 1);
        (Node hub, Node[] others, Node slow) = (lab.Nodes[0], [.. lab.Nodes.Skip(1).Take(Peers - 1)], lab.Nodes[^1]);
        hub.Configure(lab.Nodes.Skip(1).Select(peer => MeshLab.Dialled(peer)));
        foreach (Node node in lab.Nodes.Skip(1))
            node.Configure(MeshLab.Awaited(hub));
        foreach (Node node in lab.Nodes.Reverse<Node>())
            node.Start();
        foreach (Node node in lab.Nodes.Skip(1))
        {
            await Wait.ForAsync(Node.Patience * 4, $"{node.Name} to be reached",
                () => hub.ReachesAsync(NodeConfig.Address("lab", node.Number, v6: true)), () => lab.AllLogs);
        }
        lab.Limit(slow, "1mbit");

        var without = new List<double>();
        var with = new List<double>();
        var lost = new Dictionary<bool, long> { [false] = 0, [true] = 0 };
        long paced = 0;
        for (int round = 0; round < rounds; round++)
        {
            foreach (bool isSlowSentTo in new[] { false, true })
            {
                using SlowLoad? load = isSlowSentTo ? new SlowLoad(hub, slow) : null;
                await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken); // its queues are full by then
                double throughput = await ThroughputAsync(hub, others, time);
                (isSlowSentTo ? with : without).Add(throughput);
                (long sent, long missing) = await PacedAsync(hub, others, time);
                paced += isSlowSentTo ? sent : 0;
                lost[isSlowSentTo] += missing;
                Figures.Report(string.Create(CultureInfo.InvariantCulture,
                    $"round {round + 1}, the slow one {(isSlowSentTo ? $"sent to ({load!.Received * 8 / load.Elapsed.TotalSeconds / 1e6:0.00} Mbit/s arrive)" : "left alone")}: "
                    + $"{throughput:0} Mbit/s to the other seven; {missing} of {sent} paced packets lost"));
            }
        }
        Assert.True(await hub.IsUpAsync(slow), lab.AllLogs);
        double ratio = Median(with) / Median(without);
        Figures.Report(string.Create(CultureInfo.InvariantCulture,
            $"median of {rounds}: {Median(without):0} Mbit/s without, {Median(with):0} Mbit/s with the slow one, ratio {ratio:0.000}; "
            + $"lost {lost[true]} of {paced} paced packets with it, {lost[false]} without"));
        Assert.Equal(0, lost[true]);
        Assert.True(ratio >= LeastRatio, $"ratio {ratio}");
    }

    // TCP to all of the others at once, in Mbit/s together.
    private static async Task<double> ThroughputAsync(Node hub, Node[] others, TimeSpan time)
    {
        TcpLoad[] loads = [.. others.Select(other => new TcpLoad(hub, other, NodeConfig.Address("lab", other.Number, v6: false), 7_000))];
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken); // slow start is not what is measured
            long before = loads.Sum(load => load.Received);
            var watch = Stopwatch.StartNew();
            await Task.Delay(time, TestContext.Current.CancellationToken);
            return (loads.Sum(load => load.Received) - before) * 8 / watch.Elapsed.TotalSeconds / 1e6;
        }
        finally
        {
            foreach (TcpLoad load in loads)
                load.Dispose();
        }
    }

    private static async Task<(long Sent, long Lost)> PacedAsync(Node hub, Node[] others, TimeSpan time)
    {
        var sinks = new List<UdpSink>();
        var sources = new List<UdpSource>();
        try
        {
            foreach (Node other in others)
            {
                string address = NodeConfig.Address("lab", other.Number, v6: false);
                sinks.Add(new UdpSink(other, address, 7_001));
                sources.Add(new UdpSource(hub, address, 7_001, PacedPerSecond));
            }
            await Task.Delay(time, TestContext.Current.CancellationToken);
            foreach (UdpSource source in sources)
                source.Stop();
            long sent = sources.Sum(source => source.Sent);
            var watch = Stopwatch.StartNew();
            while (sinks.Sum(sink => sink.Received) < sent && watch.Elapsed < TimeSpan.FromSeconds(2))
                await Task.Delay(20, TestContext.Current.CancellationToken);
            return (sent, sent - sinks.Sum(sink => sink.Received));
        }
        finally
        {
            foreach (IDisposable end in sources.Concat<IDisposable>(sinks))
                end.Dispose();
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    // More than the slow link carries, of both kinds: TCP, and some 5 Mbit/s of UDP.
    private sealed class SlowLoad : IDisposable
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private readonly Flow _udp;
        private readonly TcpLoad _tcp;

        public SlowLoad(Node hub, Node slow)
        {
            _tcp = new TcpLoad(hub, slow, NodeConfig.Address("lab", slow.Number, v6: false), 7_002);
            _udp = new UdpFlow(new Way(hub, slow, V6: false, 1), UdpKind.Segments, perSecond: 30).Start();
        }

        public long Received => _tcp.Received + _udp.Book.Bytes;

        public TimeSpan Elapsed => _watch.Elapsed;

        public void Dispose()
        {
            _udp.Dispose();
            _tcp.Dispose();
        }
    }
}
