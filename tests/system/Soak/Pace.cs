using System.Diagnostics;

namespace VibePN.System.Tests.Soak;

/// <summary>Keeps a thread to so many turns a second. What a busy machine misses is not made up for.</summary>
internal sealed class Pace(double perSecond)
{
    private readonly long _turn = (long)(Stopwatch.Frequency / perSecond);
    private long _due = Stopwatch.GetTimestamp();

    /// <summary>Waits until the next turn is due.</summary>
    public void Wait()
    {
        long now = Stopwatch.GetTimestamp();
        _due = Math.Max(_due + _turn, now - _turn);
        if (_due > now)
            Thread.Sleep(Stopwatch.GetElapsedTime(now, _due));
    }
}
