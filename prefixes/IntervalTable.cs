using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VibePN.Prefixes;

/// <summary>A range of keys that stands for a prefix.</summary>
/// <param name="First">Its first key.</param>
/// <param name="Last">Its last key.</param>
/// <param name="Rank">Of two ranges that share keys the one with the higher rank lies inside the other and wins.</param>
/// <param name="Value">What its keys find.</param>
internal readonly record struct KeyRange(ulong First, ulong Last, int Rank, int Value);

/// <summary>A windowed interval table: predecessor search over the boundaries at which the answer changes.</summary>
/// <remarks>
/// <para>
/// Nested ranges become elementary intervals: sorted first keys and, beside them, the answers. The window from
/// the lowest to the highest key of any range that is not the whole key space is cut into equal buckets, about
/// two per boundary; a directory holds, for each bucket, the boundary in force at its start. Keys outside the
/// window are settled by one comparison. So the cost does not depend on prefix lengths, and a few hundred hosts
/// of one subnet take a few kilobytes.
/// </para>
/// <para>
/// Within a bucket the search halves until at most eight boundaries are left, which one vector comparison
/// settles. Evenly spread prefixes need no halving; however an adversary clusters them, a lookup costs at most
/// log2 of the boundary count.
/// </para>
/// </remarks>
internal sealed class IntervalTable
{
    /// <summary>Boundaries compared at once, and so the entries of padding behind the last one.</summary>
    internal const int Lanes = 8;

    private const int MinDirectoryBits = 4;
    private const int MaxDirectoryBits = 20;

    private readonly ulong[] _starts;
    private readonly int[] _values;
    private readonly int[] _directory;
    private readonly ulong _low;
    private readonly ulong _span;
    private readonly int _shift;
    private readonly int _outside;

    private IntervalTable(ulong[] starts, int[] values, int[] directory, ulong low, ulong span, int shift, int outside)
    {
        _starts = starts;
        _values = values;
        _directory = directory;
        _low = low;
        _span = span;
        _shift = shift;
        _outside = outside;
    }

