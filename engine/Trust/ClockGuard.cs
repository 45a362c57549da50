using System.Globalization;

namespace VibePN.Engine.Trust;

/// <summary>Says whether the wall clock can be believed, so that nothing new is trusted by one that cannot.</summary>
/// <remarks>
/// <para>
/// A clock is wrong when it stands before the release was built, before a time it has shown already, or when it
/// has run ahead of the monotonic clock by more than a year since it was last believed. Nobody can tell a clock
/// that was ahead at every start; that one only ends certificates early.
/// </para>
/// <para>
/// Decides nothing but first uses and the beginning of a certificate's validity: durations never come from here.
/// Any thread. Whoever owns files calls <see cref="Observe"/> now and then and keeps what it returns.
/// </para>
/// </remarks>
/// <param name="time">The clock.</param>
internal sealed class ClockGuard(TimeProvider time)
{
    // Time services step a clock back by less than this; a first use gains nothing from so little.
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    // Longer than any sleep of a machine, during which the monotonic clock stands.
    private static readonly TimeSpan Leap = TimeSpan.FromDays(366);

    private volatile Sight _sight = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), null, 0);

    /// <summary>No right clock stands before this.</summary>
    public DateTimeOffset Floor => _sight.Floor;

    /// <summary>Takes note of a moment that has passed for certain, such as the build or what an earlier run kept.</summary>
    public void RaiseFloor(DateTimeOffset passed)
    {
        if (passed > _sight.Floor)
            _sight = _sight with { Floor = passed };
    }

    /// <summary>The time of day as far as it is known, and whether the clock is believed. Writes nothing.</summary>
    /// <returns>
    /// The clock itself while it is believed. Otherwise what must have passed at least: so a certificate that has
    /// ended stays ended, and one that has not is not ended by a clock that leapt.
    /// </returns>
    public (DateTimeOffset Now, bool IsTrusted) Read()
    {
        DateTimeOffset now = time.GetUtcNow();
        Sight sight = _sight;
        if (Problem(sight, now) == ClockProblem.None)
            return (now, true);
        return (sight.Believed is { } believed ? believed + time.GetElapsedTime(sight.Timestamp) : sight.Floor, false);
    }

    /// <summary>Looks at the clock and remembers the time when it is believed. One caller at a time.</summary>
    /// <returns>The time, to be kept for the next start; null when the clock is not believed.</returns>
    public DateTimeOffset? Observe()
    {
        DateTimeOffset now = time.GetUtcNow();
        Sight sight = _sight;
        if (Problem(sight, now) != ClockProblem.None)
            return null;
        _sight = new Sight(now > sight.Floor ? now : sight.Floor, now, time.GetTimestamp());
        return now;
    }

    /// <summary>What an operator should know about the clock, as one sentence; null when it is believed.</summary>
    public string? Warning(DateTimeOffset now)
    {
        Sight sight = _sight;
        return Problem(sight, now) switch
        {
            ClockProblem.Behind => $"the clock shows {Text(now)}, but it was {Text(sight.Floor)} already: {Consequence}",
            ClockProblem.Ahead =>
                $"the clock leapt to {Text(now)}, more than a year ahead of the time that has passed: {Consequence}",
            _ => null,
        };
    }

    private const string Consequence =
        "no peer is trusted on first use until it is set right; peers with a fingerprint are not affected (docs/running.md)";

    private ClockProblem Problem(Sight sight, DateTimeOffset now)
    {
        if (sight.Floor - now > Step)
            return ClockProblem.Behind;
        return sight.Believed is { } believed && now - believed - time.GetElapsedTime(sight.Timestamp) > Leap
            ? ClockProblem.Ahead
            : ClockProblem.None;
    }

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private enum ClockProblem
    {
        None,
        Behind,
        Ahead,
    }

    /// <summary>What is known of the clock. Immutable, so that a judgement sees one state of it.</summary>
    /// <param name="Floor">A moment that has passed.</param>
    /// <param name="Believed">What the wall clock showed when it was last believed in this run, or null.</param>
    /// <param name="Timestamp">The monotonic clock at that moment.</param>
    private sealed record Sight(DateTimeOffset Floor, DateTimeOffset? Believed, long Timestamp);
}
