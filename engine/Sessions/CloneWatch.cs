using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>Tells two daemons with one certificate from one daemon that restarts.</summary>
/// <remarks>
/// Each start of a daemon has a larger instance number. Connections of different instances that meet three times in
/// 60 s, at least once with the smaller one coming second, are no restarts: two daemons live at once. From then on the
/// present connection is kept for 60 s, so that third parties see a peer that stands still.
/// </remarks>
internal sealed class CloneWatch
{
    private const int Suspicious = 3;

    private readonly Queue<(Instant When, bool Backwards)> _meetings = new();

    /// <summary>Until when no connection of another instance takes the place of a live one.</summary>
    public Instant FrozenUntil { get; private set; }

    /// <summary>Until when the operator is told in status.</summary>
    public Instant WarnedUntil => FrozenUntil == default ? default : FrozenUntil + SessionTimes.CloneWindow;

    /// <summary>A connection of another instance came while one was live.</summary>
    /// <param name="live">The live connection's instance.</param>
    /// <param name="other">The other's.</param>
    /// <param name="now">The time.</param>
    /// <returns>True when this is the meeting that makes it certain.</returns>
    public bool OnMeeting(ulong live, ulong other, Instant now)
    {
        if (now < FrozenUntil)
            return false;
        _meetings.Enqueue((now, other < live));
        while (now - _meetings.Peek().When > SessionTimes.CloneWindow || _meetings.Count > 2 * Suspicious)
            _meetings.Dequeue();
        if (_meetings.Count < Suspicious || !_meetings.Any(meeting => meeting.Backwards))
            return false;
        _meetings.Clear();
        FrozenUntil = now + SessionTimes.CloneFreeze;
        return true;
    }
}
