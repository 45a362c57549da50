using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// The loop's side of a connection: life from the handshake on. QuicConnection.Send.cs and QuicConnection.End.cs have the rest.
internal sealed partial class QuicConnection
{
    private const ulong Millisecond = 1_000_000;
    private const ulong FlushTime = 200 * Millisecond;
    private const int MovesPerSecond = 1;
    private const int MovesAtOnce = 10;
    private const ulong PathInterval = 1000 * Millisecond;

    private readonly int _capacity;
    private UdpSocket _socket;
    private LocalAddress _source;
    private readonly List<ConnectionId> _cids = [];
    private readonly List<UInt128> _resetTokens = [];
    private SocketAddress28 _remote;
    private RateLimit _moves;
    private Ngtcp2Connection? _native;
    private HandshakeOutcome _outcome;
    private string _verdictText = "";
    private bool _proven;
    private bool _answerWanted;
    private bool _held;
    private bool _statelessReset;
    private bool _streamEnded;
    private long _streamId = -1;
    private ulong _handshakeDeadline;
    private ulong _flushDeadline;
    private ulong _nextPathCheck;
    private long _keyUpdateAt;

    int ITimed.HeapIndex { get; set; } = -1;

    ulong ITimed.Due { get; set; }

    /// <summary>Whether it stands in the loop's list of connections to serve.</summary>
    public bool Dirty { get; set; }

    /// <summary>Where it stands in its life.</summary>
    public ConnectionState State => _state;

    /// <summary>The socket that all its packets come and go through.</summary>
    public UdpSocket Socket => _socket;

    /// <summary>Where the peer is now.</summary>
    public ref readonly SocketAddress28 Remote => ref _remote;

    /// <summary>Makes the native connection.</summary>
    /// <returns>False when memory ran out; the object is Gone then and told nobody.</returns>
    public bool Begin(in ConnectionSeed seed, ulong handshakeTimeout)
    {
        _handshakeDeadline = seed.Now + handshakeTimeout;
        _moves = new RateLimit(MovesPerSecond, seed.Now, MovesAtOnce);
        AddCid(new ConnectionId(seed.SourceCid));
        if (seed.Role == ConnectionRole.Responder)
            AddCid(new ConnectionId(seed.RetryCid.IsEmpty ? seed.OriginalCid : seed.RetryCid));
        _native = Ngtcp2Connection.Create(seed, this);
        if (_native is not null)
            return true;
        Forget();
        return false;
    }

    /// <summary>Takes one QUIC datagram that names this connection.</summary>
    public unsafe void Receive(in SocketAddress28 remote, byte* packet, int length, ulong now)
    {
        if (_native is null)
        {
            OnLatePacket(remote);
            return;
        }
        if (!remote.Equals(_remote) && !MayComeFrom(now))
            return;
        int result = _native.Read(remote, packet, length, now);
        if (result < 0)
            Fail(result, now);
    }

    // A client is deaf to every address but the one it dialled (RFC 9000 §9). A server follows its client, but a
    // client that never stays makes it send path challenges to whomever it names: only real moves are counted, so
    // nobody can spend a client's moves by forging its address.
    private bool MayComeFrom(ulong now)
    {
        if (Role == ConnectionRole.Initiator)
        {
            _loop.Counters.Strays++;
            return false;
        }
        if (!_moves.IsEmpty(now))
            return true;
        _loop.Counters.MovesRefused++;
        return false;
    }

    /// <summary>Runs what is due, also while the socket takes nothing and so nobody is served.</summary>
    public void OnTimer(ulong now)
    {
        if (_state == ConnectionState.Lingering && now >= _lingerUntil)
        {
            Forget();
            return;
        }
        if (_native is null)
            return;
        if (_state == ConnectionState.Handshaking && now >= _handshakeDeadline)
            Fail(Ngtcp2.ERR_HANDSHAKE_TIMEOUT, now);
        else if (!_held)
            HandleExpiry(now);
    }

    /// <summary>Delivers what came, runs what is due, sends, and sets the next time.</summary>
    /// <returns>Whether it wants to be served again at once.</returns>
    public bool Serve(ulong now)
    {
        if (_native is null)
        {
            _loop.SetTimer(this, _state == ConnectionState.Lingering ? _lingerUntil : ulong.MaxValue);
            return false;
        }
        if (MustWait())
        {
            _loop.SetTimer(this, _handshakeDeadline);
            return false;
        }
        Announce(now);
        DeliverControl(extendWindow: true);
        HandleExpiry(now);
        bool again = _native is not null && Write(now);
        if (_native is not null)
            CheckClose(now);
        if (_native is not null && now >= _nextPathCheck)
            CheckPath(now);
        _loop.SetTimer(this, NextDue());
        return again && _native is not null;
    }

