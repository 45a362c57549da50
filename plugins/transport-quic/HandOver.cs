using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Datagrams for a loop that another loop has received.</summary>
/// <remarks>
/// Rare: the kernel joins datagrams of two connections between the same two sockets (UDP_GRO), a stateless reset carries
/// no ID of ours, and while sockets open or close the steering is not complete. Bounded: what does not fit is lost, as any
/// datagram may be. Any thread adds, the loop takes. The memory is taken with the first.
/// </remarks>
internal sealed unsafe class HandOver : IDisposable
{
    /// <summary>Datagrams that may wait.</summary>
    public const int Most = 512;

    private const int SideBytes = 512 * 1024;

    private readonly Lock _gate = new();
    private Side _filling = new();
    private Side _taken = new();
    private bool _isClosed;
    private int _waiting;

    /// <summary>Whether any waits.</summary>
    public bool HasAny => Volatile.Read(ref _waiting) > 0;

    /// <summary>Copies a datagram in.</summary>
    /// <param name="group">The address that it arrived at.</param>
    /// <param name="remote">Where it came from.</param>
    /// <param name="local">Where it was sent to; known on wildcard sockets only.</param>
    /// <param name="packet">The datagram.</param>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(SocketGroup group, in SocketAddress28 remote, LocalAddress local, ReadOnlySpan<byte> packet)
    {
        lock (_gate)
        {
            if (_isClosed || _filling.Count == Most || packet.Length > SideBytes - _filling.Used)
                return false;
            _filling.Add(group, remote, local, packet);
            Volatile.Write(ref _waiting, _filling.Count);
            return true;
        }
    }

    /// <summary>Takes all that wait. The loop's thread; valid until the next call.</summary>
    public ReadOnlySpan<Entry> Take()
    {
        lock (_gate)
        {
            (_filling, _taken) = (_taken, _filling);
            _filling.Clear();
            Volatile.Write(ref _waiting, 0);
        }
        return new ReadOnlySpan<Entry>(_taken.Entries, 0, _taken.Count);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _filling.Free();
            _taken.Free();
        }
    }

    /// <summary>One datagram.</summary>
    public readonly record struct Entry(
        SocketGroup Group, SocketAddress28 Remote, LocalAddress Local, nint Packet, int Length);

    private sealed class Side
    {
        private byte* _memory;

        public Entry[] Entries { get; } = new Entry[Most];

        public int Count { get; private set; }

        public int Used { get; private set; }

        public void Add(SocketGroup group, in SocketAddress28 remote, LocalAddress local, ReadOnlySpan<byte> packet)
        {
            if (_memory is null)
                _memory = (byte*)NativeMemory.Alloc(SideBytes);
            packet.CopyTo(new Span<byte>(_memory + Used, packet.Length));
            Entries[Count++] = new Entry(group, remote, local, (nint)(_memory + Used), packet.Length);
            Used += packet.Length;
        }

        public void Clear()
        {
            Array.Clear(Entries, 0, Count); // keeps no socket beyond its time
            (Count, Used) = (0, 0);
        }

        public void Free()
        {
            Clear();
            NativeMemory.Free(_memory);
            _memory = null;
        }
    }
}
