using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.Scenarios;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>Knows of every inner packet who sent it, where to, and what became of it.</summary>
internal sealed class PacketLedger(SimulatedWorld world)
{
    private readonly List<Entry> _entries = [];
    private long _before;

    /// <summary>Packets that came out of an interface.</summary>
    public long Delivered { get; private set; }

    public long Sent => _entries.Count;

    /// <summary>Gives a packet its number.</summary>
    public long Begin(Machine from, string network, IpAddress source, IpAddress destination)
    {
        _entries.Add(new Entry(from, network, source, destination));
        return _entries.Count - 1;
    }

    public bool WasDelivered(long number) => number >= 0 && _entries[(int)number].Delivered;

    /// <summary>Feeds a batch to an engine's way out, and checks that every packet of it is accounted for.</summary>
    public void Feed(MachineProcess process, string network, ModelTunDevice device, PacketBatch batch)
    {
        NetworkPort? port = process.Node.Plane?.Networks.Find(network)?.Port;
        int count = batch.Count;
        long before = port is null ? 0 : SumOf(port.Sent, port.SentDrops);
        device.Path!.Process(batch);
        if (port is not null && SumOf(port.Sent, port.SentDrops) - before != count)
        {
            world.Break("packets are conserved",
                $"{process.Machine.Name} took {count} packets from {network} and accounts for {SumOf(port.Sent, port.SentDrops) - before}.",
                process.Machine.Number);
        }
    }

    /// <summary>Checks the same of an engine's way in.</summary>
    public void Arriving(ModelConnection connection, int count, bool done)
    {
        long sum = connection.Transport.Process.Node.InboundPorts.Drops is { } unknown ? SumOf(unknown) : 0;
        if (connection.Transport.Process.Node.Plane is { } plane)
        {
            foreach (OverlayNetwork network in plane.Networks.All)
                sum += network.Port is { } port ? SumOf(port.Received, port.ReceivedDrops) : 0;
        }
        if (!done)
            _before = sum;
        else if (sum - _before != count && connection.Transport.Process.Node.Plane is not null)
        {
            // A port that a lost interface took with it counts for nobody any more; its connections still know it.
            if (connection.Transport.Process.Node.Plane.Networks.All.All(network => network.Port is not null))
            {
                world.Break("packets are conserved",
                    $"{connection.Machine.Name} was handed {count} packets and accounts for {sum - _before}.", connection.Machine.Number);
            }
        }
    }

    /// <summary>A packet came out of an interface.</summary>
    public void Delivery(MachineProcess process, string network, ReadOnlySpan<byte> packet)
    {
        if (!Kernel.TryRead(packet, out IpAddress source, out IpAddress destination, out long number))
            return;
        Entry entry = _entries[(int)number];
        Machine to = process.Machine;
        world.Note(to.Number, "packet arrives from", entry.From.Number, number);
        string what = $"packet {number} from {entry.From.Name} ({entry.Source} to {entry.Destination} in {entry.Network}) came out at {to.Name} in {network}";
        if (entry.Delivered)
            Fail("a packet is delivered at most once", what + " again.");
        else if (source != entry.Source || destination != entry.Destination)
            Fail("a packet arrives as it was sent", $"{what} as {source} to {destination}.");
        else if (network != entry.Network)
            Fail("a packet stays in its network", what + ".");
        else if (!to.Plan.EverOwned(network, destination))
            Fail("a packet reaches only its destination", what + ".");
        else if (!entry.From.Plan.EverOwned(network, source) && !entry.From.Lies(network, source))
            Fail("a delivered source was its sender's", what + ", which never owned or announced the source.");
        else if (to.Plan.Networks.TryGetValue(network, out NetworkPlan? own) && source == own.Address && world.Now - Math.Max(to.Changed, to.Renumbered) > SimulatedWorld.Second)
            Fail("a delivered source was its sender's", what + ", whose own address the source is.");
        entry.Delivered = true;
        Delivered++;

        void Fail(string promise, string text) => world.Break(promise, text, entry.From.Number, to.Number);
    }

    private static long SumOf(TrafficCounters counters, DropCounters drops) => counters.Packets + SumOf(drops);

    private static long SumOf(DropCounters drops)
    {
        long sum = 0;
        for (DropReason reason = DropReason.None; reason <= DropReason.ConnectionClosed; reason++)
            sum += drops[reason];
        return sum;
    }

    private sealed class Entry(Machine from, string network, IpAddress source, IpAddress destination)
    {
        public Machine From { get; } = from;

        public string Network { get; } = network;

        public IpAddress Source { get; } = source;

        public IpAddress Destination { get; } = destination;

        public bool Delivered { get; set; }
    }
}
