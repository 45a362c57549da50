using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Runtime;
using VibePN.Engine.Tests.Node;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Runtime;

public sealed class InstanceNumberTests : IDisposable
{
    private static readonly DateTimeOffset Today = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryStore _store = new();
    private readonly ManualClock _clock = new(Today);
    private readonly LabLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void The_first_number_is_the_time()
    {
        Assert.Equal((ulong)Today.ToUnixTimeMilliseconds(), Next());
        Assert.Equal(1, _store.Writes);
    }

    [Fact]
    public void A_number_is_larger_than_every_earlier_one_whatever_the_clock_does()
    {
        var random = new Random(1);
        ulong last = 0;
        for (int start = 0; start < 1_000; start++)
        {
            _clock.Utc = Today.AddDays(random.Next(-5_000, 5_000));
            ulong next = Next();
            Assert.True(next > last);
            last = next;
        }
    }

    [Fact]
    public void A_lost_number_is_told_and_the_kept_time_takes_its_place()
    {
        ulong last = Next();
        _store.Files["instance"] = [];
        _clock.Utc = Today.AddYears(-10);
        var guard = new ClockGuard(_clock);
        guard.RaiseFloor(Today.AddHours(1)); // what the last run kept
        Assert.True(InstanceNumber.Next(_store, _clock, guard, _log) > last);
        Assert.Contains(_log.From(LogLevel.Error), line => line.Contains("instance.bad", StringComparison.Ordinal));
    }

    [Fact]
    public void A_number_that_cannot_be_stored_stops_the_start()
    {
        _store.Failure = "No space left on device.";
        PluginException fault = Assert.Throws<PluginException>(() => Next());
        Assert.Equal(PluginFault.Unavailable, fault.Fault);
        Assert.Contains("No space left on device.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_cannot_be_read_stops_the_start_and_is_not_overwritten()
    {
        byte[] unreadable = new byte[1_000];
        _store.Files["instance"] = unreadable;
        Assert.Equal(PluginFault.Unavailable, Assert.Throws<PluginException>(() => Next()).Fault);
        Assert.Same(unreadable, _store.Files["instance"]);
    }

    private ulong Next() => InstanceNumber.Next(_store, _clock, new ClockGuard(_clock), _log);
}