    /// <summary>Acknowledges and sends what it can, and nothing else; it must still be served.</summary>
    /// <returns>Whether there is more to send.</returns>
    public bool WriteNow(ulong now)
    {
        if (_state != ConnectionState.Up)
            return false;
        HandleExpiry(now);
        return _native is not null && Write(now);
    }

    // Whatever brought the loop here: a time that has passed unseen, as the pacer's, would be the next to wake it.
    private void HandleExpiry(ulong now)
    {
        if (_native is null || _native.Expiry > now)
            return;
        _flight.OnRead(_native.BytesInFlight, now); // what was read before in this turn was acknowledged, not given up
        int result = _native.HandleExpiry(now);
        _flight.OnTimer(_native.BytesInFlight);
        if (result < 0)
            Fail(result, now);
    }

    /// <summary>Whether another socket has the address that the peer knows us by.</summary>
    /// <param name="source">What to send from on that socket.</param>
    public bool TryGetSourceOn(UdpSocket other, out LocalAddress source)
    {
        LocalAddress known = _socket.IsWildcard ? _source : LocalAddress.Of(_socket.Local);
        source = other.IsWildcard ? known : default;
        return known.Family != 0 && other.Local.PortBigEndian == _socket.Local.PortBigEndian
            && other.Local.Family == _socket.Local.Family
            && (other.IsWildcard || LocalAddress.Of(other.Local) == known);
    }

    /// <summary>Goes on through another socket; the peer learns of it by a packet that it must answer.</summary>
    public void MoveTo(UdpSocket socket, LocalAddress source)
    {
        _socket.Connections--;
        socket.Connections++;
        _socket = socket;
        _source = source;
        _answerWanted = true;
        _loop.MarkDirty(this);
    }

    void IConnectionCallbacks.OnHandshakeCompleted()
    {
        if (Role == ConnectionRole.Responder)
            _outcome = HandshakeOutcome.Confirmed;
    }

    void IConnectionCallbacks.OnKeysReady() => _proven = true;

    void IConnectionCallbacks.OnHandshakeConfirmed() => _outcome = HandshakeOutcome.Confirmed;

    bool IConnectionCallbacks.OnVerify(ReadOnlySpan<byte> leafDer, int certificates)
    {
        string protocol = _native?.Protocol ?? "";
        if (protocol.Length == 0)
        {
            _outcome = HandshakeOutcome.NoProtocol;
            return false;
        }
        var question = new HandshakeQuestion(Role, DialId, leafDer, certificates, protocol, _remote.ToEndPoint());
        HandshakeVerdict verdict = _loop.Shared.Events.OnHandshake(question);
        Protocol = protocol;
        Peer = verdict.Peer;
        _verdictText = verdict.Text;
        if (!verdict.Accepted)
            _outcome = HandshakeOutcome.Refused;
        return verdict.Accepted;
    }

    bool IConnectionCallbacks.OnStreamData(long streamId, ReadOnlySpan<byte> data, bool finished)
    {
        if (_streamId < 0)
            _streamId = streamId;
        _streamEnded |= finished;
        return streamId == _streamId && _controlIn.TryAppend(data);
    }

    void IConnectionCallbacks.OnStreamAcknowledged(long streamId, ulong offset) => _controlOut.OnAcknowledged(offset);

    void IConnectionCallbacks.OnStreamEnded(long streamId) => _streamEnded = true;

    void IConnectionCallbacks.OnDatagram(ReadOnlySpan<byte> data)
    {
        if (_state is not (ConnectionState.Up or ConnectionState.Flushing))
            return;
        if (!DatagramFraming.TryRead(data, out DatagramHeader header))
        {
            _packetsDropped++;
            return;
        }
        int length = _loop.Inbound.Add(this, header, data[header.Length..], _halves);
        if (length == 0)
            return;
        _packetsReceived++;
        _bytesReceived += length;
    }

    void IConnectionCallbacks.OnDatagramLost(ulong id)
    {
        _datagramsLost++;
        if ((id & LargePacket) != 0)
            _blackHole.OnLost();
        _runs?.OnLost(id >> PacketShift);
    }

