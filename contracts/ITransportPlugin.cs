using System.Net;

namespace VibePN.Contracts;

/// <summary>Role <c>transport</c>: authenticated connections to other nodes.</summary>
/// <remarks>
/// Several transports can run side by side; an address may name one (<c>quic://host:port</c>), otherwise the first
/// is meant. <see cref="Listen"/> and <see cref="Dial"/> are called on the engine's control thread and return at
/// once. Everything a connection has to say goes to the <see cref="ITransportEvents"/> of <see cref="Listen"/>.
/// </remarks>
public interface ITransportPlugin : IPlugin
{
    /// <summary>What kind of transport this is. Constant.</summary>
    TransportTraits Traits { get; }

    /// <summary>Opens the sockets and begins to accept and to dial. Called once, after start.</summary>
    /// <param name="options">Identity, protocol names and addresses.</param>
    /// <param name="events">The engine; lives longer than the plugin.</param>
    /// <returns>The addresses really bound (a port 0 is filled in).</returns>
    /// <exception cref="PluginException">A port is in use, or a library is missing; nothing stays open.</exception>
    IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events);

    /// <summary>Changes the addresses to accept on and to dial from, while connections live.</summary>
    /// <remarks>
    /// New sockets are opened first; an address in both lists keeps its socket untouched. A socket whose address is no
    /// longer listed accepts no new connection, and closes when its last connection has ended, at the latest 60 s later.
    /// </remarks>
    /// <param name="listen">The addresses from now on.</param>
    /// <returns>The addresses really bound (a port 0 is filled in).</returns>
    /// <exception cref="PluginException">One cannot be opened; nothing has changed.</exception>
    IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen);

    /// <summary>Begins a connection. Ends in exactly one OnConnected or OnDialFailed with the request's id.</summary>
    void Dial(DialRequest request);

    /// <summary>The offloads in use, and why one is not: a few words for the operator, empty when there is nothing to say. Any thread.</summary>
    string OffloadText => "";

    /// <summary>Totals since start: connections, handshakes by result, refusals. For status and tests.</summary>
    TransportStatistics GetStatistics();
}

/// <summary>What kind of transport a plugin is.</summary>
/// <param name="Scheme">Prefix of its addresses, such as <c>quic</c>.</param>
/// <param name="Reliable">Whether packets sent are delivered unless the connection ends.</param>
/// <param name="Ordered">Whether packets arrive in the order sent.</param>
/// <param name="OverheadBytes">Bytes around an inner packet below IP's own header and UDP's, at most.</param>
/// <param name="Offloads">Offload facts that <see cref="ITransportConnection.Send"/> understands.</param>
public sealed record TransportTraits(
    string Scheme, bool Reliable, bool Ordered, int OverheadBytes, OffloadCapabilities Offloads);

/// <summary>What a transport needs to begin.</summary>
public sealed record TransportOptions
{
    /// <summary>Who we are, for both roles.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>Protocol names (ALPN, RFC 7301) we speak, best first. The highest common one wins.</summary>
    public required IReadOnlyList<string> Protocols { get; init; }

    /// <summary>Protocol names that are accepted besides, after those, and offered only by a dial that names one.</summary>
    public IReadOnlyList<string> SpecialProtocols { get; init; } = [];

    /// <summary>Local addresses to accept on and to dial from.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }

    /// <summary>Most bytes of unread control data the engine takes from one peer; the transport's flow control keeps it.</summary>
    public int ControlWindowBytes { get; init; } = 65_536;

    /// <summary>A connection that hears nothing for this long is closed.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A handshake that takes longer has failed.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Our own certificate and key.</summary>
/// <param name="Fingerprint">SHA-256 of the certificate's DER form: who we are.</param>
/// <param name="CertificatePem">The certificate, PEM.</param>
/// <param name="PrivateKeyPem">The key, PKCS#8 PEM. Secret: never logged, never stored by a plugin.</param>
public sealed record NodeIdentity(Fingerprint Fingerprint, string CertificatePem, string PrivateKeyPem)
{
    /// <summary>Only the fingerprint: the key must not reach a log by accident.</summary>
    public override string ToString() => $"NodeIdentity {Fingerprint}";
}

/// <summary>One try to reach a peer at one address.</summary>
/// <param name="Id">The engine's number for this try, never used twice.</param>
/// <param name="Address">Host name or literal and port, such as <c>203.0.113.42:51820</c>; resolved at each try.</param>
public sealed record DialRequest(long Id, string Address)
{
    /// <summary>The one protocol name to offer, of <see cref="TransportOptions.SpecialProtocols"/>; empty for all of <see cref="TransportOptions.Protocols"/>.</summary>
    public string Protocol { get; init; } = "";
}

/// <summary>Which end of a connection we are.</summary>
public enum ConnectionRole
{
    /// <summary>We dialled.</summary>
    Initiator = 0,

