using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Engine.Node;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Joining;

/// <summary>All redemptions of a node, those it is asked for and its own. Control thread.</summary>
internal sealed class JoinDesk(
    Fingerprint self, TrustGate gate, IEngineDriver driver, EventRing events, ILogger logger)
{
    /// <summary>Strangers connected at once, at most.</summary>
    public const int MaxGuests = 8;

    private readonly Dictionary<long, JoinGuest> _guests = [];
    private JoinAttempt? _attempt;

    /// <summary>Strangers connected now.</summary>
    public int Guests => _guests.Count;

    /// <summary>When to call <see cref="OnTimer"/> at the latest.</summary>
    public Instant NextTimer
    {
        get
        {
            Instant next = _attempt?.Deadline ?? Instant.Never;
            foreach (JoinGuest guest in _guests.Values)
                next = Instant.Min(next, guest.Deadline);
            return next;
        }
    }

    /// <summary>Begins to redeem an invite of another node.</summary>
    /// <param name="request">The invite.</param>
    /// <param name="done">Told the outcome once, on the control thread.</param>
    /// <param name="draw">Draws the number of a dial.</param>
    /// <param name="dial">Dials an address over <see cref="JoinMessages.Protocol"/>.</param>
    /// <param name="now">The time.</param>
    public void Begin(JoinRequest request, Action<JoinOutcome> done, Func<long> draw, Action<long, string> dial, Instant now)
    {
        if (_attempt is not null)
        {
            done(new JoinOutcome(JoinResult.Busy));
            return;
        }
        var attempt = new JoinAttempt(request, self, done, now);
        _attempt = attempt;
        var pin = new InviterPin(Fingerprint.Parse(request.Invite.InviterFingerprint), request.Invite.Key);
        (long Id, string Address)[] dials = [.. attempt.Addresses.Select(address => (draw(), address))];
        // All are known before the first may fail.
        foreach ((long id, _) in dials)
        {
            attempt.OnDial(id);
            gate.Door.OnDial(id, pin);
        }
        foreach ((long id, string address) in dials)
            dial(id, address);
    }

    /// <summary>A connection over <see cref="JoinMessages.Protocol"/> is up.</summary>
    public void OnConnected(ITransportConnection connection, long dialId, Instant now)
    {
        gate.Door.OnDialEnded(dialId);
        if (connection.Role == ConnectionRole.Initiator)
        {
            if (_attempt?.Owns(dialId) == true)
                _attempt.OnConnected(connection, dialId);
            else
                connection.Close(new CloseReason(CloseCode.Superseded, "too late"));
            Forget();
        }
        else if (_guests.Count >= MaxGuests || !gate.Door.IsOpen)
            connection.Close(new CloseReason(CloseCode.LimitExceeded, "not joined"));
        else
            _guests.Add(connection.Id, new JoinGuest(connection, now));
    }

    /// <summary>A dial came to nothing.</summary>
    /// <returns>Whether it was one of ours.</returns>
    public bool OnDialFailed(long dialId, CloseReason reason)
    {
        gate.Door.OnDialEnded(dialId);
        if (_attempt?.Owns(dialId) != true)
            return false;
        _attempt.OnDialFailed(dialId, reason);
        Forget();
        return true;
    }

    /// <summary>Bytes of a connection's stream.</summary>
    public void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes)
    {
        if (_guests.TryGetValue(connection.Id, out JoinGuest? guest))
            Ask(guest, guest.OnBytes(bytes));
        else if (_attempt?.Owns(connection) == true)
        {
            _attempt.OnBytes(bytes);
            Forget();
        }
    }

    /// <summary>A connection is gone.</summary>
    public void OnClosed(ITransportConnection connection, CloseReason reason)
    {
        if (_guests.Remove(connection.Id) || _attempt?.Owns(connection) != true)
            return;
        _attempt.OnClosed(reason);
        Forget();
    }

    /// <summary>Ends what has taken too long.</summary>
    public void OnTimer(Instant now)
    {
        foreach (JoinGuest late in _guests.Values.Where(guest => now >= guest.Deadline).ToArray())
        {
            _guests.Remove(late.Connection.Id);
            late.OnDeadline();
        }
        if (_attempt is { } attempt && now >= attempt.Deadline)
        {
            attempt.OnDeadline();
            Forget();
        }
    }

    /// <summary>The daemon stops.</summary>
    public void CloseAll()
    {
        foreach (JoinGuest guest in _guests.Values)
            guest.Connection.Close(new CloseReason(CloseCode.Shutdown, "the daemon is stopping"));
        _guests.Clear();
        _attempt?.OnDeadline();
        Forget();
    }

    private void Ask(JoinGuest guest, JoinMessage? message)
    {
        if (message is null)
            return;
        ITransportConnection connection = guest.Connection;
        (DateTimeOffset wall, bool isTrusted) = gate.Clock.Read();
        var claim = new JoinClaim(
            message.InviteId, message.Proof, connection.ChannelBinding, connection.Peer, message.Name,
            connection.Path.Remote, wall, isTrusted);
        driver.Redeem(claim, (decision, _) =>
        {
            Log.Redeemed(logger, message.InviteId, connection.Path.Remote, connection.Peer.ToString(), decision.Result);
            Publish(message.InviteId, connection.Peer, decision);
            if (_guests.ContainsKey(connection.Id))
                guest.Answer(decision);
        });
    }

    private void Publish(string invite, Fingerprint joiner, JoinDecision decision)
    {
        bool isGranted = decision.Result == JoinResult.Granted;
        string text = isGranted
            ? $"{decision.PeerName} joined by invite {invite}"
            : $"invite {invite} was refused to {joiner}: {decision.Result}";
        events.Publish(
            isGranted ? EventKinds.InviteUsed : EventKinds.InviteRefused,
            new EventFacts(text) { Peer = decision.PeerName, Reason = decision.Result.ToString() });
    }

    private void Forget()
    {
        if (_attempt?.IsDone == true)
            _attempt = null;
    }
}
