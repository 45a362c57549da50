using System.Net;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>Two real machines and nothing between them but queues: what the model decides happens to them too.</summary>
/// <remarks>
/// Time stands still but for a tick per event. What the machines do by the clock (giving up a greeting, closing what is
/// drained, dialling) is brought about by making it due, so the model chooses the moment: durations are tested elsewhere.
/// </remarks>
internal sealed class RealPair
{
    private static readonly Fingerprint[] s_ids = Order(Fingerprint.Of([1]), Fingerprint.Of([2]));
    private readonly RealNode[] _nodes = [new(s_ids[0], s_ids[1]), new(s_ids[1], s_ids[0])];
    private readonly RealEnd[]?[] _links = new RealEnd[]?[ModelState.MaxLinks];
    private Instant _now = default(Instant) + TimeSpan.FromHours(1);
    private long _lastId;

    /// <summary>Lets happen to the machines what is about to happen to the model.</summary>
    /// <returns>What the machines could not follow, or null.</returns>
    public string? Apply(ModelState before, ModelStep step)
    {
        _now += TimeSpan.FromMicroseconds(1);
        if (step.Kind == StepKind.Dial)
            return Dial(before, step.Target);
        if (step.Kind == StepKind.Restart)
        {
            _nodes[step.Target].Start((ulong)(1_000 + step.Detail), _now);
            return null;
        }
        RealEnd[] link = _links[step.Target]!;
        RealEnd end = link[step.Detail];
        PeerMachine machine = _nodes[before.Links[step.Target].NodeOf(step.Detail)].Machine;
        switch (step.Kind)
        {
            case StepKind.Break:
                link[0].Cut();
                link[1].Cut();
                return null;
            case StepKind.Arrive:
                machine.OnConnected(end, step.Detail == 0 ? before.Links[step.Target].Sequence : 0, _now);
                return null;
            case StepKind.Deliver:
                return end.TryTake(out byte[] message) ? Deliver(machine, end, message) : "no message is under way";
            case StepKind.Notice when before.Links[step.Target].Phase(step.Detail) == EndPhase.Absent:
                machine.OnDialFailed(new CloseReason(CloseCode.HandshakeTimeout, "lost"), _now);
                return null;
            case StepKind.Notice:
                machine.OnClosed(end, new CloseReason(CloseCode.IdleTimeout, "gone"), _now);
                return null;
            default:
                return MakeDue(machine, end);
        }
    }

    /// <summary>Compares every end and what is under way to it.</summary>
    /// <returns>The first difference, or null.</returns>
    public string? Compare(ModelState model)
    {
        Span<int> open = [0, 0];
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            if (model.Links[i].IsFree || _links[i] is not { } ends)
                continue;
            for (int end = 0; end < 2; end++)
            {
                int node = model.Links[i].NodeOf(end);
                open[node] += model.Links[i].IsOpen(end) ? 1 : 0;
                if (CompareEnd(model.Links[i], end, ends[end], _nodes[node].Machine) is { } difference)
                    return $"{ModelStep.NodeName(node)}: {difference}";
            }
        }
        for (int node = 0; node < 2; node++)
        {
            if (_nodes[node].Machine.Connections.Count != open[node])
                return $"{ModelStep.NodeName(node)} has {_nodes[node].Machine.Connections.Count} connections, not {open[node]}";
            if (_nodes[node].Machine.Active is null != model.ActiveOf(node) < 0)
                return $"{ModelStep.NodeName(node)} has an active connection in one of model and engine only";
        }
        return null;
    }

    private static string? CompareEnd(ModelLink link, int end, RealEnd real, PeerMachine machine)
    {
        PeerConnection? connection = machine.Connections.FirstOrDefault(candidate => candidate.Transport == real);
        EndPhase phase = connection?.Phase switch
        {
            null => link.IsOpen(end) ? EndPhase.Closed : link.Phase(end),
            ConnectionPhase.AwaitingHello or ConnectionPhase.AwaitingHelloAck => EndPhase.First,
            ConnectionPhase.AwaitingConfirm or ConnectionPhase.AwaitingReady => EndPhase.Second,
            ConnectionPhase.Switchable when machine.Active == connection => EndPhase.Active,
            ConnectionPhase.Switchable => EndPhase.Absent,
            _ => EndPhase.Draining,
        };
        if (phase != link.Phase(end))
            return $"the engine is {phase}, the model {link.Phase(end)}";
        if (connection is not null && link.Receives(end) && connection.PeerInstance != (ulong)(1_000 + link.InstanceOf(end ^ 1)))
            return $"the engine takes the peer for instance {connection.PeerInstance}";
        if (link.Phase(end) != EndPhase.Closed && real.UnderWay != link.WireTo(end))
            return $"{real.UnderWay} is under way in the engine, {link.WireTo(end)} in the model";
        return null;
    }

    private string? Dial(ModelState before, int node)
    {
        RealNode real = _nodes[node];
        int place = 0;
        while (!before.Links[place].IsFree)
            place++;
        var initiator = new RealEnd(++_lastId, ConnectionRole.Initiator, s_ids[node ^ 1]);
        var responder = new RealEnd(++_lastId, ConnectionRole.Responder, s_ids[node]);
        initiator.Other = responder;
        responder.Other = initiator;
        _links[place] = [initiator, responder];
        int dials = real.Dials;
        real.Machine.DialSoon(_now);
        real.Machine.OnTimer(_now, () => before.Node(node).Sequence + 1);
        return real.Dials == dials + 1 ? null : $"{ModelStep.NodeName(node)} does not dial";
    }

    private string? Deliver(PeerMachine machine, RealEnd end, byte[] message)
    {
        machine.OnControl(end, message, _now);
        return null;
    }

    private string? MakeDue(PeerMachine machine, RealEnd end)
    {
        PeerConnection connection = machine.Connections.Single(candidate => candidate.Transport == end);
        if (connection.Deadline == Instant.Never)
            return "the engine would never close this connection by the clock";
        connection.Deadline = _now;
        machine.OnTimer(_now, () => 0);
        return null;
    }

    private static Fingerprint[] Order(Fingerprint one, Fingerprint two) => one < two ? [one, two] : [two, one];
}

