using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Events;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Joining;
using VibePN.Engine.Policy;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Node;

/// <summary>All of a node's control state: who its peers are, how they are connected, and what they told.</summary>
/// <remarks>
/// One owner: every member runs on the control thread (or the simulator's only one). Takes events with the time,
/// holds no clock. Packets do not come this way; they read the snapshots that <see cref="NetworkSet"/> publishes.
/// </remarks>
internal sealed partial class ControlPlane : ISessionActions
{
    // A certificate that runs out, or a verdict with an end, is noticed this long after at the latest.
    private static readonly TimeSpan JudgementInterval = TimeSpan.FromSeconds(60);

    private readonly EngineParts _parts;
    private readonly TrustGate _gate;
    private readonly IEngineDriver _driver;
    private readonly ILogger _logger;
    private readonly PolicySlot _policy;
    private readonly ulong _instance;
    private readonly SortedList<string, PeerMachine> _peers = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ConnectionOwner> _owners = [];
    private readonly DataPlane _data;
    private readonly JoinDesk _joins;
    private readonly Dictionary<string, TokenBucket> _lines = new(StringComparer.Ordinal);
    private readonly HashSet<string> _up = new(StringComparer.Ordinal);
    private readonly DialSchedule _dials;
    private readonly NetworkWatch _watch = new();
    private readonly VerificationDesk _verifications;
    private Instant _nextJudgement;
    private bool _localRoutesChanged;
    private bool _stopping;

    /// <summary>A node with its peers and no interface yet.</summary>
    public ControlPlane(
        EngineConfiguration configuration, EngineParts parts, PolicySlot policy, ulong instance, TrustGate gate, NetworkSet networks,
        InboundPorts inboundPorts, IEngineDriver driver, Instant now)
    {
        Configuration = configuration;
        _parts = parts;
        _policy = policy;
        _instance = instance;
        _gate = gate;
        _driver = driver;
        _logger = parts.Loggers.CreateLogger("engine/peers");
        Networks = networks;
        Claims = new AddressClaims(
            networks, configuration.Identity.Fingerprint, parts.Random, parts.Loggers.CreateLogger("engine/addresses"));
        Routes = new RouteExchange(
            networks, Claims, policy, configuration.Identity.Fingerprint, parts.Loggers.CreateLogger("engine/routes"), now);
        _data = new DataPlane(
            networks, policy, inboundPorts, parts.Loggers.CreateLogger("engine/forwarding"), now,
            new RouteEvents(parts.Events, NameOf, now));
        _joins = new JoinDesk(
            configuration.Identity.Fingerprint, gate, driver, parts.Events, parts.Loggers.CreateLogger("engine/joining"));
        Started = now;
        _nextJudgement = now + JudgementInterval;
        Peers = _peers.Values.AsReadOnly();
        _dials = new DialSchedule(now);
        _verifications = new VerificationDesk(configuration.Identity.Fingerprint, parts.FillSecret);
        foreach (PeerConfiguration peer in configuration.Peers)
            AddPeer(peer, now);
        WarnOfConfiguration();
    }

    /// <summary>What the node is told at present.</summary>
    public EngineConfiguration Configuration { get; private set; }

    /// <summary>What is odd in it.</summary>
    public ImmutableArray<ConfigurationWarning> ConfigurationWarnings { get; private set; } = [];

    /// <summary>The networks and their interfaces.</summary>
    public NetworkSet Networks { get; }

    /// <summary>The transports, the one without a scheme first.</summary>
    public ImmutableArray<ITransportPlugin> Transports => _parts.Transports;

    /// <summary>Whose address is whose.</summary>
    public AddressClaims Claims { get; }

    /// <summary>Routes given and taken.</summary>
    public RouteExchange Routes { get; }

    /// <summary>All configured peers, by name.</summary>
    public IReadOnlyCollection<PeerMachine> Peers { get; }

    /// <summary>When the node began.</summary>
    public Instant Started { get; }

    /// <summary>Does what is due, and publishes what has changed.</summary>
    /// <returns>When to call again at the latest.</returns>
    public Instant OnTimer(Instant now)
    {
        if (_watch.OnTurn(now))
        {
            foreach (PeerMachine peer in _peers.Values)
                peer.OnNetworkChanged(now);
        }
        foreach (PeerMachine peer in DialSchedule.Due(_peers.Values, now))
            peer.OnTimer(now, () => _dials.TryDraw(now));
        _joins.OnTimer(now);
        if (now >= _nextJudgement)
            OnTrustChanged(now);
        if (_localRoutesChanged)
        {
            _localRoutesChanged = false;
            if (Networks.OnMachineNetworkChanged(now))
                Reconsider(now);
        }
        _verifications.OnTimer(now);
        Networks.OnTimer(now);
        Routes.OnTimer(Peers, now);
        if (Claims.Move(now))
            TellMoved(now);
        _data.Publish(Peers, now);
        Instant next = NextTurn(now);
        _watch.OnTurnEnded(next);
        return next;
    }

