using VibePN.Contracts;
using VibePN.Simulation.Machines;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Network;

/// <summary>How far a model connection has come.</summary>
internal enum ConnectionState
{
    Handshaking,
    Open,
    Closed,
}

/// <summary>One end of a connection. Its life is here; its control stream and its packets are in other files.</summary>
internal sealed partial class ModelConnection : ITransportConnection
{
    private const long IdleTimeout = 30 * SimulatedWorld.Second;
    private const long CloseRepeat = 100 * SimulatedWorld.Millisecond;

    private readonly Machine _target;
    private readonly long _dialId;
    private CloseReason _reason;
    private long _lastReply = long.MinValue / 2;
    private bool _credentialsSent;

    public ModelConnection(ModelTransport transport, Machine target, ConnectionRole role, long dialId)
    {
        Transport = transport;
        _target = target;
        _dialId = dialId;
        Role = role;
        Id = World.NextId();
        long roundTrip = transport.Network.RoundTrip(transport.Process.Machine, target);
        Path = new PathFacts(NodePlan.EndPointOf(target.Number), TimeSpan.FromTicks(roundTrip / 100), 0, 1_400, 1_452);
        LastHeard = World.Now;
        LastDelivered = World.Now;
    }

    public ModelTransport Transport { get; }

    public Machine Machine => Transport.Process.Machine;

    /// <summary>The machine at the other end.</summary>
    public Machine Target => _target;

    /// <summary>The other end, once known.</summary>
    public ModelConnection? Other { get; set; }

    public ConnectionState State { get; private set; }

    public long Id { get; }

    public ConnectionRole Role { get; }

    public Fingerprint Peer { get; private set; }

    public string Protocol => "vibepn/1";

    public PathFacts Path { get; }

    public ReadOnlyMemory<byte> ChannelBinding => default;

    /// <summary>When anything last came from the other end.</summary>
    public long LastHeard { get; private set; }

    /// <summary>When the engine was last handed something of the other end's.</summary>
    public long LastDelivered { get; private set; }

    /// <summary>When the newest question was asked that the other end has answered, on this end's own clock in ns; null for none.</summary>
    public long? AnsweredQuestion { get; set; }

    /// <summary>When the engine was last handed an announcement, an end marker or a digest; 0 before.</summary>
    public long RoutesHeard { get; set; }

    /// <summary>What the observer keeps about this end.</summary>
    public object? Watch { get; set; }

    private SimulatedWorld World => Transport.Network.World;

    private bool IsGone => !Transport.IsAlive;

    /// <inheritdoc/>
    public void Close(CloseReason reason)
    {
        if (State != ConnectionState.Open || IsGone)
            return;
        Machine.Observer.ConnectionClosing(this, reason);
        World.Note(Machine.Number, "closes", _target.Number, (long)reason.Code);
        bool pending = _unacknowledged.Count > 0;
        End(reason);
        // The goodbye brings along what the stream still owes, as long as it is repeated: 200 ms.
        for (int i = 0; i < 3; i++)
            World.After(i * CloseRepeat, SayClosed);
        World.After(pending ? 2 * CloseRepeat : 0, () => Report(reason));
    }

    /// <summary>Somebody between the ends kills the connection, and both hear of it.</summary>
    public void Break()
    {
        foreach (ModelConnection? end in new[] { this, Other })
        {
            if (end is null || end.State != ConnectionState.Open || end.IsGone)
                continue;
            var reason = new CloseReason(CloseCode.TransportError, "broken on the way");
            end.End(reason);
            end.Machine.Arrive(() => end.Report(reason));
        }
    }

    /// <summary>Begins the handshake, and repeats its flights until it is through or late.</summary>
    public void BeginDial()
    {
        World.Note(Machine.Number, "dials", _target.Number);
        Repeat(Transport.Network.RoundTrip(Machine, _target) + (50 * SimulatedWorld.Millisecond));
        World.After(ModelTransport.HandshakeTimeout, () =>
        {
            if (State == ConnectionState.Handshaking)
                Fail(CloseCode.HandshakeTimeout, "nobody answers");
        });
    }

    /// <summary>Ends a handshake without a word.</summary>
    public void Forget()
    {
        State = ConnectionState.Closed;
        Transport.Closed(this);
    }

    private void Repeat(long wait)
    {
        if (State != ConnectionState.Handshaking || IsGone)
            return;
        if (!Machine.IsPaused)
            Send(_credentialsSent ? Other!.ReceiveCredentials : ReceiveFirstFlight);
        World.After(wait, () => Repeat(wait * 2));
    }

