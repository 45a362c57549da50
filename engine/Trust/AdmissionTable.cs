using System.Collections.Concurrent;
using VibePN.Contracts;

namespace VibePN.Engine.Trust;

/// <summary>The certificates that were accepted, by fingerprint. Any thread.</summary>
/// <remarks>
/// Bounded: a peer has few certificates at a time, and whoever answers at a peer's address with ever new ones
/// only pushes out its own. Admissions of peers that left the configuration go with them.
/// </remarks>
internal sealed class AdmissionTable
{
    /// <summary>Certificates kept for one peer: the one in use, one that follows it, and room for a mistake.</summary>
    public const int MaxEach = 4;

    private readonly Lock _writing = new();
    private readonly ConcurrentDictionary<Fingerprint, Admission> _admissions = new();
    private readonly Dictionary<string, List<Fingerprint>> _byPeer = new(StringComparer.Ordinal);

    /// <summary>Admissions kept now.</summary>
    public int Count => _admissions.Count;

    /// <summary>Reads without a lock.</summary>
    public bool TryGet(Fingerprint fingerprint, out Admission admission) =>
        _admissions.TryGetValue(fingerprint, out admission!);

    /// <summary>Adds an admission, or puts it in the place of the certificate's earlier one.</summary>
    public void Set(Admission admission)
    {
        lock (_writing)
        {
            Fingerprint fingerprint = admission.Request.Fingerprint;
            if (TryGet(fingerprint, out Admission known))
                Unlist(known);
            if (!_byPeer.TryGetValue(admission.PeerName, out List<Fingerprint>? list))
                _byPeer.Add(admission.PeerName, list = []);
            if (list.Count == MaxEach)
            {
                _admissions.TryRemove(list[0], out _); // the longest not shown
                list.RemoveAt(0);
            }
            list.Add(fingerprint);
            _admissions[fingerprint] = admission; // replaced in one step: readers never miss it
        }
    }

    /// <summary>Removes an admission, unless another one of the certificate has taken its place.</summary>
    public void Remove(Admission admission)
    {
        lock (_writing)
        {
            if (TryGet(admission.Request.Fingerprint, out Admission now) && ReferenceEquals(now, admission))
                Take(admission.Request.Fingerprint);
        }
    }

    /// <summary>Removes the admissions of all other peers.</summary>
    public void KeepOnly(IReadOnlySet<string> peers)
    {
        lock (_writing)
        {
            foreach (string gone in _byPeer.Keys.Where(peer => !peers.Contains(peer)).ToArray())
            {
                foreach (Fingerprint fingerprint in _byPeer[gone].ToArray())
                    Take(fingerprint);
            }
        }
    }

    private void Take(Fingerprint fingerprint)
    {
        if (_admissions.TryRemove(fingerprint, out Admission? admission))
            Unlist(admission);
    }

    private void Unlist(Admission admission)
    {
        List<Fingerprint> list = _byPeer[admission.PeerName];
        list.Remove(admission.Request.Fingerprint);
        if (list.Count == 0)
            _byPeer.Remove(admission.PeerName);
    }
}
