using System.Runtime.CompilerServices;
using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>Longest-prefix match over the two halves of IPv6 addresses.</summary>
/// <remarks>
/// Prefixes of at most 64 bits are one table over high halves. Each /64 that holds longer ones has a window over
/// low halves, in which the best prefix of at most 64 bits is what lies outside. The /64 with most of them, in an
/// overlay often the only one, is known by one comparison; where there are others, a table says which.
/// </remarks>
internal sealed class V6Table
{
    private const int BatchSize = IntervalTable<ulong, ushort>.BatchSize;

    private readonly IntervalTable<ulong, ushort> _short;
    private readonly IntervalTable<ulong, ushort> _long;
    // One more than the number of the window in _long; null where the main one is the only one.
    private readonly IntervalTable<ulong, int>? _halves;
    private readonly ulong _mainHalf;
    private readonly bool _hasMain;

    private V6Table(
        IntervalTable<ulong, ushort> shortPrefixes, IntervalTable<ulong, ushort> longPrefixes,
        IntervalTable<ulong, int>? halves, ulong? mainHalf)
    {
        _short = shortPrefixes;
        _long = longPrefixes;
        _halves = halves;
        _hasMain = mainHalf is not null;
        _mainHalf = mainHalf ?? 0;
    }

    /// <summary>Memory that the table holds.</summary>
    public long Bytes => _short.Bytes + _long.Bytes + (_halves?.Bytes ?? 0);

    /// <summary>Whether some lookups end in a search by halving.</summary>
    public bool Halves => _short.Halves || _long.Halves || _halves is { Halves: true };

    /// <summary>Builds the table from IPv6 entries sorted by prefix.</summary>
    public static V6Table Build(ReadOnlySpan<PrefixEntry> entries)
    {
        using var shorts = new Boundaries(ulong.MaxValue, outside: 0, entries.Length);
        using var inside = new Boundaries(ulong.MaxValue, outside: 0, expectedRanges: 8);
        using var halves = new Boundaries(ulong.MaxValue, outside: 0, expectedRanges: 8);
        using var longs = new IntervalTableBuilder<ulong, ushort>();
        int windows = 0, main = 0, mainCount = 0;
        ulong mainHalf = 0;
        for (int i = 0; i < entries.Length;)
        {
            IpPrefix prefix = entries[i].Prefix;
            ulong half = High(prefix.Address);
            if (prefix.Length <= 64)
            {
                shorts.Add(half, half | Below(prefix.Length), entries[i].Value);
                i++;
                continue;
            }
            // Sorted by address, then length: the shorter prefixes of this /64 came before.
            inside.Restart(shorts.CloseBefore(half));
            int from = i;
            for (; i < entries.Length && High(entries[i].Prefix.Address) == half; i++)
            {
                ulong first = (ulong)entries[i].Prefix.Address.Bits;
                inside.Add(first, first | Below(entries[i].Prefix.Length - 64), entries[i].Value);
            }
            inside.Finish();
            int window = longs.Add(inside);
            halves.Add(half, half, window + 1);
            windows++;
            if (i - from > mainCount)
                (mainHalf, main, mainCount) = (half, window, i - from);
        }
        shorts.Finish();
        halves.Finish();
        if (windows == 0)
            longs.Add(inside);
        return new V6Table(Table<ushort>(shorts), longs.Build(main), windows > 1 ? Table<int>(halves) : null, windows > 0 ? mainHalf : null);
    }

    /// <summary>The value of the longest prefix, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort Find(ulong high, ulong low)
    {
        if (high == _mainHalf && _hasMain)
            return _long.Find(low);
        return _halves is null ? _short.Find(high) : FindByHalf(_halves, high, low);
    }

    /// <summary>Looks up at most 64 addresses.</summary>
    /// <returns>False, with nothing looked up, unless one table is right for all of them.</returns>
    public bool FindAll(ReadOnlySpan<IpAddress> addresses, Span<ushort> values)
    {
        Span<ulong> buffer = stackalloc ulong[BatchSize];
        ReadOnlySpan<ulong> keys = buffer[..addresses.Length];
        if (_hasMain && (ulong)(addresses[0].Bits >> 64) == _mainHalf)
        {
            if (!AreIn(_mainHalf, addresses, buffer))
                return false;
            _long.FindAll(keys, values);
            return true;
        }
        if (_halves is not null || !AreShort(addresses, buffer))
            return false;
        _short.FindAll(keys, values);
        return true;
    }

    // Collects the low halves; false where another half, or another family, is among them.
    private static bool AreIn(ulong half, ReadOnlySpan<IpAddress> addresses, Span<ulong> lows)
    {
        ulong others = 0;
        for (int i = 0; i < addresses.Length; i++)
        {
            UInt128 bits = addresses[i].Bits;
            lows[i] = (ulong)bits;
            others |= ((ulong)(bits >> 64) ^ half) | (ulong)(addresses[i].Family ^ IpFamily.V6);
        }
        return others == 0;
    }

    // Collects the high halves; false where the main one, or another family, is among them.
    private bool AreShort(ReadOnlySpan<IpAddress> addresses, Span<ulong> highs)
    {
        bool others = false;
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong high = (ulong)(addresses[i].Bits >> 64);
            highs[i] = high;
            others |= addresses[i].Family != IpFamily.V6;
            others |= high == _mainHalf & _hasMain;
        }
        return !others;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ushort FindByHalf(IntervalTable<ulong, int> halves, ulong high, ulong low)
    {
        int window = halves.Find(high);
        return window != 0 ? _long.FindIn(window - 1, low) : _short.Find(high);
    }

    private static IntervalTable<ulong, TAnswer> Table<TAnswer>(Boundaries boundaries)
        where TAnswer : unmanaged, System.Numerics.IBinaryInteger<TAnswer>
    {
        using var builder = new IntervalTableBuilder<ulong, TAnswer>();
        return builder.Build(main: builder.Add(boundaries));
    }

    private static ulong High(IpAddress address) => (ulong)(address.Bits >> 64);

    // A shift of 64 bits by 64 is a shift by 0 in C#.
    private static ulong Below(int length) => length == 64 ? 0 : ulong.MaxValue >> length;
}
