using System.Diagnostics;
using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Benchmarks;

/// <summary>Nanoseconds of one kind of operation: the best pass and the middle one.</summary>
internal readonly record struct Timing(double Best, double Median)
{
    /// <summary>The better of two, each figure for itself.</summary>
    public static Timing Better(Timing? one, Timing other) => one is not Timing first
        ? other
        : new Timing(Math.Min(first.Best, other.Best), Math.Min(first.Median, other.Median));
}

/// <summary>The short harness: many passes over what was drawn beforehand, timed in slices.</summary>
internal static class QuickHarness
{
    /// <summary>Addresses handed over at once; as many as a packet batch holds.</summary>
    public const int BatchSize = 64;

    private const int SliceSize = 4_096;

    private const int WarmUpPasses = 5;

    private const int SlicesPerPass = 16;

    private static readonly TimeSpan SliceTime = TimeSpan.FromMicroseconds(50);

    /// <summary>One call per address, each independent of the last.</summary>
    public static Timing Single(PrefixTable table, IpAddress[] addresses, int passes) => PerAddress(passes, addresses, some =>
    {
        int sum = 0;
        foreach (ref readonly IpAddress address in some)
            sum += table.Find(address);
        return sum;
    });

    /// <summary>One call per address, each waiting for the last: what a lookup takes alone.</summary>
    public static Timing Dependent(PrefixTable table, IpAddress[] addresses, int passes, int zero) => PerAddress(passes, addresses, some =>
    {
        int last = 0;
        for (int i = 0; i < some.Length; i++)
            last = table.Find(some[i + (last & zero)]);
        return last;
    });

    /// <summary>One call per batch.</summary>
    public static Timing Batch(PrefixTable table, IpAddress[] addresses, int passes)
    {
        ushort[] values = new ushort[BatchSize];
        return PerAddress(passes, addresses, some =>
        {
            int sum = 0;
            for (int i = 0; i < some.Length; i += BatchSize)
            {
                table.Find(some.Slice(i, BatchSize), values);
                sum += values[0];
            }
            return sum;
        });
    }

    /// <summary>Nanoseconds of one call.</summary>
    public static Timing Call(int passes, Func<object> work)
    {
        double[] times = new double[passes];
        for (int pass = -2; pass < passes; pass++)
        {
            long started = Stopwatch.GetTimestamp();
            object result = work();
            double taken = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
            GC.KeepAlive(result);
            if (pass >= 0)
                times[pass] = taken;
        }
        Array.Sort(times);
        return new Timing(times[0], times[passes / 2]);
    }

    /// <summary>One operation many times; what it allocates is added to the case.</summary>
    public static Timing Operation(PacketCase one, int passes)
    {
        int repeats = one.RepeatsFor(SliceTime);
        double operations = (double)repeats * one.Operations;
        double[] whole = new double[passes];
        double best = double.MaxValue;
        long allocated = 0;
        for (int pass = -WarmUpPasses; pass < passes; pass++)
        {
            double sum = 0;
            for (int i = 0; i < SlicesPerPass; i++)
            {
                one.Prepare(repeats);
                long held = GC.GetAllocatedBytesForCurrentThread();
                long started = Stopwatch.GetTimestamp();
                one.Work(repeats);
                double taken = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
                sum += taken;
                if (pass < 0)
                    continue;
                allocated += GC.GetAllocatedBytesForCurrentThread() - held;
                best = Math.Min(best, taken);
            }
            if (pass >= 0)
                whole[pass] = sum / (SlicesPerPass * operations);
        }
        one.Count(passes * SlicesPerPass * operations, allocated);
        Array.Sort(whole);
        return new Timing(best / operations, whole[passes / 2]);
    }

    // Other programs interrupt: a pass is timed in slices much shorter than a turn on the processor. The best is the
    // sum of every slice's best, so all addresses are in it; the median is that of whole passes.
    private static Timing PerAddress(int passes, IpAddress[] addresses, Slice slice)
    {
        int slices = addresses.Length / SliceSize;
        double[] best = new double[slices];
        Array.Fill(best, double.MaxValue);
        double[] whole = new double[passes];
        int sink = 0;
        for (int pass = -WarmUpPasses; pass < passes; pass++)
        {
            double sum = 0;
            for (int i = 0; i < slices; i++)
            {
                long started = Stopwatch.GetTimestamp();
                sink ^= slice(addresses.AsSpan(i * SliceSize, SliceSize));
                double taken = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
                sum += taken;
                if (pass >= 0)
                    best[i] = Math.Min(best[i], taken);
            }
            if (pass >= 0)
                whole[pass] = sum / addresses.Length;
        }
        GC.KeepAlive(sink);
        Array.Sort(whole);
        return new Timing(best.Sum() / addresses.Length, whole[passes / 2]);
    }

    private delegate int Slice(ReadOnlySpan<IpAddress> some);
}
