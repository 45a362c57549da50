using VibePN.Simulation.World;

namespace VibePN.Simulation.Machines;

/// <summary>A machine's clocks: a monotonic one that runs a little fast or slow, and one on the wall that can jump.</summary>
internal sealed class MachineClock(SimulatedWorld world) : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How much faster than the world it runs, in parts per million.</summary>
    public int Drift { get; set; }

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan WallOffset { get; set; }

    /// <inheritdoc/>
    public override long TimestampFrequency => SimulatedWorld.Second;

    /// <summary>The monotonic clock, in nanoseconds.</summary>
    public long Local => LocalAt(world.Now);

    /// <inheritdoc/>
    public override long GetTimestamp() => Local;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Epoch + TimeSpan.FromTicks(Local / 100) + WallOffset;

    /// <summary>The first moment of the world at which the monotonic clock shows at least this.</summary>
    public long WorldAt(long local)
    {
        long when = (long)((Int128)local * 1_000_000 / (1_000_000 + Drift));
        while (LocalAt(when) < local)
            when++;
        return when;
    }

    /// <inheritdoc/>
    /// <remarks>Fires once, on the world's thread; nobody in a run waits for a second time.</remarks>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new WorldTimer();
        if (dueTime >= TimeSpan.Zero)
            world.After(dueTime.Ticks * 100, () => timer.Fire(callback, state));
        return timer;
    }

    private long LocalAt(long when) => when + (long)((Int128)when * Drift / 1_000_000);

    private sealed class WorldTimer : ITimer
    {
        private bool _disposed;

        public void Fire(TimerCallback callback, object? state)
        {
            if (!_disposed)
                callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => _disposed = true;

        public ValueTask DisposeAsync()
        {
            _disposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
