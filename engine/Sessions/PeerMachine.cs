using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>Everything about one configured peer: dials it, greets it, and keeps exactly one connection to it in use.</summary>
/// <remarks>
/// <para>
/// The tie-break (docs/wire-format.md §4): both ends rank their connections alike (<see cref="ConnectionRank"/>);
/// a connection may take over only once the other end is known to receive on it; what it replaces is drained, not
/// cut; and a dial under way is never cancelled. So two nodes that dial each other at once end with one connection,
/// and never with none.
/// </para>
/// <para>Takes events with the time, calls <see cref="ISessionActions"/>; one thread; no clock of its own.</para>
/// </remarks>
internal sealed class PeerMachine
{
    /// <summary>More connections of one peer than this are refused.</summary>
    public const int MaxConnections = 8;

    private readonly Fingerprint _self;
    private readonly ulong _instance;
    private readonly Random _random;
    private readonly ISessionActions _actions;
    private readonly Backoff _backoff;
    private readonly List<PeerConnection> _connections = [];
    private readonly Greeter _greeter;
    private long _dialId;
    private ulong _peerInstance;
    private Instant _nextDial;

    /// <summary>A peer that nothing is known of yet.</summary>
    /// <param name="configuration">Its <c>[[peers]]</c> entry.</param>
    /// <param name="self">Our own fingerprint.</param>
    /// <param name="instance">Number of this start of our daemon; larger than every earlier one's.</param>
    /// <param name="random">For jitter.</param>
    /// <param name="actions">Where decisions go.</param>
    /// <param name="now">The time.</param>
    public PeerMachine(
        PeerConfiguration configuration, Fingerprint self, ulong instance, Random random, ISessionActions actions, Instant now)
    {
        Configuration = configuration;
        _self = self;
        _instance = instance;
        _random = random;
        _actions = actions;
        _backoff = new Backoff(random);
        _greeter = new Greeter(instance, actions);
        Identity = configuration.Fingerprint;
        _nextDial = now + FirstWait();
    }

    /// <summary>The peer's entry in the configuration.</summary>
    public PeerConfiguration Configuration { get; private set; }

    /// <summary>The certificate it is known by, once known.</summary>
    public Fingerprint? Identity { get; private set; }

    /// <summary>The connection that packets to the peer use.</summary>
    public PeerConnection? Active { get; private set; }

    /// <summary>All open connections.</summary>
    public IReadOnlyList<PeerConnection> Connections => _connections;

    /// <summary>Why the last try or connection ended, or empty.</summary>
    public string LastError { get; private set; } = "";

    /// <summary>When the peer was last heard, if ever.</summary>
    public Instant? LastHeard { get; private set; }

    /// <summary>Until when the peer is left alone because it went over its limits.</summary>
    public Instant HeldUntil { get; private set; }

    /// <summary>Whether a dial is under way.</summary>
    public bool IsDialling => _dialId != 0;

    /// <summary>When it is dialled next, if nothing comes between.</summary>
    public Instant? NextDial => MayDial ? DialTime : null;

    private Instant DialTime => Instant.Max(_nextDial, HeldUntil);

    private bool MayDial => !Configuration.Addresses.IsEmpty && _dialId == 0 && _connections.Count == 0;

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer
    {
        get
        {
            Instant next = MayDial ? DialTime : Instant.Never;
            foreach (PeerConnection connection in _connections)
            {
                next = Instant.Min(next, connection.Deadline);
                if (connection.IsConfirmed)
                    next = Instant.Min(next, connection.Liveness.NextTimer);
            }
            return next;
        }
    }

    /// <summary>Time has passed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="nextDialId">Draws a number for a dial, never twice the same.</param>
    public void OnTimer(Instant now, Func<long> nextDialId)
    {
        foreach (PeerConnection connection in _connections.ToArray())
            OnConnectionTimer(connection, now);
        if (!MayDial || now < DialTime)
            return;
        _dialId = nextDialId();
        _actions.Dial(this, _dialId, Configuration.Addresses[0]);
    }

    /// <summary>Whether this dial is the peer's.</summary>
    public bool OwnsDial(long dialId) => dialId != 0 && dialId == _dialId;

    /// <summary>A dial came to nothing.</summary>
    public void OnDialFailed(CloseReason reason, Instant now)
    {
        _dialId = 0;
        LastError = reason.ToString();
        _nextDial = now + _backoff.OnFailure(reason.Code);
    }

