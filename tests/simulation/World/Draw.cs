namespace VibePN.Simulation.World;

/// <summary>A stream of random numbers for one purpose. Streams of different purposes know nothing of each other.</summary>
/// <remarks>
/// SplitMix64: tiny, and the same on every machine. A draw that is added for one purpose therefore leaves all the
/// others as they were, and most failing seeds go on failing while a test is being written.
/// </remarks>
internal sealed class Draw(ulong state)
{
    private ulong _state = state;

    /// <summary>The stream of a seed for a purpose, and perhaps for one of several things of that purpose.</summary>
    public static Draw For(long seed, string purpose, long first = 0, long second = 0)
    {
        ulong state = Mix((ulong)seed + 0x5851_F42D_4C95_7F2D);
        foreach (char letter in purpose)
            state = Mix(state ^ letter);
        return new Draw(Mix(Mix(state ^ (ulong)first) ^ (ulong)second));
    }

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        return Mix(_state);
    }

    /// <summary>A number from 0 up to the bound, the bound left out; 0 for a bound of 0.</summary>
    public int Below(int bound) => bound <= 0 ? 0 : (int)(((UInt128)Next() * (ulong)bound) >> 64);

    /// <summary>A number of both bounds' range, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>A duration in nanoseconds, uniform between two numbers of milliseconds.</summary>
    public long Time(double lowMs, double highMs) => (long)((lowMs + ((highMs - lowMs) * Share())) * 1e6);

    /// <summary>A fraction from 0 to 1, 1 left out.</summary>
    public double Share() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True in so large a share of the cases.</summary>
    public bool Chance(double share) => share > 0 && Share() < share;

    /// <summary>One of the items.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>The items in another order.</summary>
    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        for (int i = shuffled.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (shuffled[i], shuffled[j]) = (shuffled[j], shuffled[i]);
        }
        return shuffled;
    }

    private static ulong Mix(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