    /// <summary>A transport has a connection whose certificate the gate accepted.</summary>
    public void OnConnected(ITransportConnection connection, long dialId, Instant now)
    {
        _gate.OnDialEnded(dialId);
        if (_stopping)
        {
            connection.Close(new CloseReason(CloseCode.Shutdown, "the daemon is stopping"));
            return;
        }
        if (connection.Protocol == JoinMessages.Protocol)
        {
            _joins.OnConnected(connection, dialId, now);
            return;
        }
        // Peers, pins and verdicts may have changed between the handshake and this turn.
        if (!_gate.TryGetAdmission(connection.Peer, out Admission admission)
            || !_peers.TryGetValue(admission.PeerName, out PeerMachine? peer)
            || _gate.JudgeAgain(connection.Peer) is not null)
        {
            var reason = new CloseReason(CloseCode.Unconfigured, "the peer is not configured or not trusted any more");
            connection.Close(reason);
            OnDialFailed(dialId, reason, now);
            return;
        }
        bool needsCommit = admission.NeedsCommit && !Planted.Is(PlantedDefect.CommitForgotten);
        var owner = new ConnectionOwner(peer, dialId) { Committing = needsCommit };
        _owners.Add(connection.Id, owner);
        if (!needsCommit)
            peer.OnConnected(connection, dialId, now);
        else
            _driver.Commit(admission, (fault, then) => OnCommitted(connection, owner, fault, then));
    }

    /// <summary>A dial came to nothing.</summary>
    public void OnDialFailed(long dialId, CloseReason reason, Instant now)
    {
        _gate.OnDialEnded(dialId);
        if (_joins.OnDialFailed(dialId, reason))
            return;
        foreach (PeerMachine peer in _peers.Values)
        {
            if (!peer.OwnsDial(dialId))
                continue;
            // One address of several is no news; all of them are.
            if (peer.OnDialFailed(dialId, reason, now) is { } failure && peer.DialDue != Instant.Never && MayLog(peer, now))
                Log.DialFailed(_logger, peer.Configuration.Name, failure, (long)(peer.DialDue - now).TotalMilliseconds);
            return;
        }
    }

    /// <summary>Bytes of a control stream.</summary>
    public void OnControl(ITransportConnection connection, ReadOnlyMemory<byte> bytes, Instant now)
    {
        if (connection.Protocol == JoinMessages.Protocol)
        {
            _joins.OnControl(connection, bytes.Span);
            return;
        }
        if (!_owners.TryGetValue(connection.Id, out ConnectionOwner? owner))
            return;
        if (!owner.Committing)
            Receive(owner.Peer, connection, bytes, now);
        else if (!owner.TryKeep(bytes))
            connection.Close(new CloseReason(CloseCode.LimitExceeded, "too much before the greeting"));
    }

    /// <summary>A connection is gone.</summary>
    public void OnClosed(ITransportConnection connection, CloseReason reason, Instant now)
    {
        if (connection.Protocol == JoinMessages.Protocol)
        {
            _joins.OnClosed(connection, reason);
            return;
        }
        if (!_owners.Remove(connection.Id, out ConnectionOwner? owner))
            return;
        if (owner.Committing)
            OnDialFailed(owner.DialId, reason, now);
        else
            owner.Peer.OnClosed(connection, reason, now);
    }

    /// <summary>Trust may have changed: judge everybody who is connected again.</summary>
    public void OnTrustChanged(Instant now) => JudgeSessions(now);

    /// <summary>
    /// The machine's addresses or links changed, or it slept: whoever is down may be reachable now, whoever is up may
    /// not be any more. Acted on at the end of this turn at the earliest (<see cref="NetworkWatch"/>).
    /// </summary>
    public void OnMachineNetworkChanged()
    {
        _watch.OnChanged();
        _localRoutesChanged = true;
    }

    /// <summary>An address of ours has changed: peers learn the new one before they lose the old one.</summary>
    private void TellMoved(Instant now)
    {
        foreach (PeerMachine peer in _peers.Values)
        {
            if (peer.Active is { } active)
                Claims.Tell(active);
        }
        Reconsider(now);
    }

