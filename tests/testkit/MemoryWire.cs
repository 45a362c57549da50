using System.Collections.Concurrent;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>The wire between any number of <see cref="MemoryTransport"/>s of one process: addresses, delay and faults.</summary>
/// <remarks>All members from any thread; faults take effect with the next packet or dial.</remarks>
public sealed class MemoryWire
{
    private readonly ConcurrentDictionary<string, MemoryTransport> _listeners = new(StringComparer.Ordinal);

    /// <summary>How long a handshake takes: long enough, and two ends that dial each other always cross.</summary>
    public TimeSpan HandshakeTime { get; set; }

    /// <summary>Which inner packets are lost; none by default.</summary>
    public Func<byte[], bool> Loses { get; set; } = _ => false;

    /// <summary>Which addresses nobody can reach; all can be reached by default.</summary>
    public Func<string, bool> Unreachable { get; set; } = _ => false;

    /// <summary>Whether somebody listens at an address.</summary>
    public bool IsHeard(string address) => Find(address) is not null;

    internal bool TryListen(string address, MemoryTransport transport) =>
        _listeners.GetOrAdd(address, transport) == transport;

    internal void KeepOnly(MemoryTransport transport, string[] addresses)
    {
        foreach ((string address, MemoryTransport listener) in _listeners)
        {
            if (listener == transport && !addresses.Contains(address))
                _listeners.TryRemove(address, out _);
        }
    }

    internal void Leave(MemoryTransport transport) => KeepOnly(transport, []);

    internal MemoryTransport? Find(string address) =>
        Unreachable(address) ? null : _listeners.GetValueOrDefault(address);
}
