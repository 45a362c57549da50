namespace VibePN.Engine.Time;

/// <summary>A moment on the engine's monotonic time line, in nanoseconds since some start.</summary>
/// <remarks>
/// The drivers in <c>engine/Runtime</c> read it from their <see cref="TimeProvider"/>'s timestamp; everything else
/// is handed it. It never runs backwards and says nothing about the time of day. Sums saturate at
/// <see cref="Never"/>, so that a deadline far beyond all use stays one.
/// </remarks>
/// <param name="nanoseconds">Nanoseconds since the start.</param>
internal readonly struct Instant(long nanoseconds) : IEquatable<Instant>, IComparable<Instant>
{
    private const long NanosecondsPerTick = 1_000_000_000 / TimeSpan.TicksPerSecond;

    /// <summary>The deadline of what has none: later than every other instant.</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>Nanoseconds since the start.</summary>
    public long Nanoseconds { get; } = nanoseconds;

    /// <summary>The reading of a clock.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="start">What its timestamp was when the time line began.</param>
    public static Instant Read(TimeProvider time, long start) => default(Instant) + time.GetElapsedTime(start);

    /// <summary>The earlier of two.</summary>
    public static Instant Min(Instant left, Instant right) => left <= right ? left : right;

    /// <summary>The later of two.</summary>
    public static Instant Max(Instant left, Instant right) => left >= right ? left : right;

    /// <inheritdoc/>
    public bool Equals(Instant other) => Nanoseconds == other.Nanoseconds;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Instant other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Nanoseconds.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Seconds since the start, for test output and debuggers.</summary>
    public override string ToString() =>
        this == Never ? "never" : FormattableString.Invariant($"{Nanoseconds / 1e9:0.######} s");

    /// <summary>The instant that much later, at most <see cref="Never"/>, which stays itself.</summary>
    public static Instant operator +(Instant instant, TimeSpan duration) =>
        instant == Never ? Never : new(Saturate((Int128)instant.Nanoseconds + Scale(duration)));

    /// <summary>The instant that much earlier; <see cref="Never"/> stays itself.</summary>
    public static Instant operator -(Instant instant, TimeSpan duration) =>
        instant == Never ? Never : new(Saturate((Int128)instant.Nanoseconds - Scale(duration)));

    /// <summary>The time between two instants, cut to the 100 ns that a <see cref="TimeSpan"/> resolves.</summary>
    public static TimeSpan operator -(Instant left, Instant right) =>
        new((long)(((Int128)left.Nanoseconds - right.Nanoseconds) / NanosecondsPerTick));

    /// <summary>The same moment.</summary>
    public static bool operator ==(Instant left, Instant right) => left.Equals(right);

    /// <summary>Another moment.</summary>
    public static bool operator !=(Instant left, Instant right) => !left.Equals(right);

    /// <summary>Earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Nanoseconds < right.Nanoseconds;

    /// <summary>Later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Nanoseconds > right.Nanoseconds;

    /// <summary>Earlier or the same.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Nanoseconds <= right.Nanoseconds;

    /// <summary>Later or the same.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Nanoseconds >= right.Nanoseconds;

    private static Int128 Scale(TimeSpan duration) => (Int128)duration.Ticks * NanosecondsPerTick;

    private static long Saturate(Int128 nanoseconds) =>
        (long)Int128.Clamp(nanoseconds, long.MinValue, long.MaxValue);
}