    /// <summary>The peer dialled us.</summary>
    Responder = 1,
}

/// <summary>What is known when the peer has shown its certificate and nothing has been answered yet.</summary>
/// <param name="Role">Which end we are.</param>
/// <param name="DialId">The dial this handshake belongs to; 0 when the peer dialled us.</param>
/// <param name="CertificateDer">The peer's leaf certificate. Borrowed: copy what is kept.</param>
/// <param name="CertificateCount">Certificates the peer sent; anything but 1 is unusual.</param>
/// <param name="Protocol">The ALPN agreed on, or empty when not yet known.</param>
/// <param name="Remote">Where the peer's packets come from.</param>
public readonly ref struct HandshakeQuestion(
    ConnectionRole Role, long DialId, ReadOnlySpan<byte> CertificateDer, int CertificateCount,
    string Protocol, IPEndPoint Remote)
{
    /// <summary>Which end we are.</summary>
    public ConnectionRole Role { get; } = Role;

    /// <summary>The dial this handshake belongs to; 0 when the peer dialled us.</summary>
    public long DialId { get; } = DialId;

    /// <summary>The peer's leaf certificate. Borrowed: copy what is kept.</summary>
    public ReadOnlySpan<byte> CertificateDer { get; } = CertificateDer;

    /// <summary>Certificates the peer sent; anything but 1 is unusual.</summary>
    public int CertificateCount { get; } = CertificateCount;

    /// <summary>The ALPN agreed on, or empty when not yet known.</summary>
    public string Protocol { get; } = Protocol;

    /// <summary>Where the peer's packets come from.</summary>
    public IPEndPoint Remote { get; } = Remote;
}

/// <summary>The engine's answer inside the handshake.</summary>
/// <param name="Accepted">True to go on; false makes the transport fail the handshake with a bad-certificate alert.</param>
/// <param name="Peer">Who the peer is, when accepted.</param>
/// <param name="Reason">The stable code of the verdict.</param>
/// <param name="Text">The verdict in one sentence, for our own log; never sent to the peer.</param>
public readonly record struct HandshakeVerdict(bool Accepted, Fingerprint Peer, TrustReason Reason, string Text);

/// <summary>What a transport tells the engine.</summary>
/// <remarks>
/// Called on the transport's own threads; for one connection in order and never at once. Every call returns in
/// microseconds and throws nothing: the engine decides, copies or queues. From within a call the engine may call
/// Send and SendControl of any connection, never Dial or Listen.
/// </remarks>
public interface ITransportEvents
{
    /// <summary>Asked inside the TLS handshake, before the peer learns anything but our certificate.</summary>
    HandshakeVerdict OnHandshake(in HandshakeQuestion question);

    /// <summary>The connection is up on both ends: the handshake is confirmed and the control stream is open.</summary>
    /// <param name="connection">The connection; lives until OnClosed returns.</param>
    /// <param name="dialId">The dial that made it, or 0.</param>
    void OnConnected(ITransportConnection connection, long dialId);

    /// <summary>A dial came to nothing. Not called for a dial that reached OnConnected.</summary>
    void OnDialFailed(long dialId, CloseReason reason);

    /// <summary>The next bytes of the control stream. Borrowed.</summary>
    void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes);

    /// <summary>Inner packets, each with the network number its sender gave it. Borrowed; may be overwritten in place.</summary>
    /// <remarks>
    /// A packet whose sender left its transport checksum partial is marked so in its offload facts, if the transport's
    /// traits have <see cref="OffloadCapabilities.PartialChecksum"/>. Where the checksum lies is the engine's to find out:
    /// the sender's word for it would not be trusted. Super packets are never delivered.
    /// </remarks>
    void OnPackets(ITransportConnection connection, PacketBatch batch);

    /// <summary>Address, round trip or largest packet of the connection changed.</summary>
    void OnPathChanged(ITransportConnection connection, PathFacts path);

    /// <summary>The connection is gone. The last call for it.</summary>
    void OnClosed(ITransportConnection connection, CloseReason reason);
}

/// <summary>One authenticated connection to one peer: a reliable control stream beside unreliable packets.</summary>
/// <remarks>All members may be called from any thread, several at once, also after the connection has closed.</remarks>
public interface ITransportConnection
{
    /// <summary>Unique in this process.</summary>
    long Id { get; }

    /// <summary>Which end we are.</summary>
    ConnectionRole Role { get; }

