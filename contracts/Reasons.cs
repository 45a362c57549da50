namespace VibePN.Contracts;

/// <summary>Why a packet was dropped. The numbers are stable; metrics and <c>explain</c> use the names.</summary>
public enum DropReason
{
    /// <summary>Not dropped.</summary>
    None = 0,

    /// <summary>Not a well-formed IPv4 or IPv6 packet.</summary>
    Malformed = 1,

    /// <summary>No route to the destination in this network.</summary>
    NoRoute = 2,

    /// <summary>The route's peer has no connection that carries traffic.</summary>
    NoSession = 3,

    /// <summary>A bounded queue towards the peer was full.</summary>
    QueueFull = 4,

    /// <summary>Larger than the path carries; an ICMP answer went back where one is allowed.</summary>
    TooBig = 5,

    /// <summary>The inner source is not one this peer may use in this network.</summary>
    SourceNotAllowed = 6,

    /// <summary>The peer is not a member of the packet's network.</summary>
    NotAMember = 7,

    /// <summary>The packet names a network this connection has not agreed on.</summary>
    UnknownNetwork = 8,

    /// <summary>The destination is neither ours nor behind us.</summary>
    DestinationNotLocal = 9,

    /// <summary>Multicast or broadcast, which the overlay does not carry.</summary>
    NotUnicast = 10,

    /// <summary>The kernel refused the packet on the TUN device.</summary>
    DeviceRefused = 11,

    /// <summary>Waited too long in a queue.</summary>
    QueueDelay = 12,

    /// <summary>The next hop is the peer the packet came from.</summary>
    BackToSender = 13,

    /// <summary>One half of a packet split over two datagrams never came.</summary>
    HalfMissing = 14,

    /// <summary>The connection closed while the packet waited.</summary>
    ConnectionClosed = 15,
}

/// <summary>Why a route was accepted, refused, preferred or passed over. The numbers are stable.</summary>
public enum RouteReason
{
    /// <summary>Accepted with nothing to add.</summary>
    Accepted = 0,

    /// <summary>The sender is not a member of the network.</summary>
    NotAMember = 1,

    /// <summary>Outside what this peer may announce in this network.</summary>
    NotPermitted = 2,

    /// <summary>Covers one of our own addresses.</summary>
    OwnAddress = 3,

    /// <summary>Default route, multicast, loopback, link-local or another prefix that is never announced.</summary>
    Martian = 4,

    /// <summary>The peer or the network already has as many routes as it may.</summary>
    LimitReached = 5,

    /// <summary>A rule of the policy refused it.</summary>
    PolicyRefused = 6,

    /// <summary>Not announced because nobody asked for it: export is closed by default.</summary>
    NotExported = 7,

    /// <summary>Never announced back to where it came from.</summary>
    SplitHorizon = 8,

    /// <summary>Not usable now: the next hop has no connection that carries traffic.</summary>
    NotConnected = 9,

    /// <summary>Changed too often lately: not used until its penalty has decayed.</summary>
    Damped = 10,

    /// <summary>No rule of the configuration allows it, and what no rule allows is refused.</summary>
    NoRule = 11,

    /// <summary>A rule of the configuration refuses it.</summary>
    RuleRefused = 12,

    /// <summary>Would take packets from a network that this machine is directly attached to.</summary>
    OverlapsLocal = 13,

    /// <summary>Another node has the better claim to this address.</summary>
    AddressConflict = 14,

    /// <summary>A longer prefix covers the destination.</summary>
    ShorterPrefix = 20,

    /// <summary>Lost by source class: connected, static, learned.</summary>
    SourceClass = 21,

    /// <summary>Lost because it is stale.</summary>
    Stale = 22,

    /// <summary>Lost by preference.</summary>
    Preference = 23,

    /// <summary>Lost by metric.</summary>
    Metric = 24,

    /// <summary>Lost because it is relayed.</summary>
    Relayed = 25,

    /// <summary>Lost by path length.</summary>
    PathLength = 26,

    /// <summary>Lost by the origin's fingerprint.</summary>
    OriginFingerprint = 27,

