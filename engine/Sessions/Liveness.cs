using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What <see cref="Liveness"/> asks for.</summary>
internal enum LivenessAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Ask the peer for a sign of life.</summary>
    SendKeepalive,

    /// <summary>Give the connection up.</summary>
    DeclareDead,
}

/// <summary>Decides when a silent peer is probed and when it is given up.</summary>
/// <remarks>
/// An idle peer is asked every 5 s and dead after 15 s of silence. A peer that we send to is asked after 0.8 s of
/// silence, every 0.5 s, and dead after 2.5 s, because then somebody is waiting. Only what the peer sends counts
/// as a sign of life, so a path that works one way only is dead for both ends.
/// </remarks>
internal sealed class Liveness(Instant now)
{
    private Instant _heard = now;
    private Instant _askAt = now + SessionTimes.KeepaliveInterval;
    private Instant? _unansweredSince;
    private long _sent;
    private long _received;

    /// <summary>When the peer was last heard.</summary>
    public Instant Heard => _heard;

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer { get; private set; } = now + SessionTimes.ProbeInterval;

    /// <summary>The peer sent something on the control stream.</summary>
    public void OnHeard(Instant now)
    {
        _heard = now;
        _askAt = now + SessionTimes.KeepaliveInterval;
        _unansweredSince = null;
    }

    /// <summary>Compares what was sent with what was heard since the last call.</summary>
    /// <param name="now">The time.</param>
    /// <param name="packetsSent">Inner packets sent on the connection so far.</param>
    /// <param name="packetsReceived">Inner packets received on the connection so far.</param>
    public LivenessAction OnTimer(Instant now, long packetsSent, long packetsReceived)
    {
        NextTimer = now + SessionTimes.ProbeInterval;
        if (packetsReceived != _received || (Planted.Is(PlantedDefect.OwnSendsCountAsHeard) && packetsSent != _sent))
            OnHeard(now);
        else if (packetsSent != _sent)
            _unansweredSince ??= now;
        _sent = packetsSent;
        _received = packetsReceived;

        if (now - _heard >= SessionTimes.IdleTimeout)
            return LivenessAction.DeclareDead;
        if (_unansweredSince is { } since)
        {
            if (now - since >= SessionTimes.TrafficTimeout)
                return LivenessAction.DeclareDead;
            if (now - since >= SessionTimes.SuspectAfter)
                return LivenessAction.SendKeepalive;
        }
        if (now < _askAt)
            return LivenessAction.None;
        _askAt = now + SessionTimes.KeepaliveInterval;
        return LivenessAction.SendKeepalive;
    }
}
