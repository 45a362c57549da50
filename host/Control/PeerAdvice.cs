using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>What an operator can do about a peer that is down.</summary>
internal static class PeerAdvice
{
    /// <summary>One sentence; empty when the peer is up.</summary>
    public static string Of(PeerDetail peer)
    {
        string name = peer.Status.Name;
        if (peer.Status.Path is not null)
            return "";
        if (peer.BarredFor is not null)
            return $"it went over its limits and is left alone for a while; its log says what it sent. 'vpnctl peers reconnect {name}' ends the wait";
        return peer.LastCode switch
        {
            CloseCode.Unreachable or CloseCode.HandshakeTimeout or CloseCode.HelloTimeout =>
                "check that vibepnd runs there, that the address is right, and that UDP to its port passes every firewall on the way",
            CloseCode.TrustRefused or CloseCode.TrustRevoked =>
                $"one end does not trust the other's certificate: compare what 'vpnctl fingerprint' prints there with the fingerprint configured or pinned for {name} here, and the other way round",
            CloseCode.Unconfigured => "the other node does not list this one, or not with this certificate or these networks: add it to the configuration there",
            CloseCode.HandshakeFailed or CloseCode.ProtocolError or CloseCode.TransportError =>
                "the two ends do not understand each other: compare the versions, the clocks and the validity of both certificates; both logs say more",
            CloseCode.IdentityCloned => "two daemons use its certificate: end one of them, or give it a certificate of its own",
            CloseCode.LimitExceeded => "one end asked more of the other than it allows; both logs say what",
            CloseCode.Goodbye or CloseCode.Shutdown => "it said goodbye; once its daemon runs again, it is connected again",
            CloseCode.Dead or CloseCode.IdleTimeout or CloseCode.StatelessReset =>
                "it stopped answering: its machine, its daemon, or the way between is down",
            _ when peer.Status.Addresses.IsEmpty => "it has no 'address' here, so it must dial this node: is it running, and has it this node's address?",
            _ => "nothing has failed yet: it is being dialled",
        };
    }
}
