using VibePN.Engine.Tests.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Trust;

public sealed class ClockGuardTests
{
    private static readonly DateTimeOffset Today = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualClock _clock = new(Today);
    private readonly ClockGuard _guard;

    public ClockGuardTests() => _guard = new ClockGuard(_clock);

    [Fact]
    public void A_clock_that_goes_on_is_believed()
    {
        for (int day = 0; day < 1_000; day++)
        {
            Assert.NotNull(_guard.Observe());
            _clock.Advance(TimeSpan.FromDays(1));
            Assert.Equal((_clock.Utc, true), _guard.Read());
        }
    }

    [Fact]
    public void A_clock_before_the_build_is_wrong()
    {
        _guard.RaiseFloor(Today);
        _clock.Utc = Today.AddYears(-10);
        Assert.Equal((Today, false), _guard.Read());
        Assert.Null(_guard.Observe());
        Assert.Equal(
            "the clock shows 2016-11-22T12:00:00Z, but it was 2026-11-22T12:00:00Z already: no peer is trusted on first use "
            + "until it is set right; peers with a fingerprint are not affected (docs/running.md)",
            _guard.Warning(_clock.Utc));
    }

    [Fact]
    public void A_clock_that_was_set_back_by_years_is_wrong_and_time_goes_on_without_it()
    {
        _guard.Observe();
        _clock.Utc = Today.AddYears(-10);
        Assert.Equal((Today, false), _guard.Read());
        _clock.Advance(TimeSpan.FromHours(5));
        Assert.Equal((Today.AddHours(5), false), _guard.Read());
        _clock.Utc = Today.AddHours(5);
        Assert.Equal((Today.AddHours(5), true), _guard.Read());
        Assert.Null(_guard.Warning(_clock.Utc));
    }

    [Fact]
    public void A_clock_that_leaps_ahead_by_years_is_wrong_and_does_not_become_the_floor()
    {
        _guard.Observe();
        _clock.Advance(TimeSpan.FromHours(1));
        _clock.Utc = Today.AddYears(10);
        Assert.Equal((Today.AddHours(1), false), _guard.Read());
        Assert.Null(_guard.Observe());
        Assert.StartsWith("the clock leapt to 2036-11-22T12:00:00Z", _guard.Warning(_clock.Utc), StringComparison.Ordinal);
        _clock.Utc = Today.AddHours(1);
        Assert.Equal((Today.AddHours(1), true), _guard.Read());
    }

    [Fact]
    public void A_clock_that_began_behind_and_was_set_right_is_believed()
    {
        _clock.Utc = DateTimeOffset.UnixEpoch;
        Assert.Null(_guard.Observe());
        _clock.Utc = Today;
        Assert.Equal(Today, _guard.Observe());
    }

    [Fact]
    public void Small_steps_back_and_a_months_sleep_are_no_reason_for_doubt()
    {
        _guard.Observe();
        _clock.Utc = Today.AddSeconds(-59);
        Assert.True(_guard.Read().IsTrusted);
        _clock.Utc = Today.AddSeconds(-61);
        Assert.False(_guard.Read().IsTrusted);
        _clock.Utc = Today.AddDays(30); // the monotonic clock stands while a machine sleeps
        Assert.True(_guard.Read().IsTrusted);
    }
}