    /// <summary>Lost by the origin's sequence number.</summary>
    OriginSequence = 28,

    /// <summary>Lost by the next hop's fingerprint.</summary>
    NextHopFingerprint = 29,

    /// <summary>Lost by its place in an ordered list of gateways.</summary>
    GatewayOrder = 30,

    /// <summary>Passed over because its next hop was lost a short while ago.</summary>
    HeldDown = 31,

    /// <summary>Passed over because its next hop has not been back for long enough.</summary>
    FailBackDelay = 32,

    /// <summary>Chosen: nothing beats it.</summary>
    Best = 40,

    /// <summary>Chosen beside the best, whose equal it is.</summary>
    EqualPath = 41,
}

/// <summary>Why a certificate was accepted, refused or set aside. The numbers are stable.</summary>
public enum TrustReason
{
    /// <summary>The configuration's fingerprint for this peer matches.</summary>
    ConfiguredPin = 0,

    /// <summary>A pin stored earlier for this peer matches.</summary>
    StoredPin = 1,

    /// <summary>First contact with a peer that we dialled: pinned once the store is durable.</summary>
    FirstUse = 2,

    /// <summary>The peer is known under another certificate.</summary>
    Conflict = 10,

    /// <summary>Nobody configured or pinned this certificate; it waits for the operator.</summary>
    Unknown = 11,

    /// <summary>The operator denied this certificate or key.</summary>
    Denied = 12,

    /// <summary>Before or after the certificate's validity.</summary>
    OutsideValidity = 13,

    /// <summary>Not a certificate this node accepts: unreadable, too long, or of another key type.</summary>
    UnacceptableCertificate = 14,

    /// <summary>The certificate is our own.</summary>
    OwnCertificate = 15,

    /// <summary>The trust store cannot be read or written, so nothing new is trusted.</summary>
    StoreUnavailable = 16,

    /// <summary>The clock is not to be trusted, so nothing new is trusted.</summary>
    ClockUntrusted = 17,

    /// <summary>The trust plugin failed or took too long: refused.</summary>
    PluginFault = 18,

    /// <summary>The certificate belongs to another configured peer than the one dialled.</summary>
    WrongPeer = 19,
}

/// <summary>Why a connection ended, or never came about. The numbers below 256 travel as QUIC application codes.</summary>
public enum CloseCode
{
    /// <summary>No error, nothing to add.</summary>
    None = 0,

    /// <summary>The other side said goodbye, or we did.</summary>
    Goodbye = 1,

    /// <summary>Another connection to the same peer took over. No reason to dial again.</summary>
    Superseded = 2,

    /// <summary>The peer broke the control protocol.</summary>
    ProtocolError = 3,

    /// <summary>The peer went over a limit.</summary>
    LimitExceeded = 4,

    /// <summary>Trust in the peer ended while it was connected.</summary>
    TrustRevoked = 5,

    /// <summary>The peer was taken out of the configuration.</summary>
    Unconfigured = 6,

    /// <summary>No Hello came in time.</summary>
    HelloTimeout = 7,

    /// <summary>Silent for longer than the liveness timeout.</summary>
    Dead = 8,

    /// <summary>The daemon is going away.</summary>
    Shutdown = 9,

    /// <summary>A fault of our own ended the connection.</summary>
    Internal = 10,

    /// <summary>Two daemons use one certificate and took each other's place again and again.</summary>
    IdentityCloned = 11,

    /// <summary>A certificate was refused inside the handshake, by us or by the peer.</summary>
    TrustRefused = 256,

    /// <summary>The handshake failed for another reason, such as no common ALPN.</summary>
    HandshakeFailed = 257,

    /// <summary>The handshake took too long: nobody answers at that address.</summary>
    HandshakeTimeout = 258,

    /// <summary>The address could not be resolved or reached.</summary>
    Unreachable = 259,

    /// <summary>The transport heard nothing for its idle timeout.</summary>
    IdleTimeout = 260,

    /// <summary>The peer lost its state and said so (RFC 9000 §10.3).</summary>
    StatelessReset = 261,

    /// <summary>The peer broke the transport protocol.</summary>
    TransportError = 262,
}
