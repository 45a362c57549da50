using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>Numbered datagrams between two nodes in both directions, of which none may be lost.</summary>
internal sealed class Traffic : IDisposable
{
    private const int Port = 7_000;

    private readonly Node _one;
    private readonly Node _two;
    private readonly string _device;
    private readonly UdpSink[] _sinks;
    private readonly UdpSource[] _sources;

    /// <summary>Begins, and waits until datagrams arrive at both ends.</summary>
    /// <param name="network">The network that carries them.</param>
    /// <param name="one">One end.</param>
    /// <param name="two">The other.</param>
    /// <param name="perSecond">In both directions together.</param>
    public static async Task<Traffic> StartAsync(string network, Node one, Node two, int perSecond)
    {
        var traffic = new Traffic(network, one, two, perSecond);
        await Wait.ForAsync(Node.Patience, "traffic to flow", () => traffic._sinks.All(sink => sink.Received > 100));
        return traffic;
    }

    private Traffic(string network, Node one, Node two, int perSecond)
    {
        (_one, _two) = (one, two);
        _device = $"vpn-{network}";
        Node[] ends = [one, two];
        _sinks = [.. ends.Select(node => new UdpSink(node, NodeConfig.Address(network, node.Number, v6: false), Port))];
        _sources = [.. ends.Select((node, index) => new UdpSource(
            node, NodeConfig.Address(network, ends[1 - index].Number, v6: false), Port, perSecond / 2))];
    }

    /// <summary>Datagrams a second that were really sent, both directions together.</summary>
    public double PerSecond => _sources.Sum(source => source.PerSecond);

    /// <summary>Datagrams sent so far, both directions together.</summary>
    public long Sent => _sources.Sum(source => source.Sent);

    /// <summary>Ends the traffic and fails the test unless every datagram arrived once, in order.</summary>
    /// <param name="logs">For the message of a failure.</param>
    public async Task NoneLostAsync(Func<string> logs)
    {
        foreach (UdpSource source in _sources)
            source.Stop();
        for (int direction = 0; direction < 2; direction++)
        {
            UdpSink sink = _sinks[1 - direction];
            long sent = _sources[direction].Sent;
            await Wait.ForAsync(TimeSpan.FromSeconds(5), "the last datagram to arrive", () => sink.Received >= sent,
                () => $"Direction {direction}: {sent - sink.Received} of {sent} lost: {sink.Missing(sent)}\n{Where()}\n{logs()}");
            Assert.Equal(0, sink.Repeated);
            Assert.True(sink.Reordered == 0, $"Direction {direction}: {sink.Reordered} of {sent} out of order.");
            Assert.Equal(0, _sources[direction].Refused);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable end in _sources.Concat<IDisposable>(_sinks))
            end.Dispose();
    }

    // Who dropped it: the queue of the interface, the daemon, the kernel's backlog, or the socket of the sink.
    private string Where()
    {
        var lines = new List<string>();
        foreach (Node node in new[] { _one, _two })
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{node.Name}:"));
            lines.Add(node.Namespace.Exec("ip", "-s", "link", "show", _device));
            lines.Add(node.Namespace.Exec("grep", "Udp:", "/proc/net/snmp"));
            lines.Add($"{node.AskAsync("networks").GetAwaiter().GetResult()}");
            lines.Add($"{node.AskAsync("peers").GetAwaiter().GetResult()}");
        }
        lines.Add("softnet_stat: " + File.ReadAllText("/proc/net/softnet_stat"));
        return string.Join('\n', lines);
    }
}