    void IConnectionCallbacks.OnNewConnectionId(Span<byte> cid, Span<byte> token)
    {
        _loop.FillConnectionId(cid);
        _loop.Shared.Secrets.ResetToken(cid, token);
        AddCid(new ConnectionId(cid));
    }

    void IConnectionCallbacks.OnRemoveConnectionId(ReadOnlySpan<byte> cid)
    {
        var id = new ConnectionId(cid);
        _cids.Remove(id);
        _loop.Table.Remove(id);
    }

    void IConnectionCallbacks.OnResetToken(ReadOnlySpan<byte> token, bool active)
    {
        UInt128 value = ConnectionTable.Token(token);
        if (active)
        {
            _resetTokens.Add(value);
            _loop.Shared.ByToken[value] = this;
            return;
        }
        _resetTokens.Remove(value);
        ForgetToken(value);
    }

    void IConnectionCallbacks.OnStatelessReset() => _statelessReset = true;

    private void AddCid(ConnectionId id)
    {
        _cids.Add(id);
        _loop.Table.Add(id, this);
    }

    // Between the peer's proof and our own last message of the handshake, which would make the peer take this
    // connection for one in use: only one of a dial's handshakes sends it. ngtcp2 sees a pause, as on a busy machine.
    private bool MustWait()
    {
        _held = _proven && Role == ConnectionRole.Initiator && _state == ConnectionState.Handshaking
            && !_loop.MayComplete(this);
        return _held;
    }

    private void Announce(ulong now)
    {
        if (_state != ConnectionState.Handshaking || _outcome != HandshakeOutcome.Confirmed)
            return;
        if (_native!.PeerMaxDatagramFrame == 0 || (Role == ConnectionRole.Initiator && !OpenControlStream()))
        {
            var reason = new CloseReason(
                CloseCode.HandshakeFailed, "the peer offers no datagrams or no control stream");
            CloseNow(reason, CloseMapping.ToCause(new CloseReason(CloseCode.ProtocolError, reason.Text)), now);
            return;
        }
        ChannelBinding = _native.ChannelBinding;
        UpdatePathLimits();
        _path = MakePath();
        _nextPathCheck = now + (PathInterval / 10);
        var queue = new PacketQueue(_loop.Settings.QueueBytes);
        _outbound = new OutboundDatagrams(queue, _capacity) { DatagramBytes = _datagramBytes };
        _queue = queue;
        _keyUpdateAt = _loop.Shared.Crypto.ChangesFirstKeys ? 0 : _loop.Settings.PacketsPerKey;
        _runs = _loop.Settings.WatchesGso ? new GsoWatch { IsCorrupt = _loop.Shared.CorruptRuns.Contains(Peer) } : null;
        _state = ConnectionState.Up;
        _loop.OnUp(this);
    }

    // The responder's side of the stream comes to be with the first bytes on it; until then what it sends waits.
    private bool OpenControlStream()
    {
        _streamId = _native!.OpenStream();
        return _streamId >= 0;
    }

    private void DeliverControl(bool extendWindow)
    {
        int count = _controlIn.Count;
        if (count == 0 || _state is not (ConnectionState.Up or ConnectionState.Flushing))
            return;
        _loop.Shared.Events.OnControl(this, _controlIn.Bytes);
        _controlIn.Clear();
        if (extendWindow && !_streamEnded)
            _native!.ExtendWindow(_streamId, count);
    }

    private void CheckPath(ulong now)
    {
        _nextPathCheck = now + PathInterval;
        if (_state != ConnectionState.Up)
            return;
        CheckRuns(now);
        if (_blackHole.Look(now))
        {
            _pathUdpPayload = 0; // read again
            UpdatePathLimits();
            _loop.OnBlackHole(this, _blackHole.IsBlack);
        }
        PathFacts old = _path;
        PathFacts path = MakePath();
        if (path == old)
            return;
        _path = path;
        _loop.Shared.Events.OnPathChanged(this, path);
    }

    private ulong NextDue()
    {
        if (_native is null)
            return _state == ConnectionState.Lingering ? _lingerUntil : ulong.MaxValue;
        ulong due = _expiry;
        if (_state == ConnectionState.Handshaking)
            due = Math.Min(due, _handshakeDeadline);
        else if (_state == ConnectionState.Flushing)
            due = Math.Min(due, _flushDeadline);
        return due;
    }

    private enum HandshakeOutcome
    {
        Open,
        Confirmed,
        Refused,
        NoProtocol,
    }
}