    /// <summary>Ends all connections politely.</summary>
    /// <returns>How many.</returns>
    public int Goodbye(CloseCode code, Instant now)
    {
        _stopping |= code == CloseCode.Shutdown;
        if (_stopping)
            _joins.CloseAll();
        int closed = 0;
        foreach (PeerMachine peer in _peers.Values)
            closed += peer.CloseAll(code, code == CloseCode.Shutdown ? "the daemon is stopping" : "goodbye", now);
        return closed;
    }

    /// <summary>Why a packet would go where it goes.</summary>
    public RouteAnswer Explain(RouteQuestion question, Instant now)
    {
        var views = new Dictionary<Fingerprint, PeerView>();
        foreach (PeerMachine peer in _peers.Values)
        {
            if (peer.Identity is { } identity)
                views[identity] = new PeerView(peer.Configuration.Name, StatusReport.StateOf(peer), peer.Active?.Transport.Path);
        }
        return RouteQuestions.Answer(question, Networks, views, _policy.Current, now);
    }

    SessionConfiguration ISessionActions.Settings => Configuration.Sessions;

    void ISessionActions.Dial(PeerMachine peer, long dialId, string address)
    {
        Log.Dialling(_logger, peer.Configuration.Name, address);
        _gate.OnDial(dialId, peer.Configuration.Name);
        Dial(dialId, address, protocol: "");
    }

    /// <summary>Redeems an invite of another node.</summary>
    /// <param name="request">The invite.</param>
    /// <param name="done">Told the outcome once, on the control thread.</param>
    /// <param name="now">The time.</param>
    public void Join(JoinRequest request, Action<JoinOutcome> done, Instant now) => _joins.Begin(
        request, done, _dials.Draw, (dialId, address) => Dial(dialId, address, JoinMessages.Protocol), now);

    private void Dial(long dialId, string address, string protocol)
    {
        (ITransportPlugin transport, string rest) = TransportOf(address);
        try
        {
            transport.Dial(new DialRequest(dialId, rest) { Protocol = protocol });
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A transport's fault of any kind is a dial that failed, or the peer would wait for its end for ever.
            OnDialFailed(dialId, new CloseReason(CloseCode.Internal, exception.Message), _driver.Now);
        }
    }

    void ISessionActions.ConnectionReady(PeerMachine peer, PeerConnection connection) =>
        _data.OnConnectionReady(connection);