    /// <summary>Builds the table; the ranges are sorted in place.</summary>
    /// <param name="ranges">Nested or disjoint, none equal to another in both keys and rank.</param>
    /// <param name="maxKey">The largest key there is.</param>
    /// <param name="outside">The answer for keys in no range.</param>
    public static IntervalTable Build(List<KeyRange> ranges, ulong maxKey, int outside)
    {
        ranges.Sort(static (a, b) => a.First != b.First ? a.First.CompareTo(b.First) : a.Rank.CompareTo(b.Rank));
        ulong low = ulong.MaxValue, high = 0;
        foreach (ref readonly KeyRange range in CollectionsMarshal.AsSpan(ranges))
        {
            if (range.First == 0 && range.Last == maxKey)
            {
                outside = range.Value;
                continue;
            }
            low = Math.Min(low, range.First);
            high = Math.Max(high, range.Last);
        }
        if (low > high)
            return new IntervalTable(new ulong[1 + Lanes], [outside], [0, 0], 0, 0, 0, outside);

        (ulong[] starts, int[] values) = Flatten(CollectionsMarshal.AsSpan(ranges), maxKey, high, outside);
        int bits = Math.Clamp(BitOperations.Log2((uint)values.Length) + 1, MinDirectoryBits, MaxDirectoryBits);
        ulong span = high - low;
        int shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount(span) - bits);
        int[] directory = Index(starts.AsSpan(0, values.Length), low, (int)(span >> shift) + 1, shift);
        return new IntervalTable(starts, values, directory, low, span, shift, outside);
    }

    /// <summary>The answer for a key. Never throws, allocates nothing.</summary>
    public int Find(ulong key)
    {
        ulong offset = key - _low;
        if (offset > _span)
            return _outside;
        int bucket = (int)(offset >> _shift);
        // The interval wanted is one of low..high: a bucket's last candidate is the one in force when the next begins.
        int low = _directory[bucket];
        int high = _directory[bucket + 1];
        ulong[] starts = _starts;
        while (high - low > Lanes)
        {
            int middle = (int)((uint)(low + high + 1) >> 1);
            if (starts[middle] <= key)
                low = middle;
            else
                high = middle - 1;
        }
        if (high == low)
            return _values[low];
        // The padding is the largest key, which an address may equal: hence the minimum.
        return _values[Math.Min(low + CountUpTo(starts.AsSpan(low + 1, Lanes), key), high)];
    }

    // Left of the first and right of the last key of any range all is "outside", so only the window is kept.
    private static (ulong[] Starts, int[] Values) Flatten(
        ReadOnlySpan<KeyRange> ranges, ulong maxKey, ulong high, int outside)
    {
        var starts = new List<ulong>(2 * ranges.Length);
        var values = new List<int>(2 * ranges.Length);
        var open = new Stack<KeyRange>();
        open.Push(new KeyRange(0, maxKey, -1, outside));
        foreach (ref readonly KeyRange range in ranges)
        {
            if (range.First == 0 && range.Last == maxKey)
                continue;
            CloseBefore(range.First);
            Begin(range.First, range.Value);
            open.Push(range);
        }
        CloseBefore(high);

        ulong[] padded = new ulong[starts.Count + Lanes];
        starts.CopyTo(padded);
        padded.AsSpan(starts.Count).Fill(ulong.MaxValue);
        return (padded, [.. values]);

        void CloseBefore(ulong key)
        {
            while (open.Count > 1 && open.Peek().Last < key)
            {
                KeyRange closed = open.Pop();
                Begin(closed.Last + 1, open.Peek().Value);
            }
        }

        void Begin(ulong start, int value)
        {
            if (starts.Count > 0 && starts[^1] == start)
            {
                starts.RemoveAt(starts.Count - 1);
                values.RemoveAt(values.Count - 1);
            }
            if (values.Count > 0 && values[^1] == value)
                return;
            starts.Add(start);
            values.Add(value);
        }
    }

    private static int[] Index(ReadOnlySpan<ulong> starts, ulong low, int buckets, int shift)
    {
        int[] directory = new int[buckets + 1];
        int at = 0;
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            ulong first = low + ((ulong)bucket << shift);
            while (at + 1 < starts.Length && starts[at + 1] <= first)
                at++;
            directory[bucket] = at;
        }
        directory[buckets] = starts.Length - 1;
        return directory;
    }

    // starts is sorted, so how many are not above the key is also which one is in force.
    private static int CountUpTo(ReadOnlySpan<ulong> starts, ulong key)
    {
        // The general 512-bit property is false on some processors where the instructions work and help.
        if (Avx512F.IsSupported)
            return CountUpTo512(starts, key);
        return Vector256.IsHardwareAccelerated ? CountUpTo256(starts, key) : CountUpToScalar(starts, key);
    }

    /// <summary>How many of eight sorted keys are not above <paramref name="key"/>, eight at a time.</summary>
    internal static int CountUpTo512(ReadOnlySpan<ulong> starts, ulong key) => BitOperations.PopCount(
        Vector512.LessThanOrEqual(Vector512.Create(starts), Vector512.Create(key)).ExtractMostSignificantBits());

    /// <summary>How many of eight sorted keys are not above <paramref name="key"/>, four at a time.</summary>
    internal static int CountUpTo256(ReadOnlySpan<ulong> starts, ulong key)
    {
        Vector256<ulong> wanted = Vector256.Create(key);
        uint low = Vector256.LessThanOrEqual(Vector256.Create(starts), wanted).ExtractMostSignificantBits();
        uint high = Vector256.LessThanOrEqual(Vector256.Create(starts[4..]), wanted).ExtractMostSignificantBits();
        return BitOperations.PopCount(low | (high << 4));
    }

    /// <summary>How many of eight sorted keys are not above <paramref name="key"/>, one at a time.</summary>
    internal static int CountUpToScalar(ReadOnlySpan<ulong> starts, ulong key)
    {
        int count = 0;
        for (int i = 0; i < Lanes; i++)
            count += starts[i] <= key ? 1 : 0;
        return count;
    }
}
