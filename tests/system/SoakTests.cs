using System.Diagnostics;
using System.Globalization;
using VibePN.System.Tests.Lab;
using VibePN.System.Tests.Soak;

namespace VibePN.System.Tests;

/// <summary>Mixed traffic between two nodes, all of which is compared with what was sent.</summary>
public sealed class SoakTests
{
    private const long MostGrowth = 30 << 20;

    [Fact]
    public Task Mixed_traffic_is_not_altered_or_reordered_in_a_few_seconds() => RunAsync(seconds: 7);

    /// <summary>The long run: <c>tools/soak.sh</c>. SOAK_SECONDS says how long.</summary>
    [Fact(Explicit = true)]
    public Task Mixed_traffic_is_not_altered_or_reordered_in_ten_minutes() => RunAsync(Figures.Number("SOAK_SECONDS", 600));

    private static async Task RunAsync(int seconds)
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        foreach (Node node in lab.Nodes)
        {
            // Room for what has lost a fragment under load, and an end to it before its number comes again.
            foreach ((string name, int value) in new[] { ("ipv4.ipfrag_high_thresh", 64 << 20), ("ipv4.ipfrag_time", 5), ("ipv6.ip6frag_high_thresh", 64 << 20), ("ipv6.ip6frag_time", 5) })
                node.Namespace.Exec("sysctl", "-q", "-w", string.Create(CultureInfo.InvariantCulture, $"net.{name}={value}"));
            node.Start();
        }
        await Task.WhenAll(one.JoinedAsync(two), two.JoinedAsync(one));

        var memory = new MemoryLine(lab.Nodes, TimeSpan.FromSeconds(seconds));
        TimeSpan quiet = TimeSpan.FromSeconds(Math.Clamp(seconds / 10.0, 2, 30));
        Flow[] loaded = await RunAsync(LoadedFlows(one, two), TimeSpan.FromSeconds(seconds) - quiet, memory);
        Flow[] paced = await RunAsync(PacedFlows(one, two), quiet, memory);
        string errors = string.Join(", ", lab.Nodes.Select(KernelErrors.In).Where(text => text.Length > 0));

        foreach (IGrouping<string, Flow> kind in loaded.Concat(paced).GroupBy(flow => flow.Kind))
            Figures.Report(Line(kind.Key, kind));
        Figures.Report(memory.ToString());
        Figures.Report($"kernel counters of wrong checksums and headers: {(errors.Length == 0 ? "all 0" : errors)}");

