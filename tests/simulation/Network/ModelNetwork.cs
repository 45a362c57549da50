using System.Globalization;
using VibePN.Contracts;
using VibePN.Simulation.Machines;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Network;

/// <summary>The network between the machines: delays, loses, repeats, reorders and cuts as the seed says.</summary>
internal sealed class ModelNetwork(SimulatedWorld world, WeatherReport weather) : IDisposable
{
    private readonly List<Machine> _machines = [];
    private readonly Dictionary<Fingerprint, Machine> _byId = [];
    private readonly Dictionary<(int From, int To), Link> _links = [];

    public SimulatedWorld World { get; } = world;

    /// <summary>What is usual on every link.</summary>
    public WeatherReport Weather { get; private set; } = weather;

    public IReadOnlyList<Machine> Machines => _machines;

    /// <summary>Datagrams that never arrived.</summary>
    public long Lost { get; private set; }

    /// <summary>Carries a packet from a connection into an engine; whoever keeps it longer finds it overwritten.</summary>
    public PacketBatch Scratch { get; } = new(64, 64 * 2_048);

    public void Add(Machine machine)
    {
        _machines.Add(machine);
        _byId.Add(machine.Id, machine);
    }

    /// <summary>The machine whose certificate this is, or null.</summary>
    public Machine? Find(Fingerprint id) => _byId.GetValueOrDefault(id);

    /// <summary>The machine that answers at an address, or null.</summary>
    public Machine? Resolve(string address)
    {
        int colon = address.IndexOf(':', StringComparison.Ordinal);
        if (!address.StartsWith("node", StringComparison.Ordinal) || colon < 0 || !address.EndsWith(NodePlan.Port, StringComparison.Ordinal))
            return null;
        int number = int.Parse(address.AsSpan(4, colon - 4), CultureInfo.InvariantCulture);
        return number < _machines.Count ? _machines[number] : null;
    }

    public Link LinkOf(int from, int to)
    {
        if (_links.TryGetValue((from, to), out Link? link))
            return link;
        // Both directions take about as long: the base is the pair's, the jitter the direction's.
        Draw pair = World.Stream("pair", Math.Min(from, to), Math.Max(from, to));
        link = new Link(World.Stream("link", from, to))
        {
            Latency = pair.Time(Weather.FastestMs, Weather.SlowestMs),
            Jitter = (long)(Weather.JitterMs * 1e6),
            Loss = Weather.Loss * pair.Share() * 2,
            Duplication = Weather.Duplication,
            Reordering = Weather.Reordering,
        };
        _links.Add((from, to), link);
        return link;
    }

    /// <summary>The weather turns fine: only delay and jitter stay.</summary>
    public void ClearUp()
    {
        Weather = Weather with { Loss = 0, Duplication = 0, Reordering = 0 };
        foreach (Link link in _links.Values)
        {
            link.Cuts = 0;
            link.Loss = 0;
            link.Duplication = 0;
            link.Reordering = 0;
        }
    }

    /// <summary>Sends a datagram: what is to happen when it arrives may happen never, or twice.</summary>
    public void Transmit(Machine from, Machine to, Action arrive)
    {
        Link link = LinkOf(from.Number, to.Number);
        if (link.Cuts > 0 || link.Random.Chance(link.Loss))
        {
            Lost++;
            return;
        }
        Carry(link, to, arrive);
        if (link.Random.Chance(link.Duplication))
            Carry(link, to, arrive);
    }

    /// <summary>Time that a datagram and its answer usually take.</summary>
    public long RoundTrip(Machine left, Machine right)
    {
        Link there = LinkOf(left.Number, right.Number);
        Link back = LinkOf(right.Number, left.Number);
        return there.Latency + there.Jitter + back.Latency + back.Jitter;
    }

    public void Dispose() => Scratch.Dispose();

    private void Carry(Link link, Machine to, Action arrive)
    {
        long delay = link.Latency + (long)(link.Jitter * link.Random.Share());
        if (link.Random.Chance(link.Reordering))
            delay += (long)(Weather.ReorderMs * 1e6 * link.Random.Share());
        World.After(delay, () => to.Arrive(arrive));
    }
}

/// <summary>What is usual on a network's links, in milliseconds and shares.</summary>
internal sealed record WeatherReport
{
    public double FastestMs { get; init; } = 0.1;

    public double SlowestMs { get; init; } = 20;

    public double JitterMs { get; init; } = 1;

    public double Loss { get; init; }

    public double Duplication { get; init; }

    public double Reordering { get; init; }

    public double ReorderMs { get; init; } = 50;

    /// <summary>Whether a transport that lost its state says so (RFC 9000 §10.3).</summary>
    public bool StatelessReset { get; init; }

    /// <summary>Share of packets that a transport refuses as if its queue were full.</summary>
    public double QueueFull { get; init; }
}