    void ISessionActions.ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now)
    {
        string name = peer.Configuration.Name;
        bool changes = active is null ? _up.Remove(name) : _up.Add(name);
        if (!MayLog(peer, now))
            Log.LinesSuppressed(_logger, name);
        else if (active is null)
            Log.PeerDown(_logger, name, peer.LastError);
        else if (changes)
            Log.PeerUp(_logger, name, active.Transport.Path.Remote, active.Transport.Role, active.Networks.Count);
        else
            Log.PeerMoved(_logger, name, active.Transport.Path.Remote, active.Transport.Role);
        Tell(peer, active, changes);
        _data.OnActiveChanged(peer);
        if (active is not null)
        {
            _verifications.OnActive(name, ChannelOf(active));
            Routes.ForgetUnshared(active);
            Claims.Tell(active);
            Routes.TellAll(peer, active, now);
            // What the peer told while this connection drained was not listened to, and it may never have moved away.
            if (active.WasTakenBack)
                Routes.AskForAll(active, now);
        }
    }

    void ISessionActions.PeerForgotten(PeerMachine peer, Instant now)
    {
        if (peer.Identity is { } identity && !Planted.Is(PlantedDefect.RoutesOutliveSession))
            Routes.ForgetPeer(identity);
    }

    void ISessionActions.PeerHeld(PeerMachine peer, TimeSpan hold, Instant now)
    {
        if (peer.Identity is { } identity)
            Routes.HoldPeer(identity, now + hold);
        if (MayLog(peer, now))
            Log.PeerHeld(_logger, peer.Configuration.Name, (long)hold.TotalSeconds);
    }

    void ISessionActions.PeerCloned(PeerMachine peer, Instant now) => Log.PeerCloned(_logger, peer.Configuration.Name);

    string? ISessionActions.RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now) =>
        Routes.OnMessage(peer, connection, frame, now);

    void ISessionActions.ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason)
    {
        Log.ConnectionGone(_logger, peer.Configuration.Name, reason);
        _data.OnConnectionGone(connection);
        Routes.OnConnectionGone(connection);
        _verifications.OnGone(peer.Configuration.Name, connection.Transport.Id);
    }

    IReadOnlyList<NetworkConfiguration> ISessionActions.NetworksOf(PeerConfiguration peer) => NetworksOf(Configuration, peer);

    private static NetworkConfiguration[] NetworksOf(EngineConfiguration configuration, PeerConfiguration peer) =>
        [.. configuration.Networks.Where(network => peer.Networks.Contains(network.Name))];

    private Instant NextTurn(Instant now)
    {
        Instant next = Instant.Min(_nextJudgement, Instant.Min(_watch.NextTimer, _verifications.NextTimer));
        next = Instant.Min(next, _joins.NextTimer);
        next = Instant.Min(next, Instant.Min(Networks.NextTimer, Routes.NextTimer));
        next = Instant.Min(next, Instant.Min(_data.NextTimer, Claims.NextTimer));
        foreach (PeerMachine peer in _peers.Values)
            next = Instant.Min(next, _dials.NextTurn(peer, now));
        return next;
    }

    private void OnCommitted(ITransportConnection connection, ConnectionOwner owner, string? fault, Instant now)
    {
        if (!_owners.ContainsKey(connection.Id))
            return;
        string name = owner.Peer.Configuration.Name;
        // A reload or an order of the operator may have come while the store was written.
        if (fault is null && (_peers.GetValueOrDefault(name) != owner.Peer || _gate.JudgeAgain(connection.Peer) is not null))
            fault = "the peer is not configured or not trusted any more";
        if (fault is not null)
        {
            if (MayLog(owner.Peer, now))
                Log.CommitFailed(_logger, name, fault);
            connection.Close(new CloseReason(CloseCode.TrustRevoked, "the admission could not be made durable"));
            _owners.Remove(connection.Id);
            OnDialFailed(owner.DialId, new CloseReason(CloseCode.TrustRefused, fault), now);
            return;
        }
        owner.Committing = false;
        owner.Peer.OnConnected(connection, owner.DialId, now);
        foreach (ReadOnlyMemory<byte> early in owner.TakeEarly())
            Receive(owner.Peer, connection, early, now);
    }

    private static void Receive(PeerMachine peer, ITransportConnection connection, ReadOnlyMemory<byte> bytes, Instant now)
    {
        try
        {
            peer.OnControl(connection, bytes.Span, now);
        }
        catch
        {
            // Our own bug, which the loop reports. The session may be half changed: it ends, the others go on.
            var reason = new CloseReason(CloseCode.Internal, "a fault while a message was handled");
            connection.Close(reason);
            peer.OnClosed(connection, reason, now);
            throw;
        }
    }

    /// <summary>Whether a line about a peer may be written: one a second after a burst, so that no peer can fill a disk.</summary>
    private bool MayLog(PeerMachine peer, Instant now)
    {
        string name = peer.Configuration.Name;
        TokenBucket bucket = _lines.TryGetValue(name, out TokenBucket known) ? known : new TokenBucket(1, 20, now);
        bool may = bucket.TryTake(now);
        _lines[name] = bucket;
        return may;
    }

    private void WarnOfConfiguration()
    {
        ConfigurationWarnings = RuleCheck.Warnings(Configuration);
        foreach (ConfigurationWarning warning in ConfigurationWarnings)
            Log.ConfigurationWarning(_logger, warning.ToString());
    }

    private void AddPeer(PeerConfiguration peer, Instant now) => _peers.Add(
        peer.Name, new PeerMachine(peer, Configuration.Identity.Fingerprint, _instance, _parts.Random, this, now));

    private (ITransportPlugin Transport, string Address) TransportOf(string address)
    {
        int separator = address.IndexOf("://", StringComparison.Ordinal);
        if (separator < 0)
            return (_parts.Transports[0], address);
        string scheme = address[..separator];
        ITransportPlugin transport = _parts.Transports.FirstOrDefault(candidate => candidate.Traits.Scheme == scheme)
            ?? _parts.Transports[0];
        return (transport, address[(separator + 3)..]);
    }

    /// <summary>Whose a connection is, and what waits until its admission is durable.</summary>
    private sealed record ConnectionOwner(PeerMachine Peer, long DialId)
    {
        private const int MaxEarlyBytes = 65_536;

        private readonly List<ReadOnlyMemory<byte>> _early = [];
        private int _earlyBytes;

        public bool Committing { get; set; }

        public bool TryKeep(ReadOnlyMemory<byte> bytes)
        {
            _early.Add(bytes);
            _earlyBytes += bytes.Length;
            return _earlyBytes <= MaxEarlyBytes;
        }

        public ReadOnlyMemory<byte>[] TakeEarly()
        {
            ReadOnlyMemory<byte>[] early = [.. _early];
            _early.Clear();
            return early;
        }
    }
}