        string[] faults = [.. loaded.Concat(paced).SelectMany(flow =>
            flow.Book.Faults.Concat(flow.Failure is null ? [] : [flow.Failure.ToString()]).Select(fault => $"{flow.Kind}, {flow.Way}: {fault}"))];
        Assert.True(faults.Length == 0, $"{string.Join('\n', faults)}\n{lab.AllLogs}");
        Assert.Empty(errors);
        Assert.All(loaded, flow => Assert.True(flow.Book.Received > 0, $"{flow.Kind}, {flow.Way}: nothing came of {flow.Book.Sent}."));
        // One at most: what was on its way when the first fragment of the two hosts was seen.
        Assert.All(loaded, flow => Assert.True(flow.Book.Overtaken <= 1, $"{flow.Kind}, {flow.Way}: {flow.Book.Overtaken} whole and fragmented datagrams overtook each other."));
        Assert.All(loaded.OfType<TcpFlow>(), flow => Assert.Equal(0, flow.Book.Lost));
        Assert.All(paced, flow => Assert.True(flow.Book.Lost == 0, $"{flow.Kind}, {flow.Way}: {flow.Book.Lost} of {flow.Book.Sent} lost at a low rate."));
        Assert.All(memory.Growth, growth => Assert.True(growth < MostGrowth, memory.ToString()));
    }

    // Until the time is up, and then until all has arrived that will.
    private static async Task<Flow[]> RunAsync(IEnumerable<Flow> flows, TimeSpan time, MemoryLine memory)
    {
        Flow[] all = [.. flows];
        try
        {
            foreach (Flow flow in all)
                flow.Start();
            var watch = Stopwatch.StartNew();
            long before = 0;
            for (TimeSpan told = TimeSpan.Zero; watch.Elapsed < time;)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);
                memory.Look();
                if (watch.Elapsed - told < TimeSpan.FromSeconds(30))
                    continue;
                long now = all.Sum(flow => flow.Book.Bytes);
                Figures.Report(string.Create(CultureInfo.InvariantCulture, $"{memory.Elapsed.TotalSeconds,5:0} s: {(now - before) * 8 / (watch.Elapsed - told).TotalSeconds / 1e6:0} Mbit/s; {Sums(all)}; {memory}"));
                (told, before) = (watch.Elapsed, now);
            }
            foreach (Flow flow in all)
                flow.Stop();
            // A datagram that has not come by then is lost; a stream has to come to its end.
            for (watch.Restart(); !all.All(flow => flow.IsComplete || watch.Elapsed > TimeSpan.FromSeconds(flow is TcpFlow ? 20 : 2));)
                await Task.Delay(20, TestContext.Current.CancellationToken);
            return all;
        }
        finally
        {
            foreach (Flow flow in all)
                flow.Dispose();
        }
    }

    private static IEnumerable<Flow> LoadedFlows(Node one, Node two)
    {
        int number = 1;
        foreach ((Node from, Node to) in new[] { (one, two), (two, one) })
        {
            foreach (bool v6 in new[] { false, true })
            {
                yield return new TcpFlow(new Way(from, to, v6, number++));
                yield return new UdpFlow(new Way(from, to, v6, number++), UdpKind.Plain, perSecond: 100);
                yield return new UdpFlow(new Way(from, to, v6, number++), UdpKind.Segments, perSecond: 30);
                if (!v6)
                    yield return new UdpFlow(new Way(from, to, v6, number++), UdpKind.NoChecksum, perSecond: 50);
                yield return new EchoFlow(new Way(from, to, v6, number++), perSecond: 50);
                yield return new RawFlow(new Way(from, to, v6, number++), perSecond: 50);
            }
        }
    }

    private static IEnumerable<Flow> PacedFlows(Node one, Node two)
    {
        int number = 100;
        foreach ((Node from, Node to) in new[] { (one, two), (two, one) })
        {
            foreach (bool v6 in new[] { false, true })
                yield return new UdpFlow(new Way(from, to, v6, number++), UdpKind.Plain, perSecond: 50, "UDP, nothing beside");
        }
    }

    private static string Sums(IEnumerable<Flow> flows) => string.Create(CultureInfo.InvariantCulture,
        $"altered {flows.Sum(flow => flow.Book.Altered)}, reordered {flows.Sum(flow => flow.Book.Reordered)}, "
        + $"repeated {flows.Sum(flow => flow.Book.Repeated)}, whole and fragmented overtook each other {flows.Sum(flow => flow.Book.Overtaken)}");

    private static string Line(string kind, IEnumerable<Flow> flows) => string.Create(CultureInfo.InvariantCulture,
        $"{kind,-20} {flows.Count()} flows, {flows.Sum(flow => flow.Book.Bytes) / 1e6:0.0} MB, {flows.Sum(flow => flow.Book.Sent)} sent, "
        + $"{flows.Sum(flow => flow.Book.Lost)} lost, {Sums(flows)}");

    // Resident memory of both daemons in the course of the run.
    private sealed class MemoryLine(IReadOnlyList<Node> nodes, TimeSpan time)
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private readonly long[] _first = new long[nodes.Count];
        private readonly long[] _fifth = new long[nodes.Count];
        private readonly long[] _last = new long[nodes.Count];

        public TimeSpan Elapsed => _watch.Elapsed;

        // From what it was at most in the first fifth.
        public IEnumerable<long> Growth => _last.Zip(_fifth, (last, fifth) => last - fifth);

        public void Look()
        {
            for (int i = 0; i < nodes.Count; i++)
            {
                _last[i] = Memory.Of(nodes[i]).Resident;
                if (_watch.Elapsed < TimeSpan.FromSeconds(60))
                    _first[i] = Math.Max(_first[i], _last[i]);
                if (_watch.Elapsed < time / 5)
                    _fifth[i] = Math.Max(_fifth[i], _last[i]);
            }
        }

        public override string ToString() => "resident memory: " + string.Join("; ", nodes.Select((node, i) =>
            $"{node.Name} {Memory.MiB(_last[i])}, in the first minute {Memory.MiB(_first[i])}, in the first fifth {Memory.MiB(_fifth[i])}"));
    }
}
