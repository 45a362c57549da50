using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

// What operators order about a peer, and what they are told of it.
internal sealed partial class ControlPlane
{
    /// <summary>Ends a peer's connections by order of the operator.</summary>
    public PeerOrder Disconnect(string name, bool dryRun, Instant now)
    {
        if (!_peers.TryGetValue(name, out PeerMachine? peer))
            return NoSuchPeer(name);
        if (peer.Connections.Count == 0)
            return new PeerOrder(true, $"peer {name} is not connected; nothing to end");
        if (!dryRun)
            peer.CloseAll(CloseCode.Goodbye, "by order of the operator", now);
        string then = peer.Configuration.Addresses.IsEmpty ? "it may dial this node again at any time"
            : "it is dialled again after a short wait; take it out of the configuration to keep it away";
        return new PeerOrder(true, $"{(dryRun ? "would disconnect" : "disconnected")} peer {name}; {then}");
    }

    /// <summary>Dials a peer at once by order of the operator, whatever failed before.</summary>
    public PeerOrder Reconnect(string name, bool dryRun, Instant now)
    {
        if (!_peers.TryGetValue(name, out PeerMachine? peer))
            return NoSuchPeer(name);
        if (peer.Configuration.Addresses.IsEmpty)
            return new PeerOrder(false, $"peer {name} has no address to dial: it dials this node. Reconnect there, or give it an 'address' here.");
        bool wasUp = peer.Connections.Count > 0;
        if (!dryRun)
            peer.Reconnect(now);
        string what = wasUp ? "its connections end, and it is dialled at once" : "it is dialled at once, without the rest of its wait";
        return new PeerOrder(true, $"peer {name}: {(dryRun ? "nothing was done; with this order " : "")}{what}");
    }

    private PeerOrder NoSuchPeer(string name) => new(false, $"there is no peer '{name}'. "
        + (_peers.Count == 0 ? "There are none." : $"Peers: {string.Join(", ", _peers.Keys)}."));

    private void Tell(PeerMachine peer, PeerConnection? active, bool changes)
    {
        string name = peer.Configuration.Name;
        string way = active is null ? "" : $"at {active.Transport.Path.Remote}, {(active.IsOurs ? "dialled by this node" : "dialled by the peer")}";
        EventFacts facts = active is null ? new($"peer {name} is down: {peer.LastError}") { Reason = peer.LastError }
            : changes ? new($"peer {name} is up {way}")
            : new EventFacts($"peer {name} is reached over another connection now, {way}");
        string kind = active is null ? EventKinds.PeerDown : changes ? EventKinds.PeerUp : EventKinds.PeerMoved;
        _parts.Events.Publish(kind, facts with { Peer = name });
    }
}
