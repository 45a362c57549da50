using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>Longest-prefix match over a fixed set of IPv4 and IPv6 prefixes.</summary>
/// <remarks>
/// Immutable: any number of threads may look up at once, and a new set is a new table. A lookup allocates
/// nothing and throws nothing. IPv6 takes two steps, one for each half of the address, and the second only
/// where a prefix longer than 64 bits lies inside the address's /64.
/// </remarks>
public sealed class PrefixTable
{
    private readonly IntervalTable _v4;
    private readonly IntervalTable _v6;
    private readonly IntervalTable[] _v6Low;

    private PrefixTable(int count, IntervalTable v4, IntervalTable v6, IntervalTable[] v6Low)
    {
        Count = count;
        _v4 = v4;
        _v6 = v6;
        _v6Low = v6Low;
    }

    /// <summary>The table in which every lookup answers 0.</summary>
    public static PrefixTable Empty { get; } = Build([]);

    /// <summary>Different prefixes in the table.</summary>
    public int Count { get; }

    /// <summary>Builds the table in O(n log n).</summary>
    /// <param name="entries">In any order. Where a prefix stands twice, the later entry counts.</param>
    /// <exception cref="ArgumentException">An entry has the value 0, or the default value for a prefix.</exception>
    public static PrefixTable Build(ReadOnlySpan<PrefixEntry> entries)
    {
        PrefixEntry[] distinct = SortDistinct(entries);
        int v4Count = 0;
        while (v4Count < distinct.Length && distinct[v4Count].Prefix.Family == IpFamily.V4)
            v4Count++;

        var v4 = new List<KeyRange>(v4Count);
        foreach (ref readonly PrefixEntry entry in distinct.AsSpan(0, v4Count))
        {
            v4.Add(new KeyRange(
                (ulong)entry.Prefix.Address.Bits, (ulong)entry.Prefix.Last.Bits, entry.Prefix.Length, entry.Value));
        }
        (IntervalTable v6, IntervalTable[] v6Low) = BuildV6(distinct.AsSpan(v4Count));
        return new PrefixTable(distinct.Length, IntervalTable.Build(v4, uint.MaxValue, outside: 0), v6, v6Low);
    }

    /// <summary>The value of the longest prefix that holds the address.</summary>
    /// <returns>0 when none does, and for the default address.</returns>
    public ushort Find(IpAddress address)
    {
        UInt128 bits = address.Bits;
        if (address.Family == IpFamily.V4)
            return (ushort)_v4.Find((ulong)bits);
        if (address.Family != IpFamily.V6)
            return 0;
        int found = _v6.Find((ulong)(bits >> 64));
        return found >= 0 ? (ushort)found : (ushort)_v6Low[~found].Find((ulong)bits);
    }

    /// <summary>Looks up several addresses.</summary>
    /// <param name="addresses">Of either family, in any order.</param>
    /// <param name="values">Receives one value for each address; at least as long.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> is shorter than <paramref name="addresses"/>.</exception>
    public void Find(ReadOnlySpan<IpAddress> addresses, Span<ushort> values)
    {
        if (values.Length < addresses.Length)
            throw new ArgumentException("There is less room for values than there are addresses.", nameof(values));
        for (int i = 0; i < addresses.Length; i++)
            values[i] = Find(addresses[i]);
    }

    // Stage one is keyed by the high 64 bits. A /64 that holds longer prefixes gets, in stage one, the number
    // ~i of a table over the low 64 bits, in which the best prefix of at most 64 bits is what lies outside.
    private static (IntervalTable High, IntervalTable[] Low) BuildV6(ReadOnlySpan<PrefixEntry> entries)
    {
        var high = new List<KeyRange>();
        var longer = new List<PrefixEntry>();
        foreach (ref readonly PrefixEntry entry in entries)
        {
            if (entry.Prefix.Length > 64)
                longer.Add(entry);
            else
                high.Add(new KeyRange(High(entry.Prefix.Address), High(entry.Prefix.Last), entry.Prefix.Length, entry.Value));
        }
        IntervalTable short64 = IntervalTable.Build(high, ulong.MaxValue, outside: 0);
        if (longer.Count == 0)
            return (short64, []);

        var low = new List<IntervalTable>();
        var ranges = new List<KeyRange>();
        for (int start = 0; start < longer.Count;)
        {
            ulong half = High(longer[start].Prefix.Address);
            ranges.Clear();
            int end = start;
            for (; end < longer.Count && High(longer[end].Prefix.Address) == half; end++)
            {
                IpPrefix prefix = longer[end].Prefix;
                ranges.Add(new KeyRange((ulong)prefix.Address.Bits, (ulong)prefix.Last.Bits, prefix.Length, longer[end].Value));
            }
            high.Add(new KeyRange(half, half, Rank: 65, ~low.Count));
            low.Add(IntervalTable.Build(ranges, ulong.MaxValue, outside: short64.Find(half)));
            start = end;
        }
        return (IntervalTable.Build(high, ulong.MaxValue, outside: 0), [.. low]);
    }

    private static ulong High(IpAddress address) => (ulong)(address.Bits >> 64);

    private static PrefixEntry[] SortDistinct(ReadOnlySpan<PrefixEntry> entries)
    {
        foreach (ref readonly PrefixEntry entry in entries)
        {
            if (entry.Value == 0 || entry.Prefix.Family == IpFamily.None)
                throw new ArgumentException($"The prefix {entry.Prefix} cannot stand for the value {entry.Value}.", nameof(entries));
        }
        PrefixEntry[] sorted = entries.ToArray();
        int[] order = new int[sorted.Length];
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        // The sort is not stable, so the position decides between equal prefixes.
        sorted.AsSpan().Sort(order.AsSpan(), static (a, b) => a.Prefix.CompareTo(b.Prefix));
        int kept = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            if (kept > 0 && sorted[kept - 1].Prefix == sorted[i].Prefix)
            {
                if (order[i] > order[kept - 1])
                    (sorted[kept - 1], order[kept - 1]) = (sorted[i], order[i]);
                continue;
            }
            (sorted[kept], order[kept]) = (sorted[i], order[i]);
            kept++;
        }
        return kept == sorted.Length ? sorted : sorted[..kept];
    }
}
