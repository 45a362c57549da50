using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace VibePN.System.Tests.Lab;

/// <summary>Many nodes on one bridge, each of which dials all others.</summary>
internal sealed class FullMesh : IDisposable
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private readonly MeshLab _lab;

    private FullMesh(MeshLab lab) => _lab = lab;

    /// <summary>The nodes, none of which runs before <see cref="StartAsync"/>.</summary>
    public IReadOnlyList<Node> Nodes => _lab.Nodes;

    /// <summary>The second half of the nodes.</summary>
    public IEnumerable<Node> SecondHalf => Nodes.Skip(Nodes.Count / 2);

    /// <summary>Makes and configures the nodes.</summary>
    public static async Task<FullMesh> CreateAsync(int nodes)
    {
        var mesh = new FullMesh(await MeshLab.CreateAsync(nodes));
        foreach (Node node in mesh.Nodes)
            node.Configure(mesh.Nodes.Where(other => other != node).Select(other => MeshLab.Dialled(other)));
        return mesh;
    }

    /// <summary>Starts all daemons at once and waits until every pair has one connection and answers pings.</summary>
    /// <param name="limit">From the start of the last process; the test fails when it takes longer.</param>
    public async Task<MeshStart> StartAsync(TimeSpan limit)
    {
        var launch = Stopwatch.StartNew();
        foreach (Node node in Nodes)
            node.Start();
        TimeSpan launching = launch.Elapsed;
        long started = Stopwatch.GetTimestamp();
        using Probers probers = ProbeAll();
        await Wait.ForAsync(limit, "all daemons to be ready", () => Nodes.All(node => node.IsReady), Logs);
        long ready = Stopwatch.GetTimestamp();
        TimeSpan[] processor = [.. Nodes.Select(node => node.ProcessorTime)];
        TimeSpan left = limit - Stopwatch.GetElapsedTime(started);
        await Wait.ForAsync(left, "all pairs to answer", () => probers.AllAnsweredAt is not null, () => $"{probers.Silent}\n{Logs()}");
        await OneConnectionAsync(limit - Stopwatch.GetElapsedTime(started));
        long complete = Stopwatch.GetTimestamp();
        return new MeshStart(launching, Stopwatch.GetElapsedTime(started, ready), Stopwatch.GetElapsedTime(started, complete),
            Stopwatch.GetElapsedTime(started, probers.AllAnsweredAt!.Value), processor, [.. Nodes.Select(node => node.ProcessorTime)]);
    }

    /// <summary>Waits until every node has exactly one connection with every other.</summary>
    public Task OneConnectionAsync(TimeSpan limit) => Task.WhenAll(Nodes.Select(node => Wait.ForAsync(
        limit, $"{node.Name} to have one connection with each of the others",
        () => HoldsOneEachAsync(node), () => $"{node.AskAsync("peers").GetAwaiter().GetResult()}\n{Logs()}")));

    /// <summary>Cuts the mesh in halves and waits until each half has given the other up.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> PartAsync(TimeSpan limit)
    {
        _lab.Part(SecondHalf);
        var watch = Stopwatch.StartNew();
        int half = Nodes.Count / 2;
        for (int i = 0; i < Nodes.Count; i++)
        {
            Node node = Nodes[i];
            int own = i < half ? half : Nodes.Count - half;
            await Wait.ForAsync(limit - watch.Elapsed, $"{node.Name} to give the other half up",
                async () => (await ConnectionsAsync(node)).Count(peer => peer.IsUp) == own - 1, Logs);
        }
        return watch.Elapsed;
    }

    /// <summary>Joins the halves and measures until all pairs answer again.</summary>
    public async Task<TimeSpan> HealAsync(TimeSpan limit)
    {
        _lab.Heal(SecondHalf);
        long healed = Stopwatch.GetTimestamp();
        using Probers probers = ProbeAll();
        await Wait.ForAsync(limit, "all pairs to answer again", () => probers.AllAnsweredAt is not null, () => $"{probers.Silent}\n{Logs()}");
        return Stopwatch.GetElapsedTime(healed, probers.AllAnsweredAt!.Value);
    }

    /// <inheritdoc/>
    public void Dispose() => _lab.Dispose();

    /// <summary>The end of every daemon's log.</summary>
    public string Logs() => _lab.AllLogs;

    // Rarer with more nodes, so that asking does not keep the machine from starting them.
    private Probers ProbeAll() => new(Nodes, TimeSpan.FromMilliseconds(Math.Max(Glance.TotalMilliseconds, Nodes.Count * Nodes.Count / 4)));

    private async Task<bool> HoldsOneEachAsync(Node node)
    {
        (bool IsUp, int Connections)[] peers = [.. await ConnectionsAsync(node)];
        return peers.Length == Nodes.Count - 1 && peers.All(peer => peer is (true, 1));
    }

    private static async Task<IEnumerable<(bool IsUp, int Connections)>> ConnectionsAsync(Node node) =>
        await node.AskAsync("peers") is { ValueKind: JsonValueKind.Array } peers
            ? peers.EnumerateArray().Select(peer => (peer.GetProperty("state").GetString() == "up", peer.GetProperty("connections").GetInt32()))
            : [];

    // One for each node, each of which asks all others in the first network.
    private sealed class Probers : IDisposable
    {
        private readonly List<(string Node, Prober Prober)> _all = [];

        public Probers(IReadOnlyList<Node> nodes, TimeSpan interval)
        {
            foreach (Node node in nodes)
            {
                _all.Add((node.Name, new Prober(
                    node, nodes.Where(other => other != node).Select(other => NodeConfig.Address("corp", other.Number, v6: false)), interval)));
            }
        }

        public long? AllAnsweredAt => _all.All(one => one.Prober.AllAnsweredAt is not null) ? _all.Max(one => one.Prober.AllAnsweredAt) : null;

        public string Silent => string.Join('\n', _all.Where(one => one.Prober.AllAnsweredAt is null)
            .Select(one => $"{one.Node} has no answer from {string.Join(' ', one.Prober.Silent)}"));

        public void Dispose()
        {
            foreach ((_, Prober prober) in _all)
                prober.Dispose();
        }
    }
}

/// <summary>How the start of a mesh went. Times count from the start of the last process.</summary>
/// <param name="Launching">From the start of the first process to that of the last.</param>
/// <param name="LastReady">Until the last daemon said that it is ready.</param>
/// <param name="Complete">Until every pair had one connection at both ends, and had answered pings.</param>
/// <param name="LastPing">Until the last pair answered.</param>
/// <param name="ProcessorAtReady">Processor time of each daemon when the last was ready.</param>
/// <param name="ProcessorInAll">Processor time of each daemon in the end.</param>
internal sealed record MeshStart(
    TimeSpan Launching, TimeSpan LastReady, TimeSpan Complete, TimeSpan LastPing, TimeSpan[] ProcessorAtReady, TimeSpan[] ProcessorInAll)
{
    /// <summary>All of it in one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{ProcessorInAll.Length} nodes, {ProcessorInAll.Length * (ProcessorInAll.Length - 1) / 2} pairs, started within {Figures.Ms(Launching)}: "
        + $"complete {Figures.Ms(Complete)} after the start of the last process and {Figures.Ms(Complete - LastReady)} after the last was ready; "
        + $"last first ping {Figures.Ms(LastPing)}; processor time {ProcessorAtReady.Sum(time => time.TotalSeconds):0.0} s until ready "
        + $"and {ProcessorInAll.Sum(time => time.TotalSeconds):0.0} s in all, {ProcessorInAll.Average(time => time.TotalSeconds):0.00} s for each daemon");
}
