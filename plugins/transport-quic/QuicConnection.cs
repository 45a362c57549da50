using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Where a connection stands in its life.</summary>
internal enum ConnectionState
{
    /// <summary>Before OnConnected.</summary>
    Handshaking,

    /// <summary>Between OnConnected and the end.</summary>
    Up,

    /// <summary>Close was asked for; the control queue still drains, for at most 200 ms.</summary>
    Flushing,

    /// <summary>Over for the engine; late packets are still recognised (RFC 9000 §10.2).</summary>
    Lingering,

    /// <summary>Forgotten.</summary>
    Gone,
}

/// <summary>One QUIC connection: what the engine sees of it. The loop's side is in QuicConnection.Loop.cs.</summary>
/// <remarks>
/// The members of <see cref="ITransportConnection"/> may be called from any thread: they append to queues and
/// leave a note for the loop, and touch nothing native. Everything else belongs to the loop's thread.
/// </remarks>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable",
    Justification = "End() frees them, on the loop's thread; the engine keeps the object longer and must not.")]
internal sealed partial class QuicConnection : ITransportConnection, IConnectionCallbacks, ITimed, ISendObserver
{
    private readonly EventLoop _loop;
    private readonly ControlSendBuffer _controlOut = new();
    private readonly ControlReceiveBuffer _controlIn;
    private readonly HalfTable _halves;
    private readonly FlightWatch _flight = new();
    private PacketQueue? _queue;
    private OutboundDatagrams? _outbound;
    private volatile ConnectionState _state;
    private volatile PathFacts _path;
    private volatile int _largestPacket;
    private CloseRequest? _closeRequest;
    private int _noted;

    // Written by the loop only.
    private long _packetsReceived;
    private long _bytesReceived;
    private long _packetsDropped;
    private long _datagramsLost;

    public QuicConnection(
        EventLoop loop, long id, ConnectionRole role, long dialId, UdpSocket socket, SocketAddress28 remote)
    {
        _loop = loop;
        _socket = socket;
        _remote = remote;
        _source = role == ConnectionRole.Responder ? loop.AskedAddress : default;
        Id = id;
        Role = role;
        DialId = dialId;
        _controlIn = new ControlReceiveBuffer(loop.Shared.Options.ControlWindowBytes);
        _capacity = loop.Settings.MaxUdpPayload;
        _halves = new HalfTable(_capacity);
        _path = new PathFacts(remote.ToEndPoint(), TimeSpan.Zero, 0, 0, 0);
    }

    /// <inheritdoc/>
    public long Id { get; }

    /// <inheritdoc/>
    public ConnectionRole Role { get; }

    /// <summary>The engine's number of the dial, or 0.</summary>
    public long DialId { get; }

    /// <inheritdoc/>
    public Fingerprint Peer { get; private set; }

    /// <inheritdoc/>
    public string Protocol { get; private set; } = "";

    /// <inheritdoc/>
    public PathFacts Path => _path;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ChannelBinding { get; private set; }

    /// <summary>Whose it is, for good.</summary>
    public EventLoop Loop => _loop;

    /// <summary>The next in the loop's list of noted connections.</summary>
    public QuicConnection? NextNoted { get; set; }

