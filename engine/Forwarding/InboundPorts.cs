using System.Collections.Concurrent;
using VibePN.Contracts;

namespace VibePN.Engine.Forwarding;

/// <summary>Which network numbers each connection may use now. Set by the control thread, read once a batch by transports.</summary>
internal sealed class InboundPorts
{
    private readonly ConcurrentDictionary<long, InboundPort> _ports = new();
    private readonly InboundPath _path = new();

    /// <summary>Packets of connections or networks that are not known (yet, or any more).</summary>
    public DropCounters Drops => _path.Drops;

    /// <summary>Takes packets of the connection by these numbers from now on.</summary>
    public void Set(ITransportConnection connection, InboundPort port) => _ports[connection.Id] = port;

    /// <summary>Takes no more packets of the connection.</summary>
    public void Remove(ITransportConnection connection) => _ports.TryRemove(connection.Id, out _);

    /// <summary>Brings packets of a connection into the kernel, or drops and counts them.</summary>
    public void Process(ITransportConnection connection, PacketBatch batch) =>
        _path.Process(_ports.GetValueOrDefault(connection.Id, InboundPort.None), batch);
}
