using System.Diagnostics;

namespace VibePN.Benchmarks;

/// <summary>Something that is done to packets, and what was measured of it.</summary>
public sealed class PacketCase
{
    /// <summary>Passes of which allocations are counted, at least.</summary>
    internal const int MemoryPasses = 10;

    private readonly Func<int, long> _work;
    private readonly Action<int>? _prepare;
    private readonly int _mostRepeats;
    private long _sink;
    private double _counted;

    /// <param name="name">What is done.</param>
    /// <param name="unit">What one operation is done to.</param>
    /// <param name="operations">Operations in one repeat.</param>
    /// <param name="work">Repeats so often; the result only keeps the compiler from leaving anything out.</param>
    /// <param name="prepare">Done before, untimed and with its own allocations, for so many repeats.</param>
    /// <param name="mostRepeats">Repeats that can be prepared at once.</param>
    internal PacketCase(
        string name, string unit, int operations, Func<int, long> work, Action<int>? prepare = null, int mostRepeats = int.MaxValue)
    {
        Name = name;
        Unit = unit;
        Operations = operations;
        _work = work;
        _prepare = prepare;
        _mostRepeats = mostRepeats;
    }

    /// <summary>What is done.</summary>
    public string Name { get; }

    internal string Unit { get; }

    internal int Operations { get; }

    /// <summary>Repeats of one call of BenchmarkDotNet.</summary>
    internal int Repeats { get; set; } = 1;

    internal Timing? Time { get; set; }

    /// <summary>Managed bytes that all measured operations together allocated.</summary>
    internal long Allocated { get; private set; }

    internal double AllocatedPerOperation => Allocated / _counted;

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal void Prepare(int repeats) => _prepare?.Invoke(repeats);

    internal void Work(int repeats) => _sink ^= _work(repeats);

    /// <summary>Adds what operations allocated.</summary>
    internal void Count(double operations, long allocated)
    {
        _counted += operations;
        Allocated += allocated;
    }

    /// <summary>How many repeats take about this long.</summary>
    internal int RepeatsFor(TimeSpan time)
    {
        int repeats = 1;
        while (repeats < _mostRepeats && repeats < 1 << 24 && Best(repeats) < time)
            repeats = Math.Min(_mostRepeats, repeats * 2);
        return repeats;
    }

    private TimeSpan Best(int repeats)
    {
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            Prepare(repeats);
            long started = Stopwatch.GetTimestamp();
            Work(repeats);
            TimeSpan taken = Stopwatch.GetElapsedTime(started);
            best = taken < best ? taken : best;
        }
        return best;
    }
}
