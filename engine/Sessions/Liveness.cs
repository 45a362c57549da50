using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What <see cref="Liveness"/> asks for.</summary>
internal enum LivenessAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Ask the peer a question, whose token is the present time.</summary>
    SendKeepalive,

    /// <summary>Give the connection up.</summary>
    DeclareDead,
}

/// <summary>Decides when a peer is asked whether it hears us, and when it is given up.</summary>
/// <remarks>
/// <para>
/// Only an answer proves that the path works in both directions; what merely arrives proves half of it. So a path
/// that works one way is dead for both ends, however much comes in.
/// </para>
/// <para>
/// While packets flow, either way, the peer is asked every 0.6 s and has 1.9 s to answer: at most 2.5 s from the
/// break to the verdict, because an answered question was asked before the break and the next one comes 0.6 s
/// later. An idle peer is asked every 5 s and dead 15 s after the last question that it answered.
/// </para>
/// </remarks>
internal sealed class Liveness
{
    private readonly Random _random;
    private Instant _proven;
    private Instant _asked;
    private Instant? _openSince;
    private Instant _nextPoll;
    private Instant _nextIdle;
    private Instant _busyUntil;
    private Instant _busySince;
    private Instant _probeEnds = Instant.Never;
    private long _sent;
    private long _received;

    /// <summary>A connection that has just come up, which proves as much as an answer.</summary>
    /// <param name="random">For jitter.</param>
    /// <param name="now">The time.</param>
    public Liveness(Random random, Instant now)
    {
        _random = random;
        _proven = now;
        _asked = now;
        _nextPoll = now + SessionTimes.ProbeInterval;
        _nextIdle = now + IdleInterval();
        Heard = now;
        NextTimer = _nextPoll;
    }

    /// <summary>When inner packets were last seen to come in.</summary>
    public Instant Heard { get; private set; }

    /// <summary>Whether the peer is being probed because the machine's network changed.</summary>
    public bool IsProbed => _probeEnds != Instant.Never;

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer { get; private set; }

    /// <summary>The peer answered a question.</summary>
    public void OnAnswer(ulong token)
    {
        // The token of a question is the time at which it was asked. Any other is none of ours.
        if (_openSince is not { } since || token < (ulong)since.Nanoseconds || token > (ulong)_asked.Nanoseconds)
            return;
        _proven = new Instant((long)token);
        if (_proven != _asked)
        {
            _openSince = _asked;
            return;
        }
        _openSince = null;
        _probeEnds = Instant.Never;
    }

    /// <summary>The machine's network changed: asks at once, and gives the peer only a moment to answer.</summary>
    /// <param name="now">The time.</param>
    /// <param name="roundTrip">The path's, as far as known.</param>
    /// <returns>False when such a question is open already: more changes do not prolong its term.</returns>
    public bool Probe(Instant now, TimeSpan roundTrip)
    {
        if (IsProbed)
            return false;
        // Time for the question to be sent twice more, and for a path that has to be validated first; on a long path
        // at least time for one answer to a question that was lost once.
        TimeSpan patience = SessionTimes.ProbeFloor + (roundTrip * 5);
        TimeSpan longest = roundTrip * 3 > SessionTimes.ProbeTimeout ? roundTrip * 3 : SessionTimes.ProbeTimeout;
        _probeEnds = now + (roundTrip == TimeSpan.Zero || patience > longest ? longest : patience);
        _openSince = null;
        Ask(now);
        Schedule(now);
        return true;
    }

    /// <summary>Time has passed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="packetsSent">Inner packets sent on the connection so far.</param>
    /// <param name="packetsReceived">Inner packets received on the connection so far.</param>
    public LivenessAction OnTimer(Instant now, long packetsSent, long packetsReceived)
    {
        Look(now, packetsSent, packetsReceived);
        LivenessAction action = LivenessAction.None;
        if (now - NextTimer >= SessionTimes.Overslept)
        {
            // Answers may wait unread: whoever slept cannot tell a dead peer from its own sleep.
            _openSince = null;
            _probeEnds = Instant.Never;
            _proven = now;
            _busySince = now;
            action = Ask(now);
        }
        else if (now >= DeadAt)
        {
            return LivenessAction.DeclareDead;
        }
        else if (now >= _nextIdle || (_openSince is null && now >= BusyAsk))
        {
            action = Ask(now);
        }
        Schedule(now);
        return action;
    }

    private bool IsBusy(Instant now) => now < _busyUntil;

    // Asked on, as long as packets flow or did a moment ago.
    private Instant BusyAsk => _asked + SessionTimes.BusyInterval is var next && next <= _busyUntil ? next : Instant.Never;

    private Instant DeadAt
    {
        get
        {
            Instant dead = Instant.Min(_proven + SessionTimes.IdleTimeout, _probeEnds);
            // The term of a question that is open when packets begin to flow begins with them.
            return _openSince is { } since && Instant.Max(since, _busySince) is var from && from < _busyUntil
                ? Instant.Min(dead, from + SessionTimes.BusyTimeout)
                : dead;
        }
    }

    private void Look(Instant now, long packetsSent, long packetsReceived)
    {
        if (packetsReceived != _received)
            Heard = now;
        if (packetsReceived != _received || packetsSent != _sent)
        {
            if (!IsBusy(now))
                _busySince = now;
            _busyUntil = now + SessionTimes.BusyLinger;
        }
        if (Planted.Is(PlantedDefect.OwnSendsCountAsHeard) && packetsSent != _sent)
            (_proven, _openSince) = (now, null);
        _sent = packetsSent;
        _received = packetsReceived;
        _nextPoll = now + SessionTimes.ProbeInterval;
    }

    private LivenessAction Ask(Instant now)
    {
        _asked = now;
        _openSince ??= now;
        _nextIdle = now + IdleInterval();
        return LivenessAction.SendKeepalive;
    }

    private void Schedule(Instant now)
    {
        Instant next = Instant.Min(_nextPoll, Instant.Min(_nextIdle, DeadAt));
        if (_openSince is null)
            next = Instant.Min(next, BusyAsk);
        NextTimer = Instant.Max(next, now);
    }

    private TimeSpan IdleInterval() => SessionTimes.KeepaliveInterval * (0.9 + (0.2 * _random.NextDouble()));
}
