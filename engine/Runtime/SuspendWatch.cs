using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Runtime;

/// <summary>Notices that the machine slept: the control loop's clock stands still meanwhile, the boot clock does not.</summary>
/// <remarks>A process that was only stopped is noticed elsewhere: both clocks go on then. One thread.</remarks>
/// <param name="bootClock">Time since the machine started, sleep included.</param>
internal sealed class SuspendWatch(Func<TimeSpan> bootClock)
{
    /// <summary>How often to look at least, so that a machine that woke up is noticed within a moment.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private TimeSpan? _apart;

    /// <summary>Compares the clocks.</summary>
    /// <returns>Whether the machine slept for more than 10 s since the last look.</returns>
    public bool HasSlept(Instant now)
    {
        TimeSpan apart = bootClock() - (now - default(Instant));
        bool slept = _apart is { } before && apart - before > SessionTimes.SuspendGap;
        _apart = apart;
        return slept;
    }
}
