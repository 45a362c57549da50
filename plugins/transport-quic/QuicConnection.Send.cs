using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// Sending, in this order for every packet:
//   1. control   bytes of the one stream
//   2. packets   as many DATAGRAM frames as fit, whole or as halves
//   3. the rest  handshake, acknowledgements, retransmissions, probes: ngtcp2 adds them by itself
internal sealed partial class QuicConnection
{
    // A pacer that asks for less at a time would cost a system call for every few packets.
    private const int SmallestQuantum = 16 * 1200;

    // Datagrams after which a change of keys is tried again that ngtcp2 refused because another is under way.
    private const int KeyUpdateRetry = 64;

    // From so many lost datagrams in a thousand on, up to so many waiting packets leave one by one: acknowledgements of a
    // stream inside that are lost together leave its sender with nothing to go on (docs/decisions/0032-apart-where-lost.md).
    private const double LossyPermille = 20;
    private const int FewPackets = 8;

    // What a datagram is written with: whether it ends beyond what every path carries, and, with the first of a packet,
    // the packet's number.
    private const ulong LargePacket = 1;
    private const int PacketShift = 1;

    private static readonly TimeSpan s_shortestWait = TimeSpan.FromMilliseconds(20);

    private readonly BlackHoleWatch _blackHole = new();
    private GsoWatch? _runs;
    private int _pathUdpPayload;
    private int _datagramBytes;
    private bool _streamBlocked;
    private int _refusedSends;
    private ulong _expiry;
    private double _lossPermille;
    private bool _apart;
    private long _lostBefore;
    private long _sentBefore;

    void ISendObserver.OnSendRefused(int errno, bool probe)
    {
        if (probe && errno == LibC.EMSGSIZE)
            return;
        bool unreachable = errno is LibC.ENETUNREACH or LibC.EHOSTUNREACH or LibC.ENETDOWN or LibC.EACCES
            or LibC.EPERM or LibC.EINVAL or LibC.EADDRNOTAVAIL;
        if (_state == ConnectionState.Handshaking && Role == ConnectionRole.Initiator && unreachable)
            _loop.FailLater(
                this, new CloseReason(CloseCode.Unreachable, $"sending failed with {LibC.NameOfErrno(errno)}"));
        // ngtcp2 does not lower a path's size once it is found (RFC 8899 §4.3 leaves that to the sender): a
        // connection whose interface has shrunk is given up, so that a new one can find the new size.
        else if (errno == LibC.EMSGSIZE && ++_refusedSends >= 8)
            _loop.FailLater(this, new CloseReason(CloseCode.TransportError, "the path's packet size has shrunk"));
    }

    void ISendObserver.OnLeft(int packets, bool isEqualRun) => _runs?.OnLeft(packets, isEqualRun);

    // Returns whether the quantum ran out with more to send.
    private unsafe bool Write(ulong now)
    {
        _flight.OnRead(_native!.BytesInFlight, now);
        UpdatePathLimits();
        if (_state == ConnectionState.Up && _outbound!.Datagrams >= _keyUpdateAt)
        {
            bool began = _native!.UpdateKeys(now);
            _keyUpdateAt = _outbound.Datagrams + (began ? _loop.Settings.PacketsPerKey : KeyUpdateRetry);
            _loop.Counters.KeyUpdates += began ? 1 : 0;
        }
        // ngtcp2 keeps to this, too, and so does what it sends by itself.
        int capacity = _blackHole.IsBlack ? BlackHoleWatch.SmallestPath : _capacity;
        int budget = Math.Max(_native!.SendQuantum, SmallestQuantum);
        _streamBlocked = false;
        _apart = _lossPermille >= LossyPermille && _queue is { Count: <= FewPackets };
        SendAs usual = _runs is not null && (_runs.MustBeAlone || HasNoAnswer(now)) ? SendAs.Alone : SendAs.Run;
        if (_answerWanted)
            _native.WantAnswer(true);
        while (budget > 0)
        {
            byte* dest = _loop.Arena.Reserve(capacity);
            if (dest is null)
            {
                _expiry = _native.Expiry;
                return true;
            }
            nint length = WriteOne(dest, capacity, now);
            if (length == 0)
                break;
            if (length < 0)
            {
                Fail((int)length, now);
                return false;
            }
            SendAs sendAs = length > _pathUdpPayload ? SendAs.Probe : usual;
            _runs?.OnWritten();
            _loop.Arena.Commit((int)length, _socket, _native.WriteRemote, _source, this, sendAs);
            budget -= (int)length;
            if (!_answerWanted)
                continue;
            _answerWanted = false;
            _native.WantAnswer(false);
        }
        ulong unpaced = _native.Expiry;
        _native.OnSent();
        // When the pacer allows the next packet is nothing to wake up for while none waits.
        bool waits = _controlOut.HasUnsent || _queue is not { Count: 0 };
        _expiry = waits ? _native.Expiry : unpaced;
        _flight.OnWritten(_native.BytesInFlight, now);
        FollowRemote(now);
        return budget <= 0;
    }

