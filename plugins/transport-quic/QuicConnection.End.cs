using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// The end of a connection: by us, by the peer, by a fault; and the time after it in which late packets are recognised.
internal sealed partial class QuicConnection
{
    private const ulong LongestLinger = 3000 * Millisecond;

    private ulong _lingerUntil;
    private byte[] _closePacket = [];
    private int _lateArrivals;

    /// <summary>Ends the connection for everybody.</summary>
    /// <param name="linger">How long late packets are still recognised; 0 forgets at once.</param>
    public void End(CloseReason reason, ulong linger, ulong now)
    {
        if (_native is null)
            return;
        bool connected = _state is ConnectionState.Up or ConnectionState.Flushing;
        if (connected)
        {
            _loop.Inbound.Flush();
            DeliverControl(extendWindow: false);
        }
        _state = ConnectionState.Lingering;
        _native.Dispose();
        _native = null;
        _packetsDropped += _queue?.Count ?? 0;
        _queue?.Dispose();
        _outbound?.Dispose();
        _controlOut.Dispose();
        _controlIn.Dispose();
        _halves.Dispose();
        _lingerUntil = now + Math.Min(linger, LongestLinger);
        _loop.OnEnded(this, reason, connected);
        if (linger == 0)
            Forget();
        else
            _loop.SetTimer(this, _lingerUntil);
    }

    /// <summary>Writes the closing packet, then ends.</summary>
    public unsafe void CloseNow(in CloseReason reason, in CloseCause cause, ulong now)
    {
        if (_native is null)
            return;
        ulong linger = 3 * _native.Pto;
        byte* dest = _loop.Arena.Reserve(_capacity);
        if (dest is not null)
        {
            nint length = _native.WriteClose(dest, _capacity, cause, now);
            if (length > 0)
            {
                _closePacket = new ReadOnlySpan<byte>(dest, (int)length).ToArray();
                _loop.Arena.Commit((int)length, _socket, _native.WriteRemote, _source, null, SendAs.Alone);
            }
        }
        End(reason, _closePacket.Length == 0 ? 0 : linger, now);
    }

    private void CheckClose(ulong now)
    {
        CloseRequest? request = Volatile.Read(ref _closeRequest);
        if (request is null)
        {
            if (_streamEnded && _state == ConnectionState.Up)
                CloseNow(
                    new CloseReason(CloseCode.ProtocolError, "the peer ended the control stream"),
                    CloseMapping.ToCause(new CloseReason(CloseCode.ProtocolError, "control stream ended")), now);
            return;
        }
        if (_state == ConnectionState.Up)
        {
            _state = ConnectionState.Flushing;
            _flushDeadline = now + FlushTime;
        }
        if (_state == ConnectionState.Flushing && !_controlOut.IsEmpty && now < _flushDeadline)
            return;
        CloseNow(request.Reason, CloseMapping.ToCause(request.Reason), now);
    }

    // RFC 9000 §10.2.1: an endpoint that has closed answers, ever more rarely, with the same packet.
    private unsafe void OnLatePacket(in SocketAddress28 remote)
    {
        _lateArrivals++;
        bool powerOfTwo = (_lateArrivals & (_lateArrivals - 1)) == 0;
        if (_state != ConnectionState.Lingering || _closePacket.Length == 0 || !powerOfTwo || !remote.Equals(_remote))
            return;
        byte* dest = _loop.Arena.Reserve(_closePacket.Length);
        if (dest is null)
            return;
        _closePacket.CopyTo(new Span<byte>(dest, _closePacket.Length));
        _loop.Arena.Commit(_closePacket.Length, _socket, remote, _source, null, SendAs.Alone);
    }

    private void Fail(int error, ulong now)
    {
        if (_native is null)
            return;
        switch (error)
        {
            case Ngtcp2.ERR_DRAINING:
                End(ReasonOfPeer(), 3 * _native.Pto, now);
                return;
            case Ngtcp2.ERR_IDLE_CLOSE:
                End(new CloseReason(CloseCode.IdleTimeout, "nothing was heard for the idle timeout"), 0, now);
                return;
            case Ngtcp2.ERR_HANDSHAKE_TIMEOUT:
                End(new CloseReason(CloseCode.HandshakeTimeout, "the handshake took too long"), 0, now);
                return;
            case Ngtcp2.ERR_DROP_CONN or Ngtcp2.ERR_RETRY or Ngtcp2.ERR_RECV_VERSION_NEGOTIATION:
                End(new CloseReason(CloseCode.HandshakeFailed, Ngtcp2.Describe(error)), 0, now);
                return;
            default:
                CloseNow(ReasonOfError(error), new CloseCause(error, 0, []), now);
                return;
        }
    }

    /// <summary>Whether the handshake ended because the engine refused the peer's certificate. Loop's thread.</summary>
    public bool RefusedByEngine => _outcome == HandshakeOutcome.Refused;

    private CloseReason ReasonOfPeer()
    {
        if (_statelessReset)
            return new CloseReason(CloseCode.StatelessReset, "the peer lost the connection's state", ByPeer: true);
        _native!.GetPeerClose(out bool application, out ulong code, out byte[] text);
        return CloseMapping.FromPeer(application, code, text, _state == ConnectionState.Handshaking);
    }

    private CloseReason ReasonOfError(int error)
    {
        if (_outcome == HandshakeOutcome.Refused)
            return new CloseReason(CloseCode.TrustRefused, _verdictText);
        if (_state != ConnectionState.Handshaking)
            return new CloseReason(CloseCode.TransportError, Ngtcp2.Describe(error));
        if (_outcome == HandshakeOutcome.NoProtocol)
            return new CloseReason(CloseCode.HandshakeFailed, "no common protocol");
        int alert = error == Ngtcp2.ERR_CRYPTO ? _native!.TlsAlert : 0;
        return alert switch
        {
            CloseMapping.CertificateRequiredAlert =>
                new CloseReason(CloseCode.TrustRefused, "the peer showed no certificate"),
            0 => new CloseReason(CloseCode.HandshakeFailed, Ngtcp2.Describe(error)),
            _ => new CloseReason(CloseCode.HandshakeFailed, $"the TLS handshake failed with alert {alert}"),
        };
    }

    private void Forget()
    {
        if (_state == ConnectionState.Gone)
            return;
        _state = ConnectionState.Gone;
        foreach (ConnectionId id in _cids)
            _loop.Table.Remove(id);
        foreach (UInt128 token in _resetTokens)
            ForgetToken(token);
        _cids.Clear();
        _resetTokens.Clear();
        _loop.SetTimer(this, ulong.MaxValue);
        _loop.OnForgotten(this);
    }

    // Two connections have the same token only when a peer gives it twice; each takes away its own alone.
    private void ForgetToken(UInt128 token) =>
        _loop.Shared.ByToken.TryRemove(KeyValuePair.Create(token, this));
}
