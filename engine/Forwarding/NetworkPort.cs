using VibePN.Contracts;

namespace VibePN.Engine.Forwarding;

/// <summary>What forwarding needs to know of one network: its device, its table and its counters.</summary>
/// <param name="name">The network's name, for messages.</param>
/// <param name="device">Its interface. The owner disposes it, after <see cref="Close"/>.</param>
internal sealed class NetworkPort(string name, ITunDevice device)
{
    // A device takes one writer at a time, but each connection's packets arrive on a thread of its own.
    private readonly Lock _writing = new();
    private volatile ForwardingTable _table = ForwardingTable.Empty;
    private bool _closed;

    /// <summary>The network's name.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the device takes packets whose transport checksum is partial.</summary>
    public bool TakesPartialChecksums { get; } = (device.Offloads & OffloadCapabilities.PartialChecksum) != OffloadCapabilities.None;

    /// <summary>
    /// Where packets go and which addresses are ours. The control thread swaps it; packet threads read it once a
    /// batch.
    /// </summary>
    public ForwardingTable Table
    {
        get => _table;
        set => _table = value;
    }

    /// <summary>Keeps the answers to this node's own echo questions.</summary>
    public EchoDesk Echoes { get; } = new();

    /// <summary>Packets from the kernel that a connection took.</summary>
    public TrafficCounters Sent { get; } = new();

    /// <summary>Packets from peers that the device took.</summary>
    public TrafficCounters Received { get; } = new();

    /// <summary>Packets from the kernel that went nowhere.</summary>
    public DropCounters SentDrops { get; } = new();

    /// <summary>Packets from peers that the kernel never saw.</summary>
    public DropCounters ReceivedDrops { get; } = new();

    /// <summary>Writes packets to the device. Any thread; one waits for another's run only.</summary>
    /// <returns>Packets accepted, 0 to <paramref name="count"/>; none once closed.</returns>
    public int Write(PacketBatch batch, int first, int count)
    {
        lock (_writing)
            return _closed ? 0 : Math.Clamp(device.Write(batch, first, count), 0, count);
    }

    /// <summary>Ends all writing for good: when it returns, no thread is in the device's Write or will be.</summary>
    public void Close()
    {
        lock (_writing)
            _closed = true;
    }
}
