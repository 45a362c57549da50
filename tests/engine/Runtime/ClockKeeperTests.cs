using Microsoft.Extensions.Logging;
using VibePN.Engine.Runtime;
using VibePN.Engine.Tests.Node;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Runtime;

public sealed class ClockKeeperTests : IDisposable
{
    private static readonly DateTimeOffset Today = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryStore _store = new();
    private readonly ManualClock _clock = new(Today);
    private readonly LabLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void A_clock_that_fell_behind_while_the_daemon_was_off_is_noticed()
    {
        using (Run(out _))
            _clock.Advance(TimeSpan.FromMinutes(10));
        _clock.Utc = Today.AddMinutes(5);
        using ClockKeeper keeper = Run(out ClockGuard guard);
        Assert.Equal((Today.AddMinutes(10), false), guard.Read());
        Assert.Single(_log.From(LogLevel.Warning));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.True(guard.Read().IsTrusted);
        Assert.Contains("The clock is believed again", _log.From(LogLevel.Information));
    }

    [Fact]
    public void The_time_is_written_at_start_every_hour_and_at_the_end()
    {
        using (Run(out _))
        {
            Assert.Equal(1, _store.Writes);
            _clock.Advance(TimeSpan.FromHours(10.5));
            Assert.Equal(11, _store.Writes);
        }
        Assert.Equal(12, _store.Writes);
        // A start within the hour after the end has nothing new to say.
        _clock.Advance(TimeSpan.FromMinutes(1));
        using ClockKeeper again = Run(out _);
        Assert.Equal(12, _store.Writes);
    }

    [Fact]
    public void A_clock_that_is_not_believed_is_not_kept()
    {
        using (Run(out _))
        {
            _clock.Utc = Today.AddYears(10);
            _clock.Advance(TimeSpan.FromHours(3));
        }
        Assert.Equal(1, _store.Writes);
        _clock.Utc = Today.AddHours(4);
        using ClockKeeper keeper = Run(out ClockGuard guard);
        Assert.True(guard.Read().IsTrusted);
    }

    [Fact]
    public void A_damaged_or_unwritable_file_costs_only_the_memory()
    {
        _store.Files["clock"] = [1];
        _store.Failure = "No space left on device.";
        using ClockKeeper keeper = Run(out ClockGuard guard);
        Assert.True(guard.Read().IsTrusted);
        Assert.Equal(2, _log.From(LogLevel.Error).Count());
        _store.Failure = null;
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal((ulong)_clock.Utc.ToUnixTimeMilliseconds(), StateFile.Read(_store, "clock", out _));
    }

    [Fact]
    public void A_file_that_cannot_be_read_costs_only_the_memory()
    {
        _store.Files["clock"] = new byte[1_000];
        using ClockKeeper keeper = Run(out ClockGuard guard);
        Assert.True(guard.Read().IsTrusted);
        Assert.Contains(_log.From(LogLevel.Error), line => line.Contains("too long", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_of_the_largest_number_does_no_harm()
    {
        StateFile.Write(_store, "clock", ulong.MaxValue);
        using ClockKeeper keeper = Run(out ClockGuard guard);
        Assert.True(guard.Read().IsTrusted);
    }

    private ClockKeeper Run(out ClockGuard guard)
    {
        guard = new ClockGuard(_clock);
        var keeper = new ClockKeeper(guard, _store, _clock, _log);
        keeper.Start();
        return keeper;
    }
}