    /// <inheritdoc/>
    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        if (_state != ConnectionState.Up || !_controlOut.TryAppend(bytes))
            return false;
        Note();
        return true;
    }

    /// <inheritdoc/>
    public SendResult Send(PacketBatch batch, int first, int count)
    {
        PacketQueue? queue = _queue;
        if (queue is null || _state != ConnectionState.Up)
            return new SendResult(0, DropReason.ConnectionClosed);
        SendResult result = queue.Append(batch, first, count, _largestPacket, Stopwatch.GetTimestamp());
        if (result.Taken > 0)
            Note();
        return result;
    }

    /// <inheritdoc/>
    public void Close(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _closeRequest, new CloseRequest(reason), null) is null)
            Note();
    }

    /// <inheritdoc/>
    public ConnectionStatistics GetStatistics() => new(
        _outbound is null ? 0 : Volatile.Read(ref _outbound.Packets), _outbound is null ? 0 : Volatile.Read(ref _outbound.Bytes),
        Volatile.Read(ref _packetsReceived), Volatile.Read(ref _bytesReceived),
        Volatile.Read(ref _packetsDropped) + (_outbound is null ? 0 : Volatile.Read(ref _outbound.Dropped)) + _halves.Missing,
        Volatile.Read(ref _datagramsLost), _queue?.QueuedBytes ?? 0)
    {
        PacketsMarked = _outbound is null ? 0 : Volatile.Read(ref _outbound.Marked),
        QueueWait = TimeSpan.FromTicks(_outbound is null ? 0 : Volatile.Read(ref _outbound.Waited) / TimeSpan.NanosecondsPerTick),
    };

    /// <summary>How long the peer has owed an acknowledgement, and heard of nothing we sent; zero when it owes none.</summary>
    /// <remarks>Only authentic acknowledgements end it: what comes from elsewhere changes nothing. Any thread.</remarks>
    public TimeSpan Unacknowledged => _flight.WaitingAt((ulong)Stopwatch.GetTimestamp());

    /// <summary>The address and the first digits of the peer, for a log line.</summary>
    public override string ToString() => Peer.IsEmpty ? $"{_path.Remote}" : $"{Peer.ToShortString()} at {_path.Remote}";

    /// <summary>Takes the loop's note away, before the queues are looked at.</summary>
    public void TakeNote() => Volatile.Write(ref _noted, 0);

    private void Note()
    {
        if (Interlocked.Exchange(ref _noted, 1) == 0)
            _loop.Note(this);
    }

    private sealed record CloseRequest(CloseReason Reason);
}

/// <summary>Between the engine's close reasons and the numbers and bytes of CONNECTION_CLOSE.</summary>
internal static class CloseMapping
{
    /// <summary>RFC 8446 §6: certificate_required.</summary>
    public const int CertificateRequiredAlert = 116;

    private const int MaxReasonBytes = 128;
    private const ulong BadCertificate = Ngtcp2.CryptoError + 42;
    private const ulong LastCertificateAlert = Ngtcp2.CryptoError + 46;
    private const ulong UnknownAuthority = Ngtcp2.CryptoError + 48;
    private const ulong CertificateRequired = Ngtcp2.CryptoError + CertificateRequiredAlert;
    private const ulong NoApplicationProtocol = Ngtcp2.CryptoError + 120;

    // RFC 9000 §10.2.3: what an application's close is turned into before the handshake is complete.
    private const ulong ApplicationError = 0x0c;

    /// <summary>The application's close: only codes below 256 travel.</summary>
    public static CloseCause ToCause(in CloseReason reason)
    {
        int code = (int)reason.Code;
        byte[] text = Encoding.UTF8.GetBytes(reason.Text);
        return new CloseCause(
            0, (ulong)(code is >= 0 and < 256 ? code : (int)CloseCode.Internal),
            text.Length <= MaxReasonBytes ? text : text[..MaxReasonBytes]);
    }

    /// <summary>What the peer's CONNECTION_CLOSE means here.</summary>
    /// <param name="text">The peer's sentence: untrusted bytes, escaped here.</param>
    public static CloseReason FromPeer(bool application, ulong code, ReadOnlySpan<byte> text, bool handshaking)
    {
        if (application)
        {
            bool known = code < 256 && Enum.IsDefined((CloseCode)(int)code);
            return new CloseReason(
                known ? (CloseCode)(int)code : CloseCode.ProtocolError,
                known ? Escape(text) : $"closed with the unknown code {code}", ByPeer: true);
        }
        return code switch
        {
            >= BadCertificate and <= LastCertificateAlert or UnknownAuthority or CertificateRequired =>
                new CloseReason(CloseCode.TrustRefused, "the peer refused our certificate", ByPeer: true),
            NoApplicationProtocol =>
                new CloseReason(CloseCode.HandshakeFailed, "the peer speaks none of our protocols", ByPeer: true),
            ApplicationError when handshaking =>
                new CloseReason(CloseCode.Superseded, "the peer gave up its own try", ByPeer: true),
            _ => new CloseReason(
                handshaking ? CloseCode.HandshakeFailed : CloseCode.TransportError,
                $"the peer reported transport error 0x{code:x}", ByPeer: true),
        };
    }

    /// <summary>Printable ASCII stays, everything else becomes a dot.</summary>
    public static string Escape(ReadOnlySpan<byte> text)
    {
        var result = new StringBuilder(Math.Min(text.Length, MaxReasonBytes));
        foreach (byte value in text[..Math.Min(text.Length, MaxReasonBytes)])
            result.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
        return result.ToString();
    }
}
