namespace VibePN.Engine.Time;

/// <summary>The time of day as operators are shown it: one instant always has the same, until the clock is set.</summary>
/// <remarks>
/// Two clocks cannot be read in the same moment, so "now, less its age" would make a session that began on a whole second
/// begin a second earlier or later each time somebody looks. One owner.
/// </remarks>
internal sealed class SteadyWall
{
    // Readings of two clocks lie closer together than this; a clock that is set moves further, or by nothing that counts.
    private static readonly TimeSpan Wavering = TimeSpan.FromMilliseconds(500);

    private DateTimeOffset? _began;

    /// <summary>The time of day at an instant.</summary>
    /// <param name="now">The instant.</param>
    /// <param name="utcNow">What the wall clock shows at about that instant.</param>
    public DateTimeOffset At(Instant now, DateTimeOffset utcNow)
    {
        TimeSpan age = now - default(Instant);
        DateTimeOffset began = utcNow - age;
        if (_began is not { } known || (began - known).Duration() > Wavering)
            _began = known = began;
        return known + age;
    }
}