    private unsafe nint WriteOne(byte* dest, int capacity, ulong now)
    {
        if (_streamId >= 0 && !_streamBlocked && _controlOut.HasUnsent)
        {
            NgVec* parts = stackalloc NgVec[2];
            int count = _controlOut.GetUnsent(parts);
            nint length = _native!.WriteStream(dest, capacity, _streamId, parts, count, out nint accepted, now);
            if (accepted > 0)
                _controlOut.OnSent((int)accepted);
            if (length is not (Ngtcp2.ERR_STREAM_DATA_BLOCKED or Ngtcp2.ERR_STREAM_SHUT_WR
                or Ngtcp2.ERR_STREAM_NOT_FOUND))
                return length;
            _streamBlocked = true;
            // A stream that takes no more was stopped by the peer: the control protocol is over.
            _streamEnded |= length != Ngtcp2.ERR_STREAM_DATA_BLOCKED;
        }
        if (_state == ConnectionState.Up && TryWriteDatagrams(dest, capacity, now, out nint written))
            return written;
        return _native!.WriteStream(dest, capacity, -1, null, 0, out _, now);
    }

    // False when no packet waits.
    private unsafe bool TryWriteDatagrams(byte* dest, int capacity, ulong now, out nint written)
    {
        written = 0;
        NgVec* parts = stackalloc NgVec[2];
        OutboundDatagrams outbound = _outbound!;
        int room = _datagramBytes;
        ulong number = (_runs?.NextPacket ?? 0) << PacketShift;
        while (outbound.TryNext(now))
        {
            // 3 bytes are the DATAGRAM frame's own, before each one but the first.
            room -= outbound.Frame(parts) + 3;
            bool isLarge = _datagramBytes - room > BlackHoleWatch.SmallestPath - DatagramFraming.PacketOverhead + 3;
            written = _native!.WriteDatagram(
                dest, capacity, parts, 2, !_apart && outbound.MayFollow(room), number | (isLarge ? LargePacket : 0), out bool accepted, now);
            if (accepted)
            {
                number = 0;
                outbound.OnAccepted();
                if (isLarge)
                    _blackHole.OnSent();
            }
            if (written != Ngtcp2.ERR_WRITE_MORE)
                return true;
        }
        if (!_native!.HalfWritten)
            return false;
        written = _native.Finish(dest, capacity);
        return true;
    }

    // The two packets that ask for an acknowledgement which fails to come (RFC 9002 §6.2.4) are equally long: as a run they
    // would be lost again and again where runs are, and no loss would ever be known.
    private bool HasNoAnswer(ulong now)
    {
        TimeSpan waiting = _flight.WaitingAt(now);
        return waiting > s_shortestWait && (ulong)waiting.Ticks * 100 > _native!.Pto;
    }

    private void CheckRuns(ulong now)
    {
        GsoFinding finding = _runs?.Look(now) ?? GsoFinding.Nothing;
        if (finding == GsoFinding.Nothing)
            return;
        _blackHole.Forget(); // what is lost for being in runs looks as if it were too large
        if (finding == GsoFinding.Corrupt)
            _loop.OnCorruptRuns(this);
    }

    private void UpdatePathLimits()
    {
        int payload = _blackHole.IsBlack ? BlackHoleWatch.SmallestPath : _native!.PathMaxUdpPayload;
        if (payload == _pathUdpPayload && _largestPacket > 0)
            return;
        _pathUdpPayload = payload;
        // Beyond the peer's own limit a datagram would break the protocol; 3 bytes are the frame's own.
        int frame = (int)Math.Min(_native!.PeerMaxDatagramFrame, 65_535);
        _datagramBytes = Math.Min(payload - DatagramFraming.PacketOverhead, frame - 3);
        _largestPacket = Math.Max(0, DatagramFraming.MaxPacket(_datagramBytes));
        if (_outbound is not null)
            _outbound.DatagramBytes = _datagramBytes;
        _nextPathCheck = 0;
    }

    // The client's address may change (a NAT forgets); ngtcp2 validates the new one before it sends there.
    private void FollowRemote(ulong now)
    {
        SocketAddress28 remote = _native!.Remote;
        if (remote.Equals(_remote))
            return;
        _remote = remote;
        _moves.TryTake(now);
        _nextPathCheck = now;
    }

    private PathFacts MakePath()
    {
        long lost = _datagramsLost - _lostBefore;
        long datagrams = _outbound?.Datagrams ?? 0;
        long sent = datagrams - _sentBefore;
        if (sent >= 100)
        {
            _lossPermille = (0.7 * _lossPermille) + (0.3 * Math.Min(1000, 1000.0 * lost / sent));
            _lostBefore = _datagramsLost;
            _sentBefore = datagrams;
        }
        // Ten-microsecond steps: a path that only jitters below that has not changed.
        var roundTrip = TimeSpan.FromMicroseconds(Math.Round(_native!.SmoothedRtt / 10_000.0) * 10);
        return new PathFacts(
            _remote.ToEndPoint(), roundTrip, (int)_lossPermille, _largestPacket, _pathUdpPayload);
    }
}
