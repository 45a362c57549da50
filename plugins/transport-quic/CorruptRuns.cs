using System.Collections.Concurrent;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>The peers that runs of datagrams do not reach (<see cref="GsoWatch"/>), so that a next connection need not find out again. Any thread.</summary>
/// <remarks>Each peer for itself: what one finds concerns its path, and a peer that lies about losses slows only itself.</remarks>
internal sealed class CorruptRuns
{
    // Peers are those that the operator has named; beyond this many, each connection finds out for itself.
    private const int MostPeers = 4096;

    private readonly ConcurrentDictionary<Fingerprint, byte> _peers = new();

    /// <summary>How many there are.</summary>
    public int Count => _peers.Count;

    /// <summary>Whether the peer is one.</summary>
    public bool Contains(Fingerprint peer) => _peers.ContainsKey(peer);

    /// <summary>Remembers a peer.</summary>
    public void Add(Fingerprint peer)
    {
        if (_peers.Count < MostPeers)
            _peers.TryAdd(peer, 0);
    }

    /// <summary>Forgets all: connections that begin from now on send runs.</summary>
    public void Clear() => _peers.Clear();
}