    /// <summary>A connection is up: TLS is done on both ends and trust is durable.</summary>
    public void OnConnected(ITransportConnection transport, long dialId, Instant now)
    {
        if (OwnsDial(dialId))
            _dialId = 0;
        if (now < HeldUntil)
        {
            transport.Close(new CloseReason(CloseCode.LimitExceeded, "the peer went over its limits a short while ago"));
            return;
        }
        if (Planted.Is(PlantedDefect.BackoffClearedByConnect))
            _backoff.Reset();
        if (Planted.Is(PlantedDefect.DialCancelledByArrival) && transport.Role == ConnectionRole.Initiator && _connections.Count > 0)
        {
            transport.Close(new CloseReason(CloseCode.Superseded, "planted"));
            return;
        }
        if (_connections.Count >= MaxConnections)
        {
            transport.Close(new CloseReason(CloseCode.LimitExceeded, $"more than {MaxConnections} connections of one peer"));
            return;
        }
        if (Identity is { } known && known != transport.Peer)
        {
            // What was told under the old certificate goes with its connections, while we still know whose it is.
            CloseAll(CloseCode.TrustRevoked, "the peer came back with another certificate", now);
            _peerInstance = 0;
        }
        Identity = transport.Peer;
        // A dial's number is used once in our daemon's life, and later dials have larger ones: all a rank needs.
        var connection = new PeerConnection(transport, (ulong)dialId, now);
        _connections.Add(connection);
        if (transport.Role == ConnectionRole.Initiator && !_greeter.SendHello(this, connection))
            Close(connection, CloseCode.Internal, "Hello did not fit the control queue", now);
    }

    /// <summary>Bytes arrived on a connection's control stream.</summary>
    public void OnControl(ITransportConnection transport, ReadOnlySpan<byte> bytes, Instant now)
    {
        PeerConnection? connection = Find(transport);
        if (connection is null)
            return;
        LastHeard = now;
        connection.Liveness.OnHeard(now);
        while (_connections.Contains(connection))
        {
            ReadResult result = connection.Framer.TryNext(ref bytes, out ControlFrame frame);
            if (result == ReadResult.NeedMore)
                return;
            if (result == ReadResult.Error)
                Close(connection, CloseCode.ProtocolError, frame.Problem, now);
            else if (result == ReadResult.Frame && OnFrame(connection, frame, now) is { } fault)
                Close(connection, now < HeldUntil ? CloseCode.LimitExceeded : CloseCode.ProtocolError, fault, now);
        }
    }

    /// <summary>The transport is done with a connection.</summary>
    public void OnClosed(ITransportConnection transport, CloseReason reason, Instant now)
    {
        if (Find(transport) is { } connection)
            Remove(connection, reason, now);
    }

    /// <summary>Ends every connection politely. Dialling goes on after the back-off unless the peer is being removed.</summary>
    /// <returns>How many connections were ended.</returns>
    public int CloseAll(CloseCode code, string text, Instant now)
    {
        PeerConnection[] connections = [.. _connections];
        foreach (PeerConnection connection in connections)
        {
            if (code is CloseCode.Goodbye or CloseCode.Shutdown && connection.IsConfirmed)
                Greeter.SendGoodbye(connection, code);
            Close(connection, code, text, now);
        }
        return connections.Length;
    }

    /// <summary>The peer's entry changed. Its connections end when what they agreed on no longer holds.</summary>
    public void Reconfigure(PeerConfiguration configuration, bool networksChanged, Instant now)
    {
        bool identityChanged = configuration.Fingerprint is { } pin && Identity is { } known && pin != known;
        bool addressChanged = !configuration.Addresses.SequenceEqual(Configuration.Addresses);
        Configuration = configuration;
        HeldUntil = default;
        if (identityChanged)
            CloseAll(CloseCode.TrustRevoked, "the configured fingerprint changed", now);
        else if (networksChanged)
            CloseAll(CloseCode.Unconfigured, "the agreed networks changed", now);
        Identity ??= configuration.Fingerprint;
        if (!identityChanged && !networksChanged && !addressChanged)
            return;
        _backoff.Reset();
        _nextDial = now;
        if (!identityChanged)
            return;
        Identity = configuration.Fingerprint;
        _peerInstance = 0;
    }

    /// <summary>Leaves the peer alone for a while: it is neither dialled nor let in. Another configuration ends that.</summary>
    public void Hold(Instant until) => HeldUntil = until;