    // At the responder's machine, still without a connection of its own.
    private void ReceiveFirstFlight()
    {
        if (_target.Process is not { } process || !process.Transport.IsAlive)
            return;
        ModelConnection responder = process.Transport.Answer(this);
        if (responder.State != ConnectionState.Closed)
            responder.Send(() => ReceiveCertificate(responder));
    }

    // At the initiator: the responder has shown who it is.
    private void ReceiveCertificate(ModelConnection responder)
    {
        if (State != ConnectionState.Handshaking || IsGone || _credentialsSent)
            return;
        HandshakeVerdict verdict = Transport.Judge(Role, _dialId, _target);
        if (!verdict.Accepted)
        {
            Fail(CloseCode.TrustRefused, verdict.Text);
            Send(responder.Forget);
            return;
        }
        Peer = verdict.Peer;
        Other = responder;
        _credentialsSent = true;
        Send(responder.ReceiveCredentials);
    }

    // At the responder: the initiator has shown who it is.
    private void ReceiveCredentials()
    {
        if (IsGone || State == ConnectionState.Closed)
            return;
        if (State == ConnectionState.Handshaking)
        {
            HandshakeVerdict verdict = Transport.Judge(Role, 0, _target);
            if (!verdict.Accepted)
            {
                Forget();
                Send(() => Other!.Fail(CloseCode.TrustRefused, "refused by the peer"));
                return;
            }
            Peer = verdict.Peer;
            Open();
        }
        Send(Other!.ReceiveDone);
    }

    // At the initiator: the handshake is confirmed.
    private void ReceiveDone()
    {
        if (State == ConnectionState.Handshaking && !IsGone)
            Open();
    }

    private void Open()
    {
        State = ConnectionState.Open;
        LastHeard = World.Now;
        LastDelivered = World.Now;
        Transport.Opened(this);
        World.Note(Machine.Number, Role == ConnectionRole.Initiator ? "connected to" : "accepted", _target.Number);
        Transport.Events.OnConnected(this, _dialId);
        WatchIdleness();
    }

    private void Fail(CloseCode code, string text)
    {
        if (State != ConnectionState.Handshaking || IsGone)
            return;
        State = ConnectionState.Closed;
        if (Other is { } responder)
            Send(() => responder.ReceiveClose(new CloseReason(code, "the dial failed", ByPeer: true), []));
        Transport.FailDial(_dialId, code, text);
    }

    private void WatchIdleness() => World.At(LastHeard + IdleTimeout, () =>
    {
        if (State != ConnectionState.Open || IsGone)
            return;
        if (World.Now < LastHeard + IdleTimeout || Machine.IsPaused)
        {
            World.After(Machine.IsPaused ? SimulatedWorld.Second : 0, WatchIdleness);
            return;
        }
        var reason = new CloseReason(CloseCode.IdleTimeout, "nothing heard");
        End(reason);
        Report(reason);
    });

    private void SayClosed()
    {
        if (IsGone || Other is not { } other || Machine.IsPaused)
            return;
        Segment[] rest = [.. _unacknowledged];
        CloseReason reason = _reason with { ByPeer = true };
        Send(() => other.ReceiveClose(reason, rest));
    }

    private void ReceiveClose(CloseReason reason, Segment[] rest)
    {
        if (State != ConnectionState.Open || IsGone)
            return;
        foreach (Segment segment in rest)
            TakeSegment(segment);
        if (State != ConnectionState.Open)
            return;
        End(reason);
        Report(reason);
    }

    private void End(CloseReason reason)
    {
        State = ConnectionState.Closed;
        _reason = reason;
        Transport.Closed(this);
    }

    private void Report(CloseReason reason)
    {
        if (IsGone)
            return;
        World.Note(Machine.Number, "connection gone", _target.Number, (long)reason.Code);
        Transport.Events.OnClosed(this, reason);
    }

    /// <summary>Whether a datagram for this end finds somebody; else the sender may be told so.</summary>
    private bool IsListening()
    {
        if (State == ConnectionState.Open && !IsGone)
        {
            LastHeard = World.Now;
            return true;
        }
        if (World.Now - _lastReply < CloseRepeat)
            return false;
        _lastReply = World.Now;
        if (State == ConnectionState.Closed && !IsGone)
            SayClosed();
        else if (IsGone && Machine.Process is { } successor && Transport.Network.Weather.StatelessReset && Other is { } other)
        {
            var reset = new CloseReason(CloseCode.StatelessReset, "the peer lost its state", ByPeer: true);
            _ = successor;
            Transport.Network.Transmit(Machine, _target, () => other.ReceiveClose(reset, []));
        }
        return false;
    }

    private void Send(Action arrive) => Transport.Network.Transmit(Machine, _target, arrive);
}
