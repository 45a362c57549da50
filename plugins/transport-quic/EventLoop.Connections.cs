using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// Beginning and ending connections. All of it on the loop's thread.
internal sealed unsafe partial class EventLoop
{
    /// <summary>What every new connection has in common.</summary>
    public ConnectionSeed Seed(ConnectionRole role, UdpSocket socket, in SocketAddress28 remote, ulong now) => new()
    {
        Role = role,
        Credentials = Shared.Credentials,
        Protocol = "",
        Callbacks = _callbacks,
        Local = socket.Local,
        Remote = remote,
        Now = now,
        HandshakeTimeout = Nanoseconds(Shared.Options.HandshakeTimeout),
        IdleTimeout = Nanoseconds(Shared.Options.IdleTimeout),
        ControlWindow = Shared.Options.ControlWindowBytes,
        Bbr = Settings.Bbr,
        MaxUdpPayload = Settings.MaxUdpPayload,
        PmtudProbes = new ReadOnlySpan<ushort>(_probes, _probeCount),
    };

    /// <summary>Makes an ID of ours that names this loop.</summary>
    public void FillConnectionId(Span<byte> id) => ConnectionId.Fill(id, Index, _loops.Length);

    /// <summary>Makes a connection out of its seed. Its room is reserved already.</summary>
    /// <returns>Null when memory ran out.</returns>
    public QuicConnection? Begin(
        ConnectionRole role, long dialId, UdpSocket socket, in SocketAddress28 remote, in ConnectionSeed seed)
    {
        var connection = new QuicConnection(this, Shared.Admission.NextId(), role, dialId, socket, remote);
        _connections.Add(connection);
        socket.Connections++;
        Counters.Connections++;
        if (role == ConnectionRole.Responder)
            Counters.HalfOpen++;
        if (!connection.Begin(seed, Nanoseconds(Shared.Options.HandshakeTimeout)))
        {
            Counters.Connections--;
            if (role == ConnectionRole.Responder)
                EndHandshake();
            return null;
        }
        MarkDirty(connection);
        return connection;
    }

    /// <summary>Starts one try of a dial, on the loop's thread.</summary>
    /// <param name="dialId">The dial.</param>
    /// <param name="protocol">The one protocol name to offer; empty for the usual ones.</param>
    /// <param name="remote">Where to.</param>
    /// <param name="fault">Why it could not even begin.</param>
    /// <returns>Null when it could not.</returns>
    public QuicConnection? Connect(long dialId, string protocol, in SocketAddress28 remote, out string fault)
    {
        UdpSocket? socket = SocketFor(remote);
        fault = Stopping ? "the transport stops"
            : socket is null ? "no listen address of its family"
            : !Shared.Admission.TryReserve(ConnectionRole.Initiator, Settings) ? $"more than {Settings.MaxConnections} connections"
            : "";
        if (socket is null || fault.Length > 0)
            return null;
        fault = "memory ran out";
        Span<byte> source = stackalloc byte[ConnectionId.OwnLength];
        Span<byte> destination = stackalloc byte[NgCid.MaxLength];
        FillConnectionId(source);
        RandomNumberGenerator.Fill(destination);
        ConnectionSeed seed = Seed(ConnectionRole.Initiator, socket, remote, _now) with
        {
            Protocol = protocol,
            SourceCid = source,
            DestinationCid = destination,
        };
        return Begin(ConnectionRole.Initiator, dialId, socket, remote, seed);
    }

    /// <summary>Whether a connection whose peer has proved itself may complete its handshake.</summary>
    public bool MayComplete(QuicConnection connection) => _dialer.MayComplete(connection);

    /// <summary>Puts the connection's timer; <see cref="ulong.MaxValue"/> takes it away.</summary>
    public void SetTimer(QuicConnection connection, ulong due) => _timers.Set(connection, due);

    /// <summary>Ends a connection once the calls now under way have returned.</summary>
    public void FailLater(QuicConnection connection, CloseReason reason) => _failing.Add((connection, reason));

    /// <summary>Large packets are lost on a connection's path, or are tried again.</summary>
    public void OnBlackHole(QuicConnection connection, bool isBlack)
    {
        Counters.BlackHoles += isBlack ? 1 : 0;
        if (MayLog(out long unlogged))
            _log.BlackHole(connection.Path.Remote, isBlack ? "are lost without a word: 1,200 bytes at most from now on" : "are tried again", unlogged);
    }

    /// <summary>Runs of datagrams do not reach a connection's peer.</summary>
    public void OnCorruptRuns(QuicConnection connection)
    {
        if (MayLog(out long unlogged))
            _log.CorruptRuns(connection.Peer.ToShortString(), connection.Path.Remote, unlogged);
        Shared.CorruptRuns.Add(connection.Peer);
    }

    /// <summary>A handshake is confirmed.</summary>
    public void OnUp(QuicConnection connection)
    {
        Counters.Completed++;
        if (connection.Role == ConnectionRole.Responder)
            EndHandshake();
        else
            _dialer.OnConnected(connection, _now);
        LeaveRetired(connection);
        Shared.Events.OnConnected(connection, connection.DialId);
    }

    /// <summary>A connection is over; it may linger to recognise late packets.</summary>
    public void OnEnded(QuicConnection connection, CloseReason reason, bool connected)
    {
        Counters.Connections--;
        if (connected)
        {
            Shared.Events.OnClosed(connection, reason);
            return;
        }
        if (reason.Code == CloseCode.TrustRefused)
            Counters.Refused++;
        else if (reason.Code == CloseCode.Superseded)
            Counters.Abandoned++;
        else
            Counters.Failed++;
        if (connection.Role == ConnectionRole.Initiator)
        {
            _dialer.OnFailed(connection, reason, _now);
            return;
        }
        EndHandshake();
        // What the engine refused, the engine has logged; these are the refusals it never heard of.
        if (reason.Code == CloseCode.TrustRefused && !connection.RefusedByEngine && MayLog(out long unlogged))
            _log.HandshakeRefused(connection.Path.Remote, reason.Text, unlogged);
    }

    /// <summary>A connection's last ID is out of the table.</summary>
    public void OnForgotten(QuicConnection connection)
    {
        if (_connections.Remove(connection))
            Shared.Admission.Forget();
        if (--connection.Socket.Connections == 0 && connection.Socket.ClosesAt != Never)
            _nextRetirement = 0;
    }

    private void EndHandshake()
    {
        Counters.HalfOpen--;
        Shared.Admission.EndHandshake();
    }
}