/// <summary>One real machine, in one life after the other.</summary>
internal sealed class RealNode : ISessionActions
{
    private readonly Fingerprint _self;
    private readonly Fingerprint _peer;
    private readonly NetworkConfiguration _network = new() { Name = "corp", Prefix = IpPrefix.Parse("10.42.0.0/24") };

    public RealNode(Fingerprint self, Fingerprint peer)
    {
        _self = self;
        _peer = peer;
        Start(1_002, default);
    }

    public PeerMachine Machine { get; private set; } = null!;

    public int Dials { get; private set; }

    public void Start(ulong instance, Instant now) => Machine = new PeerMachine(
        new PeerConfiguration { Name = "other", Addresses = ["other:1"], Fingerprint = _peer, Networks = ["corp"] },
        _self, instance, new Random(1), this, now + TimeSpan.FromHours(1));

    // Number 0 is a dial that the model does not want yet.
    void ISessionActions.Dial(PeerMachine peer, long dialId, string address) => Dials += dialId != 0 ? 1 : 0;

    void ISessionActions.ConnectionReady(PeerMachine peer, PeerConnection connection)
    {
    }

    void ISessionActions.ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now)
    {
    }

    void ISessionActions.PeerForgotten(PeerMachine peer, Instant now)
    {
    }

    string? ISessionActions.RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now) => null;

    void ISessionActions.ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason)
    {
    }

    IReadOnlyList<NetworkConfiguration> ISessionActions.NetworksOf(PeerConfiguration peer) => [_network];
}

/// <summary>One end of a connection whose messages wait until the model lets them arrive.</summary>
internal sealed class RealEnd(long id, ConnectionRole role, Fingerprint peer) : ITransportConnection
{
    private readonly Queue<byte[]> _incoming = new();
    private bool _isCut;

    public RealEnd Other { get; set; } = null!;

    public long Id => id;

    public ConnectionRole Role => role;

    public Fingerprint Peer => peer;

    public string Protocol => "vibepn/1";

    public PathFacts Path { get; } = new(new IPEndPoint(IPAddress.Loopback, 1), TimeSpan.Zero, 0, 1_400, 1_452);

    public ReadOnlyMemory<byte> ChannelBinding => default;

    /// <summary>The messages on their way here, as the model sees them.</summary>
    public Wire UnderWay => _incoming.Aggregate(Wire.None, (wire, message) => wire | KindOf(message));

    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        if (!_isCut)
            Other._incoming.Enqueue(bytes.ToArray());
        return true;
    }

    /// <summary>The path dies with all that is under way.</summary>
    public void Cut()
    {
        _isCut = true;
        _incoming.Clear();
    }

    /// <summary>The next message. Two Drains in a row are one: the second says nothing new.</summary>
    public bool TryTake(out byte[] message)
    {
        bool found = _incoming.TryDequeue(out byte[]? next);
        message = next ?? [];
        while (found && KindOf(message) == Wire.Drain && _incoming.Count > 0)
            message = _incoming.Dequeue();
        return found;
    }

    public SendResult Send(PacketBatch batch, int first, int count) => new(count, DropReason.None);

    public void Close(CloseReason reason)
    {
    }

    public ConnectionStatistics GetStatistics() => default;

    private static Wire KindOf(byte[] message) => (ControlType)message[2] switch
    {
        ControlType.Hello or ControlType.HelloAck => Wire.Greeting,
        ControlType.Confirm or ControlType.Ready => Wire.Confirmation,
        ControlType.Drain => Wire.Drain,
        _ => throw new InvalidOperationException($"The engine sent {(ControlType)message[2]}, of which the model knows nothing."),
    };
}
