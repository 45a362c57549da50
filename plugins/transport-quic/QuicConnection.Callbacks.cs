using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// What ngtcp2 tells of a connection, from inside its calls: nothing here may call it back, or end the connection.
internal sealed partial class QuicConnection
{
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
}
