using System.Collections.Immutable;
using System.Net;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions;

/// <summary>Two nodes and a seeded network in one thread: delays, failed dials, broken connections, restarts.</summary>
internal sealed class SessionLab
{
    private readonly Random _random;
    private readonly PriorityQueue<Action, (Instant, long)> _events = new();
    private long _order;
    private long _lastId;

    public SessionLab(int seed)
    {
        _random = new Random(seed);
        A = new LabNode(this, Fingerprint.Of([1, (byte)seed, (byte)(seed >> 8)]));
        B = new LabNode(this, Fingerprint.Of([2, (byte)seed, (byte)(seed >> 8)]));
        A.Meet(B);
        B.Meet(A);
    }

    public LabNode A { get; }

    public LabNode B { get; }

    public Instant Now { get; private set; }

    /// <summary>Share of dials that fail after 5 s.</summary>
    public double DialLoss { get; set; }

    /// <summary>Longest one-way delay.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    public long NextId() => ++_lastId;

    public TimeSpan Delay() => MaxDelay * (0.02 + (0.98 * _random.NextDouble()));

    public bool Chance(double share) => _random.NextDouble() < share;

    public Random Random => _random;

    public void At(Instant when, Action action) => _events.Enqueue(action, (when, _order++));

    /// <summary>Runs everything due until the given virtual time.</summary>
    public void RunUntil(TimeSpan end)
    {
        Instant stop = default(Instant) + end;
        while (true)
        {
            Instant timer = Instant.Min(A.NextTimer, B.NextTimer);
            Instant next = _events.TryPeek(out _, out (Instant When, long) key) ? Instant.Min(key.When, timer) : timer;
            if (next > stop)
                break;
            Now = Instant.Max(Now, next);
            if (_events.TryPeek(out _, out (Instant When, long) due) && due.When <= Now)
                _events.Dequeue()();
            A.OnTimer();
            B.OnTimer();
        }
        Now = stop;
    }

    /// <summary>Connects two nodes, each end hearing of it in its own time.</summary>
    public void Dial(LabNode from, long dialId, int life)
    {
        LabNode to = from.Other!;
        if (Chance(DialLoss) || !to.IsUp)
        {
            At(Now + TimeSpan.FromSeconds(5), () => from.InLife(life, machine => machine.OnDialFailed(
                dialId, new CloseReason(CloseCode.HandshakeTimeout, "lost"), Now)));
            return;
        }
        var initiator = new LabConnection(this, from, to, ConnectionRole.Initiator, life);
        var responder = new LabConnection(this, to, from, ConnectionRole.Responder, to.Life);
        initiator.Other = responder;
        responder.Other = initiator;
        Instant atResponder = Now + Delay() + Delay() + Delay();
        responder.Schedule(atResponder, machine => machine.OnConnected(responder, 0, Now));
        initiator.Schedule(atResponder + Delay(), machine => machine.OnConnected(initiator, dialId, Now));
    }
}

/// <summary>One node with one peer.</summary>
internal sealed class LabNode : ISessionActions
{
    private readonly SessionLab _lab;
    private ulong _instance;

    public LabNode(SessionLab lab, Fingerprint id)
    {
        _lab = lab;
        Id = id;
        _instance = 1_000;
    }

    public Fingerprint Id { get; }

    public LabNode? Other { get; private set; }

    public PeerMachine Machine { get; private set; } = null!;

    public bool IsUp { get; private set; } = true;

    /// <summary>The networks shared with the other node.</summary>
    public IReadOnlyList<NetworkConfiguration> Networks { get; private set; } = [Corp];

    public static NetworkConfiguration Corp { get; } = new() { Name = "corp", Prefix = IpPrefix.Parse("10.42.0.0/24") };

    public static NetworkConfiguration Lab { get; } = new() { Name = "lab", Prefix = IpPrefix.Parse("10.43.0.0/24") };

    /// <summary>Counts restarts: events meant for an earlier life go nowhere.</summary>
    public int Life { get; private set; }

    /// <summary>How often the active connection changed from one live connection to another, or to none.</summary>
    public int Switches { get; private set; }

    public bool LeftWithout { get; set; }

    public SessionConfiguration Settings { get; set; } = SessionConfiguration.Standard;

    /// <summary>How long the other's routes were last held for, or null when they were forgotten last.</summary>
    public TimeSpan? Held { get; private set; }

    public int Clones { get; private set; }

    /// <summary>Connections that became the active one.</summary>
    public int Activations { get; private set; }

    SessionConfiguration ISessionActions.Settings => Settings;

