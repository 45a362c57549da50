using System.Runtime.CompilerServices;
using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>Longest-prefix match over a fixed set of IPv4 and IPv6 prefixes.</summary>
/// <remarks>
/// Immutable: any number of threads may look up at once, and a new set is a new table. A lookup allocates
/// nothing and throws nothing. IPv4 is one search. IPv6 is one search too, over the high halves of addresses
/// where no longer prefix than 64 bits is near, and over the low halves inside the /64 with most of them.
/// </remarks>
public sealed class PrefixTable
{
    private const int BatchSize = IntervalTable<uint, ushort>.BatchSize;

    private readonly IntervalTable<uint, ushort> _v4;
    private readonly V6Table _v6;

    private PrefixTable(int count, IntervalTable<uint, ushort> v4, V6Table v6)
    {
        Count = count;
        _v4 = v4;
        _v6 = v6;
    }

    /// <summary>The table in which every lookup answers 0.</summary>
    public static PrefixTable Empty { get; } = Build([]);

    /// <summary>Different prefixes in the table.</summary>
    public int Count { get; }

    /// <summary>Memory that the table holds, in bytes.</summary>
    public long Bytes => _v4.Bytes + _v6.Bytes;

    /// <summary>Whether prefixes cluster so much that some lookups end in a search by halving.</summary>
    internal bool Halves => _v4.Halves || _v6.Halves;

    /// <summary>Builds the table, in O(n) from entries that are sorted by prefix and in O(n log n) from others.</summary>
    /// <param name="entries">In any order. Where a prefix stands twice, the later entry counts.</param>
    /// <exception cref="ArgumentException">An entry has the value 0, or the default value for a prefix.</exception>
    public static PrefixTable Build(ReadOnlySpan<PrefixEntry> entries)
    {
        ReadOnlySpan<PrefixEntry> sorted = SortedEntries.Of(entries);
        int v4Count = 0;
        while (v4Count < sorted.Length && sorted[v4Count].Prefix.Family == IpFamily.V4)
            v4Count++;
        return new PrefixTable(sorted.Length, BuildV4(sorted[..v4Count]), V6Table.Build(sorted[v4Count..]));
    }

    /// <summary>The value of the longest prefix that holds the address.</summary>
    /// <returns>0 when none does, and for the default address.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort Find(IpAddress address)
    {
        UInt128 bits = address.Bits;
        if (address.Family == IpFamily.V4)
            return _v4.Find((uint)(ulong)bits);
        return address.Family == IpFamily.V6 ? _v6.Find((ulong)(bits >> 64), (ulong)bits) : (ushort)0;
    }

    /// <summary>Looks up several addresses.</summary>
    /// <param name="addresses">Of either family, in any order.</param>
    /// <param name="values">Receives one value for each address; at least as long.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> is shorter than <paramref name="addresses"/>.</exception>
    public void Find(ReadOnlySpan<IpAddress> addresses, Span<ushort> values)
    {
        if (values.Length < addresses.Length)
            throw new ArgumentException("There is less room for values than there are addresses.", nameof(values));
        for (int done = 0; done < addresses.Length; done += BatchSize)
        {
            int count = Math.Min(BatchSize, addresses.Length - done);
            FindSome(addresses.Slice(done, count), values.Slice(done, count));
        }
    }

    // Traffic of one family, the rule, goes through together; a mixture one by one.
    private void FindSome(ReadOnlySpan<IpAddress> addresses, Span<ushort> values)
    {
        IpFamily family = addresses[0].Family;
        if (family == IpFamily.V4 ? FindV4(addresses, values) : family == IpFamily.V6 && _v6.FindAll(addresses, values))
            return;
        for (int i = 0; i < addresses.Length; i++)
            values[i] = Find(addresses[i]);
    }

    private bool FindV4(ReadOnlySpan<IpAddress> addresses, Span<ushort> values)
    {
        Span<uint> keys = stackalloc uint[BatchSize];
        keys = keys[..addresses.Length];
        int others = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = (uint)(ulong)addresses[i].Bits;
            others |= (int)addresses[i].Family ^ (int)IpFamily.V4;
        }
        if (others != 0)
            return false;
        _v4.FindAll(keys, values);
        return true;
    }

    private static IntervalTable<uint, ushort> BuildV4(ReadOnlySpan<PrefixEntry> entries)
    {
        using var boundaries = new Boundaries(uint.MaxValue, outside: 0, entries.Length);
        foreach (ref readonly PrefixEntry entry in entries)
        {
            uint first = (uint)(ulong)entry.Prefix.Address.Bits;
            boundaries.Add(first, first | (uint)((ulong)uint.MaxValue >> entry.Prefix.Length), entry.Value);
        }
        boundaries.Finish();
        using var builder = new IntervalTableBuilder<uint, ushort>();
        return builder.Build(main: builder.Add(boundaries));
    }
}