    /// <summary>Dial at once: the machine's network changed, or the operator asks.</summary>
    public void DialSoon(Instant now)
    {
        _backoff.Reset();
        _nextDial = Instant.Min(_nextDial, now);
    }

    private void OnConnectionTimer(PeerConnection connection, Instant now)
    {
        if (now >= connection.Deadline)
        {
            bool drained = connection.Phase == ConnectionPhase.Draining;
            Close(connection, drained ? CloseCode.Superseded : CloseCode.HelloTimeout,
                drained ? "another connection took over" : "no Hello in time", now);
            return;
        }
        if (!connection.IsConfirmed || now < connection.Liveness.NextTimer)
            return;
        ConnectionStatistics counters = connection.Transport.GetStatistics();
        LivenessAction action = connection.Liveness.OnTimer(now, counters.PacketsSent, counters.PacketsReceived);
        LastHeard = LastHeard is { } heard ? Instant.Max(heard, connection.Liveness.Heard) : connection.Liveness.Heard;
        if (action == LivenessAction.DeclareDead)
            Close(connection, CloseCode.Dead, "silent for too long", now);
        else if (action == LivenessAction.SendKeepalive)
            Greeter.SendKeepalive(connection, (ulong)now.Nanoseconds);
    }

    /// <summary>One message, in the order of the protocol.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    private string? OnFrame(PeerConnection connection, ControlFrame frame, Instant now)
    {
        switch (frame.Type)
        {
            case ControlType.Hello when connection.Phase == ConnectionPhase.AwaitingHello:
                return OnHello(connection, frame.Body, now);
            case ControlType.HelloAck when connection.Phase == ConnectionPhase.AwaitingHelloAck:
                return OnHelloAck(connection, frame.Body, now);
            case ControlType.Confirm when connection.Phase == ConnectionPhase.AwaitingConfirm:
                connection.Phase = ConnectionPhase.Switchable;
                Greeter.SendReady(connection);
                OnSwitchable(connection, now);
                return null;
            case ControlType.Ready when connection.Phase == ConnectionPhase.AwaitingReady:
                connection.Phase = ConnectionPhase.Switchable;
                OnSwitchable(connection, now);
                return null;
            case ControlType.Hello or ControlType.HelloAck or ControlType.Confirm or ControlType.Ready:
                return $"{frame.Type} out of order";
        }
        if (!connection.IsConfirmed)
            return $"{frame.Type} before the greeting was done";
        switch (frame.Type)
        {
            case ControlType.Keepalive:
                return Greeter.SendKeepaliveReply(connection, frame.Body)
                    ? null
                    : ControlProblem.BadBody(ControlType.Keepalive);
            case ControlType.KeepaliveReply:
                return null;
            case ControlType.Drain:
                connection.PeerDrained = true;
                if (connection is { Phase: ConnectionPhase.Draining, WasTakenBack: false })
                    connection.Deadline = Instant.Min(connection.Deadline, now + SessionTimes.DrainLinger);
                return null;
            case ControlType.Goodbye:
                Close(connection, CloseCode.Goodbye, "the peer said goodbye", now);
                return null;
            default:
                // The peer tells all of it again on the connection that took over; two streams have no common order.
                return connection.Phase == ConnectionPhase.Draining
                    ? null
                    : _actions.RouteMessage(this, connection, frame, now);
        }
    }

    private string? OnHello(PeerConnection connection, ReadOnlySpan<byte> body, Instant now)
    {
        if (!HelloMessage.TryParse(body, out HelloMessage? hello))
            return ControlProblem.BadBody(ControlType.Hello);
        connection.Sequence = hello.DialSequence;
        if (!AcceptInstance(connection, hello.Instance, now))
            return null;
        connection.Networks = _greeter.Agree(this, hello.Networks);
        connection.Phase = ConnectionPhase.AwaitingConfirm;
        if (!_greeter.SendHelloAck(this, connection, hello))
            return "HelloAck did not fit the control queue";
        _actions.ConnectionReady(this, connection);
        return null;
    }

