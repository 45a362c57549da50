using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>Everything about one configured peer: dials it, greets it, and keeps exactly one connection to it in use.</summary>
/// <remarks>
/// <para>
/// The tie-break (docs/wire-format.md §5): both ends rank their connections alike (<see cref="ConnectionRank"/>);
/// a connection may take over only once the other end is known to receive on it; what it replaces is drained, not
/// cut; and a dial under way is never cancelled. So two nodes that dial each other at once end with one connection,
/// and never with none.
/// </para>
/// <para>Takes events with the time, calls <see cref="ISessionActions"/>; one thread; no clock of its own.</para>
/// </remarks>
internal sealed partial class PeerMachine
{
    /// <summary>More connections of one peer than this are refused.</summary>
    public const int MaxConnections = 8;

    private const string TooMuchWaiting = "more control messages than can wait";

    private readonly Fingerprint _self;
    private readonly ulong _instance;
    private readonly Random _random;
    private readonly ISessionActions _actions;
    private readonly List<PeerConnection> _connections = [];
    private readonly Greeter _greeter;
    private readonly Dialling _dialling;
    private readonly CloneWatch _clones = new();
    private Instant _renewAt = Instant.Never; // sooner than the connection's age asks for
    private Instant _renewedAt;
    private Instant _networksChangedAt;
    private Instant _agreeBy = Instant.Never;
    private Instant _routesHeldUntil;

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
        _greeter = new Greeter(instance, actions);
        Identity = configuration.Fingerprint;
        Conduct = new Conduct(now);
        _dialling = new Dialling(random, now + FirstWait());
    }

    /// <summary>The peer's entry in the configuration.</summary>
    public PeerConfiguration Configuration { get; private set; }

    /// <summary>The certificate it is known by, once known.</summary>
    public Fingerprint? Identity { get; private set; }

    /// <summary>The connection that packets to the peer use.</summary>
    public PeerConnection? Active { get; private set; }

    /// <summary>All open connections.</summary>
    public IReadOnlyList<PeerConnection> Connections => _connections;

    /// <summary>The counters of all connections that are over.</summary>
    public ConnectionStatistics Ended { get; private set; }

    /// <summary>Why the last try or connection ended, or empty.</summary>
    public string LastError { get; private set; } = "";

    /// <summary>The same as a code, or null.</summary>
    public CloseCode? LastCode { get; private set; }

    /// <summary>What went wrong lately, and which addresses were tried.</summary>
    public PeerHistory History { get; } = new();

    /// <summary>When the peer was last heard, if ever.</summary>
    public Instant? LastHeard { get; private set; }

    /// <summary>Since when there has been an active connection without a break, or null.</summary>
    public Instant? ConnectedSince { get; private set; }

    /// <summary>When the last active connection was lost and none could take over, if ever.</summary>
    public Instant? LostAt { get; private set; }

    /// <summary>What the peer asks of us, and whether it is too much.</summary>
    public Conduct Conduct { get; }

    /// <summary>Until when the peer is left alone because it went over its limits.</summary>
    public Instant HeldUntil => Conduct.BarredUntil;

    /// <summary>Whether a dial is under way.</summary>
    public bool IsDialling => _dialling.Race is not null;

    /// <summary>When it is dialled next, if it has no connection and nothing comes between.</summary>
    public Instant? NextDial =>
        Configuration.Addresses.IsEmpty || IsDialling || _connections.Count > 0 ? null : DialTime;

    private Instant DialTime => Instant.Max(_dialling.Next, Conduct.BarredUntil);

    /// <summary>When the next address wants to be dialled: of a dial under way, of the next dial, or of a renewal.</summary>
    public Instant DialDue => _dialling.Race is { } race ? race.NextStart
        : Configuration.Addresses.IsEmpty ? Instant.Never
        : _connections.Count == 0 ? DialTime : RenewalDue;

    /// <summary>When <see cref="OnTimer"/> wants to be called next; in the past while a due dial is not allowed to begin.</summary>
    public Instant NextTimer
    {
        get
        {
            Instant next = Instant.Min(DialDue, _agreeBy);
            foreach (PeerConnection connection in _connections)
            {
                next = Instant.Min(next, Instant.Min(connection.Deadline, connection.Intake.Deadline));
                if (connection.Intake.IsWaiting)
                    next = Instant.Min(next, Instant.Min(Conduct.NextRead, Conduct.PatienceEnds));
                if (connection.Phase == ConnectionPhase.Switchable)
                    next = Instant.Min(next, connection.Liveness.NextTimer);
            }
            return next;
        }
    }

    /// <summary>Whether the peer's routes are kept although it is gone, because it said that it will be back.</summary>
    public bool AreRoutesHeld(Instant now) => now < _routesHeldUntil;

    /// <summary>Whether two daemons seem to use the peer's certificate.</summary>
    public bool IsCloned(Instant now) => now < _clones.WarnedUntil;

    /// <summary>When we renew the connection; null when there is none, or the peer does it.</summary>
    public Instant? RenewsAt => Active is { IsOurs: true } && RenewalDue != Instant.Never ? RenewalDue : null;

    // Only whoever began the active connection renews it, so that a renewal is no new tie to break.
    private Instant RenewalDue
    {
        get
        {
            if (Active is not { IsOurs: true } active)
                return Instant.Never;
            foreach (PeerConnection other in _connections)
            {
                if (other != active && other.Phase != ConnectionPhase.Draining)
                    return Instant.Never;
            }
            Instant due = active.Since + (_actions.Settings.RenewAfter * active.RenewalShare);
            return Instant.Max(Instant.Min(_renewAt, due), _dialling.NextRenewal);
        }
    }

    /// <summary>Time has passed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="nextDialId">
    /// Draws a number for a dial of one address: never twice the same, each larger than all before. 0 when no dial may
    /// begin yet; the machine asks again when it is called again.
    /// </param>
    public void OnTimer(Instant now, Func<long> nextDialId)
    {
        foreach (PeerConnection connection in _connections.ToArray())
            OnConnectionTimer(connection, now);
        if (now >= _agreeBy)
            CloseAll(CloseCode.Unconfigured, "the agreed networks changed", now);
        if (now < DialDue || nextDialId() is not (> 0 and var dialId))
            return;
        if (Active is { } renewed && Planted.Is(PlantedDefect.RenewalBreaksFirst))
            Close(renewed, CloseCode.Superseded, "planted", now);
        string address = _dialling.Start(Configuration.Addresses, dialId, now);
        History.Dial(address, dialId, Configuration.Addresses, now);
        _actions.Dial(this, dialId, address);
    }

    /// <summary>Whether this dial is the peer's.</summary>
    public bool OwnsDial(long dialId) => dialId != 0 && _dialling.Owns(dialId);

    /// <summary>The dial of one address came to nothing.</summary>
    /// <returns>Why the peer could not be reached, when no other address is left to try; null otherwise.</returns>
    public CloseReason? OnDialFailed(long dialId, CloseReason reason, Instant now)
    {
        History.EndDial(dialId, reason.ToString(), now);
        if (_dialling.OnFailed(dialId, reason, now) is not { } failure)
            return null;
        if (Active is not null)
        {
            _dialling.BackOffRenewal(failure.Code, now);
            return failure;
        }
        NoteError(failure, now);
        _dialling.BackOff(failure.Code, now);
        return failure;
    }

    /// <summary>A connection is up: TLS is done on both ends and trust is durable.</summary>
    public void OnConnected(ITransportConnection transport, long dialId, Instant now)
    {
        History.EndDial(dialId, "connected", now);
        if (!_dialling.OnConnected(dialId))
        {
            transport.Close(new CloseReason(CloseCode.Superseded, "another address of the same dial was faster"));
            return;
        }
        if (now < Conduct.BarredUntil)
        {
            transport.Close(new CloseReason(CloseCode.LimitExceeded, "over the limits a moment ago"));
            return;
        }
        if (Planted.Is(PlantedDefect.BackoffClearedByConnect))
            _dialling.OnStable();
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
        }
        Identity = transport.Peer;
        // A dial's number is used once in our daemon's life, and later dials have larger ones: all a rank needs.
        var connection = new PeerConnection(transport, (ulong)dialId, _random, now);
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
        if (!connection.Intake.IsWaiting)
            Read(connection, bytes, now);
        else if (!connection.Intake.TryKeep(bytes))
            Expel(TooMuchWaiting, now);
    }

    /// <summary>The transport is done with a connection.</summary>
    public void OnClosed(ITransportConnection transport, CloseReason reason, Instant now)
    {
        if (Find(transport) is not { } connection)
            return;
        if (reason is { Code: CloseCode.LimitExceeded, ByPeer: false })
            Conduct.Bar(now + SessionTimes.ExcessBackoff);
        Remove(connection, reason, now);
    }

    /// <summary>Ends every connection politely. Dialling goes on after the back-off unless the peer is being removed.</summary>
    /// <returns>How many connections were ended.</returns>
    public int CloseAll(CloseCode code, string text, Instant now)
    {
        PeerConnection[] connections = [.. _connections];
        bool held = AreRoutesHeld(now);
        _routesHeldUntil = default;
        foreach (PeerConnection connection in connections)
        {
            if (code is CloseCode.Goodbye or CloseCode.Shutdown && connection.IsConfirmed)
                Greeter.SendGoodbye(connection, code, code == CloseCode.Shutdown ? _actions.Settings.RestartHold : TimeSpan.Zero);
            Close(connection, code, text, now);
        }
        if (held && connections.Length == 0)
            _actions.PeerForgotten(this, now);
        return connections.Length;
    }

    /// <summary>The peer's entry changed. Its connections end when what they agreed on no longer holds.</summary>
    public void Reconfigure(PeerConfiguration configuration, bool networksChanged, Instant now)
    {
        bool identityChanged = configuration.Fingerprint is { } pin && Identity is { } known && pin != known;
        bool addressChanged = !configuration.Addresses.SequenceEqual(Configuration.Addresses);
        Configuration = configuration;
        bool wasHeld = now < HeldUntil;
        Conduct.Forgive();
        if (identityChanged)
            CloseAll(CloseCode.TrustRevoked, "the configured fingerprint changed", now);
        else if (networksChanged)
            AgreeAnew(now);
        Identity ??= configuration.Fingerprint;
        if (!identityChanged && !networksChanged && !addressChanged && !wasHeld)
            return;
        if (Active is null)
            _dialling.DialAfresh(now);
        if (!identityChanged)
            return;
        Identity = configuration.Fingerprint;
    }

    /// <summary>
    /// The networks we share are others now: a new connection agrees on them, and the old one carries what both still
    /// have until then.
    /// </summary>
    private void AgreeAnew(Instant now)
    {
        if (Active is not { } active || (active.IsOurs && Configuration.Addresses.IsEmpty))
        {
            CloseAll(CloseCode.Unconfigured, "the agreed networks changed", now);
            return;
        }
        _networksChangedAt = now;
        _agreeBy = now + SessionTimes.AgreementTimeout;
        // These told the peer our old networks and would take its answer for one about the new ones.
        foreach (PeerConnection greeting in _connections.Where(one => one.Phase == ConnectionPhase.AwaitingHelloAck).ToArray())
            Close(greeting, CloseCode.Unconfigured, "the networks changed during the greeting", now);
        AskForAgreement(active, now);
    }

    private void AskForAgreement(PeerConnection active, Instant now)
    {
        if (active.IsOurs)
            _renewAt = now;
        else
            Greeter.SendRenew(active);
    }

    /// <summary>Leaves the peer alone for a while: it is neither dialled nor let in. Another configuration ends that.</summary>
    public void Hold(Instant until) => Conduct.Bar(until);

    /// <summary>An order of the operator's: whatever failed or was too much before counts no more, and the peer is dialled at once.</summary>
    public void Reconnect(Instant now)
    {
        Conduct.Forgive();
        CloseAll(CloseCode.Goodbye, "to connect anew, by order of the operator", now);
        _dialling.DialAfresh(now);
    }

    /// <summary>Dial at once, as if nothing had failed before.</summary>
    public void DialSoon(Instant now) => _dialling.DialAfresh(now);

    /// <summary>The machine's network changed, or it was suspended: who is down is dialled, who is up has to answer at once.</summary>
    public void OnNetworkChanged(Instant now)
    {
        if (Active is null)
            _dialling.DialAfresh(now + FirstWait());
        else
            _dialling.OnStable(); // up perhaps in name only: once that shows, old failures count no more
        foreach (PeerConnection connection in _connections)
        {
            if (connection.Phase == ConnectionPhase.Switchable)
                Probe(connection, now);
        }
    }

    private static void Probe(PeerConnection connection, Instant now)
    {
        if (connection.Liveness.Probe(now, connection.Transport.Path.RoundTrip))
            Greeter.SendKeepalive(connection, (ulong)now.Nanoseconds);
    }

    private void OnConnectionTimer(PeerConnection connection, Instant now)
    {
        if (!_connections.Contains(connection))
            return; // another one's timer ended it
        if (now >= connection.Deadline)
        {
            bool drained = connection.Phase == ConnectionPhase.Draining;
            Close(connection, drained ? CloseCode.Superseded : CloseCode.HelloTimeout,
                drained ? "another connection took over" : "no Hello in time", now);
            return;
        }
        if (now >= connection.Intake.Deadline)
        {
            Close(connection, CloseCode.ProtocolError, "a control message was not complete within 5 s", now);
            return;
        }
        if (connection.Intake.IsWaiting && Conduct.NextRead <= now)
            Read(connection, connection.Intake.TakeWaiting(), now);
        if (connection.Intake.IsWaiting && now >= Conduct.PatienceEnds)
            Expel("more control messages or route changes than allowed, for 10 s", now);
        if (_connections.Contains(connection) && connection.Phase == ConnectionPhase.Switchable
            && now >= connection.Liveness.NextTimer)
            OnLivenessTimer(connection, now);
    }

    private void OnLivenessTimer(PeerConnection connection, Instant now)
    {
        ConnectionStatistics counters = connection.Transport.GetStatistics();
        LivenessAction action = connection.Liveness.OnTimer(now, counters.PacketsSent, counters.PacketsReceived);
        LastHeard = LastHeard is { } heard ? Instant.Max(heard, connection.Liveness.Heard) : connection.Liveness.Heard;
        if (action == LivenessAction.DeclareDead)
            Close(connection, CloseCode.Dead, "no answer for too long", now);
        else if (action == LivenessAction.SendKeepalive)
            Greeter.SendKeepalive(connection, (ulong)now.Nanoseconds);
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
            if (connection.IsOurs && replaced.IsOurs)
                _dialling.OnRenewed();
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
        {
            connection.TakeBack();
            Probe(connection, now); // nobody asked there while it drained
        }
        if (connection is not null)
        {
            (LastError, LastCode) = ("", null);
            ConnectedSince ??= now;
            _renewedAt = now;
            if (connection.AgreedAt >= _networksChangedAt)
                (_agreeBy, _renewAt) = (Instant.Never, Instant.Never);
            else
                AskForAgreement(connection, now); // it was under way when our networks changed
            _routesHeldUntil = default;
            _dialling.OnActive();
        }
        else
        {
            if (now - ConnectedSince >= SessionTimes.StableAfter)
                _dialling.OnStable();
            ConnectedSince = null;
            LostAt = now;
            _agreeBy = Instant.Never;
        }
        _actions.ActiveChanged(this, connection, now);
    }

    private void NoteError(CloseReason reason, Instant now)
    {
        (LastError, LastCode) = (reason.ToString(), reason.Code);
        History.Fail(LastError, now);
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
        Ended = Ended.And(connection.Transport.GetStatistics() with { QueuedBytes = 0 });
        _actions.ConnectionGone(this, connection, reason);
        if (reason.Code != CloseCode.Superseded)
            NoteError(reason, now);
        if (Active == connection)
            Activate(BestOf(_connections), now);
        NoteWaiting(now);
        if (_connections.Count > 0)
        {
            if (connection is { IsOurs: true, IsConfirmed: false } && Active is not null)
                _dialling.BackOffRenewal(reason.Code, now);
            return;
        }
        if (AreRoutesHeld(now))
            _actions.PeerHeld(this, _routesHeldUntil - now, now);
        else
            _actions.PeerForgotten(this, now);
        // What the peer tried and did not finish says nothing about our own dials.
        if (!connection.IsOurs && !connection.IsConfirmed)
            return;
        _dialling.BackOff(reason.Code, now);
        if (connection.Liveness.IsProbed && reason.Code == CloseCode.Dead)
            _dialling.DialAfresh(now); // it went with the network that changed
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