    public Instant NextTimer => IsUp ? Machine.NextTimer : Instant.Never;

    public void Meet(LabNode other)
    {
        Other = other;
        Machine = Make();
    }

    public void OnTimer()
    {
        if (IsUp && Machine.NextTimer <= _lab.Now)
            Machine.OnTimer(_lab.Now, _lab.NextId);
    }

    public void InLife(int life, Action<PeerMachine> action)
    {
        if (IsUp && life == Life)
            action(Machine);
    }

    /// <summary>A reload: other networks are shared from now on, as far as this end is concerned.</summary>
    public void Share(params NetworkConfiguration[] networks)
    {
        Networks = networks;
        Machine.Reconfigure(Entry(), networksChanged: true, _lab.Now);
    }

    /// <summary>Dies at once, as by kill -9: nobody is told.</summary>
    public void Kill()
    {
        IsUp = false;
        Life++;
    }

    public void Restart()
    {
        IsUp = true;
        _instance++;
        Machine = Make();
    }

    void ISessionActions.Dial(PeerMachine peer, long dialId, string address) => _lab.Dial(this, dialId, Life);

    void ISessionActions.ConnectionReady(PeerMachine peer, PeerConnection connection)
    {
    }

    void ISessionActions.ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now)
    {
        Switches++;
        Activations += active is null ? 0 : 1;
        LeftWithout |= active is null;
    }

    void ISessionActions.PeerForgotten(PeerMachine peer, Instant now) => Held = null;

    void ISessionActions.PeerHeld(PeerMachine peer, TimeSpan hold, Instant now) => Held = hold;

    void ISessionActions.PeerCloned(PeerMachine peer, Instant now) => Clones++;

    string? ISessionActions.RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now) => null;

    void ISessionActions.ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason)
    {
    }

    IReadOnlyList<NetworkConfiguration> ISessionActions.NetworksOf(PeerConfiguration peer) => Networks;

    private PeerMachine Make() => new(Entry(), Id, _instance, _lab.Random, this, _lab.Now);

    private PeerConfiguration Entry() => new()
    {
        Name = "other",
        Addresses = ["other:1"],
        Fingerprint = Other!.Id,
        Networks = [.. Networks.Select(network => network.Name)],
    };
}

/// <summary>One end of a connection: in order, delayed, and cut when the lab says so.</summary>
internal sealed class LabConnection(SessionLab lab, LabNode node, LabNode peer, ConnectionRole role, int life) : ITransportConnection
{
    private Instant _lastDelivery;
    private bool _closed;
    private bool _silent;

    public LabConnection Other { get; set; } = null!;

    public long Id { get; } = lab.NextId();

    public ConnectionRole Role => role;

    public Fingerprint Peer => peer.Id;

    public string Protocol => "vibepn/1";

    public PathFacts Path { get; } = new(new IPEndPoint(IPAddress.Loopback, 1), TimeSpan.Zero, 0, 1_400, 1_452);

    public ReadOnlyMemory<byte> ChannelBinding => default;

    /// <summary>Brings an event to this end, after everything that came before.</summary>
    public void Schedule(Instant when, Action<PeerMachine> action)
    {
        _lastDelivery = Instant.Max(_lastDelivery, when);
        lab.At(_lastDelivery, () => node.InLife(life, action));
    }

    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        if (_closed)
            return false;
        if (_silent)
            return true;
        byte[] copy = bytes.ToArray();
        Other.Schedule(lab.Now + lab.Delay(), machine => machine.OnControl(Other, copy, lab.Now));
        return true;
    }

    public SendResult Send(PacketBatch batch, int first, int count) => new(count, DropReason.None);

    public void Close(CloseReason reason)
    {
        if (_closed)
            return;
        _closed = true;
        if (_silent)
            return;
        Other._closed = true;
        Other.Schedule(lab.Now + lab.Delay(), machine => machine.OnClosed(Other, reason with { ByPeer = true }, lab.Now));
    }

    /// <summary>What this end sends is lost from now on, and nobody is told.</summary>
    public void Silence() => _silent = true;

    /// <summary>The path breaks: both ends hear of it at last.</summary>
    public void Break(TimeSpan after)
    {
        _closed = true;
        Other._closed = true;
        var reason = new CloseReason(CloseCode.IdleTimeout, "broken");
        Schedule(lab.Now + after, machine => machine.OnClosed(this, reason, lab.Now));
        Other.Schedule(lab.Now + after + lab.Delay(), machine => machine.OnClosed(Other, reason, lab.Now));
    }

    public ConnectionStatistics GetStatistics() => default;
}
