namespace VibePN.Engine.Tests.Time;

/// <summary>A clock that moves when it is told to. Its timers fire while it moves, on the mover's thread.</summary>
internal sealed class ManualClock(DateTimeOffset start) : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];
    private long _ticks;

    /// <summary>The time of day, which can be set without time passing.</summary>
    public DateTimeOffset Utc { get; set; } = start;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => Utc;

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan by)
    {
        long end = _ticks + by.Ticks;
        while (_timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due) is { } next)
        {
            Utc += new TimeSpan(next.Due - _ticks);
            _ticks = next.Due;
            next.Fire();
        }
        Utc += new TimeSpan(end - _ticks);
        _ticks = end;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state), _ticks + dueTime.Ticks, period);
        _timers.Add(timer);
        return timer;
    }

    private sealed class ManualTimer(ManualClock clock, Action callback, long due, TimeSpan period) : ITimer
    {
        public long Due { get; private set; } = due;

        public void Fire()
        {
            Due += period.Ticks;
            callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => clock._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
