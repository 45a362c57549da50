namespace VibePN.Engine.Tests.Time;

/// <summary>The real clock with the time of day set wrong: what is monotonic does not notice.</summary>
internal sealed class WrongClock : TimeProvider
{
    private long _wrongByTicks;

    /// <summary>How far the time of day is ahead.</summary>
    public TimeSpan WrongBy
    {
        get => new(Interlocked.Read(ref _wrongByTicks));
        set => Interlocked.Exchange(ref _wrongByTicks, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + WrongBy;
}
