using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>The peers of a snapshot, by who they are, and which candidates they make usable.</summary>
/// <remarks>
/// A candidate counts when its next hop is a member and connected. One that is held as stale, for a peer that
/// said it would be back, counts too: it keeps its prefix from falling to a wider route meanwhile, and
/// everything that is not stale beats it.
/// </remarks>
public sealed class Members
{
    private readonly Dictionary<Fingerprint, PeerFacts> _peers;

    /// <summary>Those of a snapshot.</summary>
    public Members(RouteSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        _peers = new Dictionary<Fingerprint, PeerFacts>(snapshot.Peers.Length);
        foreach (PeerFacts peer in snapshot.Peers)
            _peers[peer.Id] = peer;
    }

    /// <summary>What is known of a peer, or null when it is no member.</summary>
    public PeerFacts? Find(Fingerprint peer) => _peers.GetValueOrDefault(peer);

    /// <summary>Accepted, or why the candidate cannot be chosen.</summary>
    public RouteReason Judge(RouteCandidate route)
    {
        ArgumentNullException.ThrowIfNull(route);
        if (!_peers.TryGetValue(route.NextHop, out PeerFacts? peer))
            return RouteReason.NotAMember;
        if (route.Metric == RouteOrder.Infinity)
            return RouteReason.Metric;
        return peer.Connected || route.Stale ? RouteReason.Accepted : RouteReason.NotConnected;
    }

    /// <summary>The verdict on a candidate that cannot be chosen, in words.</summary>
    public CandidateVerdict Explain(RouteCandidate route)
    {
        ArgumentNullException.ThrowIfNull(route);
        RouteReason reason = Judge(route);
        string text = reason switch
        {
            RouteReason.NotAMember => $"Not usable: {NameOf(route.NextHop)} is no peer of this network.",
            RouteReason.Metric => "Not usable: the metric is infinity.",
            _ => $"Not usable: {NameOf(route.NextHop)} is not connected.",
        };
        return new CandidateVerdict(route, reason, text);
    }

    /// <summary>The operator's label of a peer, or its fingerprint's first digits.</summary>
    public string NameOf(Fingerprint peer) =>
        _peers.TryGetValue(peer, out PeerFacts? facts) ? facts.Name : peer.ToShortString();
}
