using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// The sockets of the loop: which are listed, which only serve their last connections. All of it on the loop's thread.
internal sealed unsafe partial class EventLoop
{
    // What was under way to a socket when its connections moved to another still arrives.
    private const ulong MoveTime = 1_000_000_000;

    // Listed sockets come first.
    private UdpSocket[] _sockets = [];
    private int _listed;
    private readonly PacketSources _sources;
    private IPacketSource[] _served = [];
    private PollFd* _polls;
    private ulong _nextRetirement = Never;

    private int WakePoll => _sockets.Length;

    /// <summary>The socket to reach an address from; null when there is none of its family.</summary>
    /// <remarks>One bound to a single address of this machine may not reach everywhere, so it comes second.</remarks>
    public UdpSocket? SocketFor(in SocketAddress28 remote)
    {
        UdpSocket? best = null;
        int bestScore = -1;
        for (int i = 0; i < _listed; i++)
        {
            UdpSocket candidate = _sockets[i];
            if (candidate.Local.Family != remote.Family)
                continue;
            int score = candidate.IsWildcard ? 2 : candidate.Local.IsLoopback == remote.IsLoopback ? 1 : 0;
            if (score <= bestScore)
                continue;
            best = candidate;
            bestScore = score;
        }
        return best;
    }

    /// <summary>Whether any socket can reach addresses of this family.</summary>
    public bool HasFamily(int family)
    {
        for (int i = 0; i < _listed; i++)
        {
            if (_sockets[i].Local.Family == family)
                return true;
        }
        return false;
    }

    /// <summary>Moves a connection whose socket is no longer listed to one that is, where that is possible.</summary>
    public void LeaveRetired(QuicConnection connection)
    {
        if (connection.Socket.ClosesAt == Never || connection.State != ConnectionState.Up)
            return;
        for (int i = 0; i < _listed; i++)
        {
            if (!connection.TryGetSourceOn(_sockets[i], out LocalAddress source))
                continue;
            connection.MoveTo(_sockets[i], source);
            return;
        }
        // Only a client's address may change (RFC 9000 §9); a server's connections stay until they end.
        if (connection.Role == ConnectionRole.Initiator && SocketFor(connection.Remote) is { } other)
            connection.MoveTo(other, default);
    }

    private void SetSockets(SocketGroup[] groups) => SetSockets([.. groups.Select(group => group.Members[Index])], []);

    private void SetSockets(UdpSocket[] listed, List<UdpSocket> released)
    {
        UdpSocket[] leaving = [.. _sockets.Where(socket => !listed.Contains(socket) && !released.Contains(socket))];
        foreach (UdpSocket socket in listed)
            socket.ClosesAt = Never;
        foreach (UdpSocket socket in leaving.Where(socket => socket.ClosesAt == Never))
        {
            socket.ClosesAt = _now + Nanoseconds(Shared.LongestRetirement);
            socket.StaysUntil = _now + (socket.Connections > 0 ? MoveTime : 0);
        }
        _listed = listed.Length;
        _sockets = [.. listed, .. leaving];
        SetPolls();
        foreach (QuicConnection connection in _connections)
            LeaveRetired(connection);
        _nextRetirement = leaving.Length > 0 ? _now : Never;
    }

    // What is waited for: the sockets, the wake-up, and the interfaces that the loop reads.
    private void SetPolls()
    {
        _served = _sources.All;
        _polls = (PollFd*)NativeMemory.Realloc(_polls, (nuint)((_sockets.Length + 1 + _served.Length) * sizeof(PollFd)));
        for (int i = 0; i < _sockets.Length; i++)
            _polls[i] = new PollFd { Fd = _sockets[i].Fd };
        _polls[WakePoll] = new PollFd { Fd = _wakeFd };
        for (int i = 0; i < _served.Length; i++)
            _polls[WakePoll + 1 + i] = new PollFd { Fd = _served[i].ReadyDescriptor, Events = LibC.POLLIN };
    }

    // What the engine has just written to the kernel may have made it answer at once (TCP acknowledges within the write):
    // after packets from peers the interfaces are looked at without being asked for.
    private void ServeSources(bool received)
    {
        IPacketSource[] served = _served;
        for (int i = 0; i < served.Length; i++)
        {
            short ready = _polls[WakePoll + 1 + i].Revents;
            if ((ready & LibC.POLLNVAL) != 0)
                _sources.Remove(served[i]); // closed: it would be ready for ever
            else if (received || ready != 0)
                _sources.Serve(served[i]);
        }
    }

    // A retired socket closes with its last connection, or when its time is up.
    private void CloseRetired()
    {
        if (_now < _nextRetirement)
            return;
        _nextRetirement = Never;
        List<UdpSocket>? released = null;
        for (int i = _listed; i < _sockets.Length; i++)
        {
            UdpSocket socket = _sockets[i];
            if (_now >= socket.ClosesAt)
                CloseConnectionsOn(socket);
            else if (socket.Connections > 0 || _now < socket.StaysUntil)
            {
                ulong look = socket.Connections > 0 ? _now + MoveTime : socket.StaysUntil;
                _nextRetirement = Math.Min(_nextRetirement, Math.Min(look, socket.ClosesAt));
                continue;
            }
            // False when it is to be listed again: the command for that is on its way.
            if (socket.Group.TryRelease(Index))
                (released ??= []).Add(socket);
        }
        if (released is not null)
            SetSockets([.. _sockets.Take(_listed)], released);
    }

    private void CloseConnectionsOn(UdpSocket socket)
    {
        var reason = new CloseReason(CloseCode.Goodbye, "the listen address of the connection was taken away");
        foreach (QuicConnection connection in _connections.Where(other => ReferenceEquals(other.Socket, socket)).ToArray())
            connection.CloseNow(reason, CloseMapping.ToCause(reason), _now);
        Arena.Flush();
    }

    private void Configure(QuicSettings settings)
    {
        QuicSettings old = Settings;
        Settings = settings;
        SetProbes();
        if (settings.SocketBufferBytes == old.SocketBufferBytes && settings.Gso == old.Gso && settings.Gro == old.Gro)
            return;
        foreach (UdpSocket socket in _sockets)
        {
            socket.Configure(settings);
            if (socket.SmallBuffers)
                _log.SmallBuffers(socket.LocalEndPoint, settings.SocketBufferBytes);
        }
    }

    private void SetProbes()
    {
        ushort[] probes = Settings.PmtudProbes();
        _probeCount = probes.Length;
        _probes = (ushort*)NativeMemory.Realloc(_probes, (nuint)(sizeof(ushort) * Math.Max(1, probes.Length)));
        probes.CopyTo(new Span<ushort>(_probes, probes.Length));
    }
}