    private string? OnHelloAck(PeerConnection connection, ReadOnlySpan<byte> body, Instant now)
    {
        if (!HelloAckMessage.TryParse(body, out HelloAckMessage? answer))
            return ControlProblem.BadBody(ControlType.HelloAck);
        if (answer.EchoedDialSequence != connection.Sequence || answer.EchoedInstance != _instance)
            return "HelloAck answers another Hello";
        if (!AcceptInstance(connection, answer.Instance, now))
            return null;
        connection.Networks = _greeter.Agree(this, answer.Networks);
        connection.Phase = ConnectionPhase.AwaitingReady;
        Greeter.SendConfirm(connection);
        _actions.ConnectionReady(this, connection);
        return null;
    }

    /// <summary>Compares the peer's instance with what is open: a newer start makes every older connection a ghost.</summary>
    /// <returns>False when this connection is the ghost; it is closed then.</returns>
    private bool AcceptInstance(PeerConnection connection, ulong instance, Instant now)
    {
        connection.PeerInstance = instance;
        foreach (PeerConnection other in _connections.ToArray())
        {
            if (other == connection || other.PeerInstance == 0 || other.PeerInstance == instance)
                continue;
            if (other.PeerInstance > instance)
            {
                Close(connection, CloseCode.Superseded, "the peer has started anew since", now);
                return false;
            }
            if (!Planted.Is(PlantedDefect.GhostKept))
                Close(other, CloseCode.Superseded, "the peer has started anew", now);
        }
        if (_peerInstance != instance && _peerInstance != 0)
            _actions.PeerForgotten(this, now);
        _peerInstance = instance;
        return true;
    }

    private void OnSwitchable(PeerConnection connection, Instant now)
    {
        connection.Deadline = Instant.Never;
        if (Active is null)
        {
            Activate(connection, now);
        }
        else if (Planted.Is(PlantedDefect.RankedByArrival) || connection.RankFor(_self).CompareTo(Active.RankFor(_self)) > 0)
        {
            PeerConnection replaced = Active;
            Activate(connection, now);
            Drain(replaced, now);
        }
        else
        {
            Drain(connection, now);
        }
    }

    private void Activate(PeerConnection? connection, Instant now)
    {
        Active = connection;
        if (connection is { Phase: ConnectionPhase.Draining })
            connection.TakeBack();
        if (connection is not null)
            LastError = "";
        _actions.ActiveChanged(this, connection, now);
    }

    private void Drain(PeerConnection connection, Instant now)
    {
        if (Planted.Is(PlantedDefect.LoserKeptActive))
            return;
        if (Planted.Is(PlantedDefect.DrainForgotten))
        {
            Close(connection, CloseCode.Superseded, "planted", now);
            return;
        }
        connection.Phase = ConnectionPhase.Draining;
        Greeter.SendDrain(connection);
        bool bothDrained = connection is { PeerDrained: true, WasTakenBack: false };
        connection.Deadline = now + (bothDrained ? SessionTimes.DrainLinger : SessionTimes.DrainTimeout);
    }

    private void Close(PeerConnection connection, CloseCode code, string text, Instant now)
    {
        var reason = new CloseReason(code, text);
        connection.Transport.Close(reason);
        Remove(connection, reason, now);
    }

    private void Remove(PeerConnection connection, CloseReason reason, Instant now)
    {
        if (!_connections.Remove(connection))
            return;
        _actions.ConnectionGone(this, connection, reason);
        if (reason.Code != CloseCode.Superseded)
            LastError = reason.ToString();
        if (Active == connection)
            Activate(BestOf(_connections), now);
        if (_connections.Count > 0)
            return;
        _actions.PeerForgotten(this, now);
        if (now - connection.Since >= SessionTimes.StableAfter)
            _backoff.Reset();
        _nextDial = now + _backoff.OnFailure(reason.Code);
    }

    /// <summary>
    /// What takes over when the active connection fails: the highest-ranking of the others, which all drain. The peer
    /// still takes packets there, and may not even have moved to the one that failed.
    /// </summary>
    private PeerConnection? BestOf(List<PeerConnection> connections)
    {
        PeerConnection? best = null;
        foreach (PeerConnection candidate in connections)
        {
            if (candidate.IsConfirmed
                && (best is null || candidate.RankFor(_self).CompareTo(best.RankFor(_self)) > 0))
                best = candidate;
        }
        return best;
    }

    private PeerConnection? Find(ITransportConnection transport) =>
        _connections.Find(connection => connection.Transport.Id == transport.Id);

    private TimeSpan FirstWait() => Identity is { } peer && _self < peer
        ? TimeSpan.Zero
        : SessionTimes.HeadStart * _random.NextDouble();
}
