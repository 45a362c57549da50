using VibePN.Engine.Runtime;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Runtime;

public sealed class ControlLoopTests
{
    [Fact]
    public async Task Turn_that_takes_more_than_a_tenth_of_a_second_is_a_stall()
    {
        var clock = new SteppedTime();
        using var loop = new ControlLoop(clock, _ => Instant.Never, fault => Assert.Fail(fault.ToString()));
        loop.Start();
        await Work(loop, clock, TimeSpan.FromMilliseconds(100));
        Assert.Equal((0, TimeSpan.FromMilliseconds(100)), (loop.Stalls, loop.Busy));
        await Work(loop, clock, TimeSpan.FromMilliseconds(101));
        Assert.Equal((1, TimeSpan.FromMilliseconds(201)), (loop.Stalls, loop.Busy));
        Assert.InRange(loop.Turns, 2, 10);
    }

    /// <summary>Does work that takes a while, and waits until the turn that did it has been counted.</summary>
    private static async Task Work(ControlLoop loop, SteppedTime clock, TimeSpan takes)
    {
        TimeSpan busy = loop.Busy + takes;
        await loop.InvokeAsync(
            _ =>
            {
                clock.Advance(takes);
                return true;
            },
            TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => loop.Busy == busy, TimeSpan.FromSeconds(30)), $"busy for {loop.Busy}, not {busy}");
    }

    private sealed class SteppedTime : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);

        public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
    }
}
