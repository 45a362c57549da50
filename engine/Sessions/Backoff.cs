using VibePN.Contracts;

namespace VibePN.Engine.Sessions;

/// <summary>How long to wait before the next dial: full jitter, so that a crowd that lost one peer does not return at once.</summary>
/// <remarks>
/// The wait is uniform in [0, bound], the bound doubling from 0.5 s to 30 s, and never below 50 ms. What does not mend
/// itself within a moment waits longer: a refused certificate 60 s to 10 min, a limit that was exceeded and an identity
/// that two daemons share 60 s, nonsense 60 s from the third time on.
/// </remarks>
internal sealed class Backoff(Random random)
{
    private const int ToleratedNonsense = 2;

    private int _failures;
    private int _refusals;
    private int _nonsense;

    /// <summary>Failures in a row, for status.</summary>
    public int Failures => _failures + _refusals;

    /// <summary>Counts a failure.</summary>
    /// <returns>How long to wait from now.</returns>
    public TimeSpan OnFailure(CloseCode code)
    {
        if (Planted.Is(PlantedDefect.DialedWithoutWait))
            return TimeSpan.Zero;
        if (code == CloseCode.TrustRefused)
        {
            TimeSpan least = Bound(SessionTimes.TrustBackoffBase, SessionTimes.TrustBackoffCap, _refusals++);
            TimeSpan spread = least + Jitter(least / 10);
            return spread < SessionTimes.TrustBackoffCap ? spread : SessionTimes.TrustBackoffCap;
        }
        if (code is CloseCode.LimitExceeded or CloseCode.IdentityCloned
            || (code == CloseCode.ProtocolError && ++_nonsense > ToleratedNonsense))
        {
            _failures++;
            return SessionTimes.ExcessBackoff + Jitter(SessionTimes.ExcessBackoff / 10);
        }
        TimeSpan wait = Jitter(Bound(SessionTimes.BackoffBase, SessionTimes.BackoffCap, _failures++));
        return wait < SessionTimes.BackoffFloor ? SessionTimes.BackoffFloor : wait;
    }

    /// <summary>Forgets all failures: a connection proved stable, or the operator changed something.</summary>
    public void Reset()
    {
        _failures = 0;
        _refusals = 0;
        _nonsense = 0;
    }

    private static TimeSpan Bound(TimeSpan first, TimeSpan cap, int doublings)
    {
        double seconds = first.TotalSeconds * Math.Pow(2, Math.Min(doublings, 16));
        return TimeSpan.FromSeconds(Math.Min(seconds, cap.TotalSeconds));
    }

    private TimeSpan Jitter(TimeSpan bound) => bound * random.NextDouble();
}
