using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>Every line the engine writes.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Warning,
        "Refused a handshake with {Remote}: certificate {Fingerprint}, {Reason}: {Text}{Before}")]
    public static partial void HandshakeRefused(
        ILogger logger, IPEndPoint remote, string fingerprint, TrustReason reason, string text, string before);

    [LoggerMessage(101, LogLevel.Error, "A trust plugin failed, so the certificate is refused: {Text}")]
    public static partial void TrustPluginFault(ILogger logger, string text);

    [LoggerMessage(102, LogLevel.Warning, "Closed the connection to {Peer}: its admission could not be made durable: {Text}")]
    public static partial void CommitFailed(ILogger logger, string peer, string text);

    [LoggerMessage(103, LogLevel.Warning, "Clock: {Text}")]
    public static partial void ClockWrong(ILogger logger, string text);

    [LoggerMessage(104, LogLevel.Information, "The clock is believed again")]
    public static partial void ClockRight(ILogger logger);

    [LoggerMessage(105, LogLevel.Error, "{Text}")]
    public static partial void StateFault(ILogger logger, string text);

    [LoggerMessage(106, LogLevel.Error, "Conflict: {Peer} is refused, and its pin stays: {Text}{Before}")]
    public static partial void TrustConflict(ILogger logger, string peer, string text, string before);

    [LoggerMessage(107, LogLevel.Information, "The operator of peer {Peer} wants to compare digits: vpnctl trust verify {Name}")]
    public static partial void VerificationAwaited(ILogger logger, string peer, string name);

    [LoggerMessage(110, LogLevel.Information, "Peer {Peer} is up at {Remote} ({Role}, {Networks} networks)")]
    public static partial void PeerUp(ILogger logger, string peer, IPEndPoint remote, ConnectionRole role, int networks);

    [LoggerMessage(111, LogLevel.Information, "Peer {Peer} is down: {Reason}")]
    public static partial void PeerDown(ILogger logger, string peer, string reason);

    [LoggerMessage(112, LogLevel.Information, "Could not reach peer {Peer}: {Reason}; next try in {WaitMs} ms")]
    public static partial void DialFailed(ILogger logger, string peer, CloseReason reason, long waitMs);

    [LoggerMessage(113, LogLevel.Debug, "Dialling peer {Peer} at {Address}")]
    public static partial void Dialling(ILogger logger, string peer, string address);

    [LoggerMessage(114, LogLevel.Debug, "A connection to peer {Peer} ended: {Reason}")]
    public static partial void ConnectionGone(ILogger logger, string peer, CloseReason reason);

    [LoggerMessage(115, LogLevel.Debug, "Peer {Peer} is reached over another connection now: {Remote} ({Role})")]
    public static partial void PeerMoved(ILogger logger, string peer, IPEndPoint remote, ConnectionRole role);

    [LoggerMessage(116, LogLevel.Debug, "Peer {Peer} comes and goes too often to log each time")]
    public static partial void LinesSuppressed(ILogger logger, string peer);

    [LoggerMessage(117, LogLevel.Warning,
        "Two daemons use the certificate of peer {Peer}: the present connection is kept, others are refused for 60 s. End one of them, or give it a certificate of its own")]
    public static partial void PeerCloned(ILogger logger, string peer);

    [LoggerMessage(118, LogLevel.Information, "Peer {Peer} means to be back: its routes serve as a last choice for up to {HoldSeconds} s")]
    public static partial void PeerHeld(ILogger logger, string peer, long holdSeconds);

    [LoggerMessage(120, LogLevel.Information, "Network {Network} is up on {Device}: {Addresses}, MTU {Mtu} bytes")]
    public static partial void NetworkUp(ILogger logger, string network, string device, string addresses, int mtu);

    [LoggerMessage(121, LogLevel.Error, "Network {Network} lost its interface: {Text}")]
    public static partial void NetworkLost(ILogger logger, string network, string text);

    [LoggerMessage(122, LogLevel.Error, "Network {Network}: {Text}")]
    public static partial void NetworkFault(ILogger logger, string network, string text);

    [LoggerMessage(123, LogLevel.Information, "Network {Network} is gone from {Device}")]
    public static partial void NetworkDown(ILogger logger, string network, string device);

    [LoggerMessage(124, LogLevel.Warning, "The machine's own routes are not known, so overlaps with them go unnoticed: {Text}")]
    public static partial void LocalRoutesUnknown(ILogger logger, string text);

    [LoggerMessage(125, LogLevel.Warning, "In network {Network} {Node} has the better claim to {Address}: this node is {Next} from now on")]
    public static partial void AddressMoved(ILogger logger, string network, string node, IpAddress address, IpAddress next);

    [LoggerMessage(126, LogLevel.Warning, "In network {Network} {Node} claims {Address} too, which is written down here; nothing moves")]
    public static partial void AddressContested(ILogger logger, string network, string node, IpAddress address);

    [LoggerMessage(130, LogLevel.Warning, "Refused {Prefix} from peer {Peer} in {Network}: {Reason}: {Text}")]
    public static partial void RouteRefused(
        ILogger logger, IpPrefix prefix, string peer, string network, RouteReason reason, string text);

    [LoggerMessage(131, LogLevel.Error, "The routing policy failed for {Network}; the last good table stays: {Text}")]
    public static partial void PolicyFault(ILogger logger, string network, string text);

    [LoggerMessage(132, LogLevel.Warning,
        "Prefix {Prefix} in {Network} is not given to the kernel: it covers {Address}, where a peer is reached outside the overlay")]
    public static partial void CoversPeer(ILogger logger, IpPrefix prefix, string network, IpAddress address);

    [LoggerMessage(133, LogLevel.Warning, "Peer {Peer} has {Count} of the {Limit} routes it may announce in {Network} (limits.per_peer)")]
    public static partial void NearLimit(ILogger logger, string peer, int count, int limit, string network);

    [LoggerMessage(134, LogLevel.Warning, "{Warning}")]
    public static partial void ConfigurationWarning(ILogger logger, string warning);

    [LoggerMessage(140, LogLevel.Critical, "A fault in the engine's control loop; it goes on: {Text}")]
    public static partial void LoopFault(ILogger logger, string text);

    [LoggerMessage(150, LogLevel.Error, "Old listen addresses may still be open: {Text}")]
    public static partial void ListenNotClosed(ILogger logger, string text);

    [LoggerMessage(151, LogLevel.Error, "A plugin failed while it took its new settings: {Text}")]
    public static partial void SettingsFault(ILogger logger, string text);

    [LoggerMessage(170, LogLevel.Information, "Invite {Invite}, claimed from {Remote} by {Fingerprint}: {Result}")]
    public static partial void Redeemed(
        ILogger logger, string invite, IPEndPoint remote, string fingerprint, JoinResult result);
}
