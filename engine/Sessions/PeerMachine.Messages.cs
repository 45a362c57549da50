using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

// What comes in on control streams: how much of it is read, and what each message does.
internal sealed partial class PeerMachine
{
    /// <summary>Reads messages, as many as the peer's share allows, and keeps the rest.</summary>
    private void Read(PeerConnection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        bool any = false;
        while (Conduct.NextRead <= now)
        {
            ReadResult result = connection.Intake.Framer.TryNext(ref bytes, out ControlFrame frame);
            if (result == ReadResult.NeedMore)
            {
                connection.Intake.OnRead(any, now);
                NoteWaiting(now);
                return;
            }
            any = true;
            Conduct.OnMessage(now);
            if (result == ReadResult.Error)
                Close(connection, CloseCode.ProtocolError, frame.Problem, now);
            else if (result == ReadResult.Frame && OnFrame(connection, frame, now) is { } fault)
                Close(connection, now < HeldUntil ? CloseCode.LimitExceeded : CloseCode.ProtocolError, fault, now);
            if (!_connections.Contains(connection))
                return;
        }
        if (!connection.Intake.TryKeep(bytes))
            Expel(TooMuchWaiting, now);
        NoteWaiting(now);
    }

    private void NoteWaiting(Instant now)
    {
        if (_connections.Exists(connection => connection.Intake.IsWaiting))
            Conduct.OnWaiting(now);
        else
            Conduct.OnCaughtUp();
    }

    /// <summary>The peer asked for more than its share for too long: it loses all its connections and gets none for a while.</summary>
    private void Expel(string text, Instant now)
    {
        Conduct.Bar(now + SessionTimes.ExcessBackoff);
        CloseAll(CloseCode.LimitExceeded, text, now);
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
                if (!KeepaliveMessage.TryParse(frame.Body, out KeepaliveMessage answer))
                    return ControlProblem.BadBody(ControlType.KeepaliveReply);
                connection.Liveness.OnAnswer(answer.Token);
                return null;
            case ControlType.Drain:
                connection.PeerDrained = true;
                if (connection is { Phase: ConnectionPhase.Draining, WasTakenBack: false })
                    connection.Deadline = Instant.Min(connection.Deadline, now + SessionTimes.DrainLinger);
                return null;
            case ControlType.Renew:
                // Asked again and again, it costs one dial at a time, and one a second: later, not never, or a change soon
                // after another would wait for the peer's patience to end.
                if (connection == Active && connection.IsOurs)
                    _renewAt = Instant.Max(now, _renewedAt + SessionTimes.RenewSpacing);
                return null;
            case ControlType.Goodbye:
                return OnGoodbye(connection, frame.Body, now);
            case ControlType.VerifyCommit or ControlType.VerifyNonce or ControlType.VerifyReveal:
                return _actions.VerifyMessage(this, connection, frame, now);
            default:
                // The peer tells all of it again on the connection that took over; two streams have no common order.
                return connection.Phase == ConnectionPhase.Draining ? null : OnRouteMessage(connection, frame, now);
        }
    }

    private string? OnGoodbye(PeerConnection connection, ReadOnlySpan<byte> body, Instant now)
    {
        if (!GoodbyeMessage.TryParse(body, out GoodbyeMessage goodbye))
            return ControlProblem.BadBody(ControlType.Goodbye);
        var hold = TimeSpan.FromSeconds(goodbye.HoldSeconds);
        _routesHeldUntil = now + (hold < SessionTimes.LongestHold ? hold : SessionTimes.LongestHold);
        Close(connection, CloseCode.Goodbye, "the peer said goodbye", now);
        return null;
    }

    private string? OnRouteMessage(PeerConnection connection, ControlFrame frame, Instant now)
    {
        if (frame is { Type: ControlType.Announce or ControlType.Withdraw, Body.Length: >= 2 })
            Conduct.OnRouteItems(connection.CountRouteItems(frame.Body[1]), now);
        if (_actions.RouteMessage(this, connection, frame, now) is { } fault)
            return fault;
        if (Conduct.IsInvalid(now))
            Expel($"{Conduct.MaxInvalid} invalid items within a minute", now);
        return null;
    }

    private string? OnHello(PeerConnection connection, ReadOnlySpan<byte> body, Instant now)
    {
        if (!HelloMessage.TryParse(body, out HelloMessage? hello))
            return ControlProblem.BadBody(ControlType.Hello);
        connection.Sequence = hello.DialSequence;
        if (!AcceptInstance(connection, hello.Instance, now))
            return null;
        Agree(connection, hello.Networks);
        connection.AgreedAt = now;
        connection.Phase = ConnectionPhase.AwaitingConfirm;
        if (!_greeter.SendHelloAck(this, connection, hello))
            return "HelloAck did not fit the control queue";
        // Who dials again although the better connection lives may know that it does not: then so must we, soon.
        if (Active is { } active && connection.RankFor(_self).CompareTo(active.RankFor(_self)) < 0)
            Probe(active, now);
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
        Agree(connection, answer.Networks);
        connection.Phase = ConnectionPhase.AwaitingReady;
        Greeter.SendConfirm(connection);
        _actions.ConnectionReady(this, connection);
        return null;
    }

    private void Agree(PeerConnection connection, ImmutableArray<NumberedNetwork> theirs)
    {
        connection.Networks = _greeter.Agree(this, theirs);
        connection.ExpectFullSets();
    }

    /// <summary>Compares the peer's instance with what is open: a newer start makes every older connection a ghost.</summary>
    /// <returns>False when this connection is the ghost, or one daemon too many; it is closed then.</returns>
    private bool AcceptInstance(PeerConnection connection, ulong instance, Instant now)
    {
        connection.PeerInstance = instance;
        PeerConnection[] others =
            [.. _connections.Where(other => other != connection && other.PeerInstance != 0 && other.PeerInstance != instance)];
        if (others.Length > 0)
        {
            if (_clones.OnMeeting(others[0].PeerInstance, instance, now))
                _actions.PeerCloned(this, now);
            if (now < _clones.FrozenUntil)
            {
                Close(connection, CloseCode.IdentityCloned, "another daemon uses the same certificate", now);
                return false;
            }
        }
        foreach (PeerConnection other in others)
        {
            if (other.PeerInstance > instance)
            {
                Close(connection, CloseCode.Superseded, "the peer has started anew since", now);
                return false;
            }
            if (!Planted.Is(PlantedDefect.GhostKept))
                Close(other, CloseCode.Superseded, "the peer has started anew", now);
        }
        // Without a live connection the old start's routes are gone already, or held for the very start that says so now.
        if (others.Length > 0)
            _actions.PeerForgotten(this, now);
        return true;
    }
}