    /// <summary>Who the peer is: what the engine answered in the handshake.</summary>
    Fingerprint Peer { get; }

    /// <summary>The ALPN agreed on.</summary>
    string Protocol { get; }

    /// <summary>The newest facts about the path.</summary>
    PathFacts Path { get; }

    /// <summary>Secret bytes that only the two ends of this session share (RFC 5705); empty where the stack has none.</summary>
    ReadOnlyMemory<byte> ChannelBinding { get; }

    /// <summary>Queues bytes on the control stream: bounded, reliable, in order, ahead of all packets.</summary>
    /// <returns>False when the queue is full or the connection closed; nothing was queued then.</returns>
    bool SendControl(ReadOnlySpan<byte> bytes);

    /// <summary>Queues packets. Copies what it takes; never blocks.</summary>
    /// <param name="batch">Borrowed for the call. The slots' network numbers are sent as they are.</param>
    /// <param name="first">Index of the first packet.</param>
    /// <param name="count">How many from there.</param>
    /// <returns>How many were taken, from the first on, and why the next was not.</returns>
    SendResult Send(PacketBatch batch, int first, int count);

    /// <summary>Ends the connection, telling the peer. What stands in the control queue is still sent, for at most 200 ms.</summary>
    void Close(CloseReason reason);

    /// <summary>Counters since the connection came up.</summary>
    ConnectionStatistics GetStatistics();
}

/// <summary>What became of a <see cref="ITransportConnection.Send"/>.</summary>
/// <param name="Taken">Packets taken, from the first on.</param>
/// <param name="Refusal">Why the next one was not; <see cref="DropReason.None"/> when all were taken.</param>
public readonly record struct SendResult(int Taken, DropReason Refusal);

/// <summary>Why a connection ended.</summary>
/// <param name="Code">The stable code.</param>
/// <param name="Text">One sentence; escaped already when it came from the peer.</param>
/// <param name="ByPeer">Whether the peer ended it.</param>
public readonly record struct CloseReason(CloseCode Code, string Text, bool ByPeer = false)
{
    /// <summary>The code's name and the sentence.</summary>
    public override string ToString() => $"{Code}{(ByPeer ? " (by peer)" : "")}: {Text}";
}

/// <summary>What is known about a connection's path.</summary>
/// <param name="Remote">The peer's present address.</param>
/// <param name="RoundTrip">Smoothed round-trip time; zero until measured.</param>
/// <param name="LossPermille">Packets lost of 1,000 sent, smoothed.</param>
/// <param name="MaxPacketBytes">The largest inner packet that <see cref="ITransportConnection.Send"/> takes.</param>
/// <param name="PathMtuBytes">The path's UDP payload, in bytes.</param>
public sealed record PathFacts(
    IPEndPoint Remote, TimeSpan RoundTrip, int LossPermille, int MaxPacketBytes, int PathMtuBytes);

/// <summary>Counters of one connection. Bytes are those of inner packets.</summary>
/// <param name="PacketsSent">Inner packets handed to the network.</param>
/// <param name="BytesSent">Their bytes.</param>
/// <param name="PacketsReceived">Inner packets received.</param>
/// <param name="BytesReceived">Their bytes.</param>
/// <param name="PacketsDropped">Inner packets taken but dropped before sending.</param>
/// <param name="DatagramsLost">Datagrams that the transport declared lost.</param>
/// <param name="QueuedBytes">Inner bytes waiting now.</param>
public readonly record struct ConnectionStatistics(
    long PacketsSent, long BytesSent, long PacketsReceived, long BytesReceived,
    long PacketsDropped, long DatagramsLost, long QueuedBytes)
{
    /// <summary>Inner packets marked as having met congestion (RFC 3168), instead of being dropped.</summary>
    public long PacketsMarked { get; init; }

    /// <summary>How long inner packets have waited, all together, before they were sent or dropped.</summary>
    public TimeSpan QueueWait { get; init; }
}

/// <summary>Totals of a transport since it started.</summary>
/// <param name="Connections">Connections open now, handshakes included.</param>
/// <param name="HandshakesCompleted">Handshakes that were confirmed.</param>
/// <param name="HandshakesRefused">Handshakes that ended because a certificate was refused, by either end.</param>
/// <param name="HandshakesFailed">Handshakes that failed for any other reason.</param>
/// <param name="DatagramsUnroutable">UDP datagrams that belonged to no connection and began none.</param>
public readonly record struct TransportStatistics(
    int Connections, long HandshakesCompleted, long HandshakesRefused, long HandshakesFailed, long DatagramsUnroutable);
