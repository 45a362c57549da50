using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>A fixed set of addresses, given as prefixes of either family.</summary>
/// <remarks>Immutable; any thread; asking for an address allocates nothing.</remarks>
public sealed class PrefixSet
{
    private readonly PrefixTable _table;
    private readonly IpAddress[] _firsts;
    private readonly IpAddress[] _lasts;

    private PrefixSet(PrefixTable table, IpAddress[] firsts, IpAddress[] lasts)
    {
        _table = table;
        _firsts = firsts;
        _lasts = lasts;
    }

    /// <summary>The set that holds no address.</summary>
    public static PrefixSet Empty { get; } = Of([]);

    /// <summary>Different prefixes that the set was made of.</summary>
    public int Count => _table.Count;

    /// <summary>All addresses of these prefixes, which may overlap.</summary>
    /// <exception cref="ArgumentException">One of them is the default value.</exception>
    public static PrefixSet Of(ReadOnlySpan<IpPrefix> prefixes)
    {
        var entries = new PrefixEntry[prefixes.Length];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new PrefixEntry(prefixes[i], 1);
        PrefixTable table = PrefixTable.Build(entries);

        IpPrefix[] sorted = prefixes.ToArray();
        Array.Sort(sorted);
        var firsts = new List<IpAddress>();
        var lasts = new List<IpAddress>();
        foreach (IpPrefix prefix in sorted)
        {
            if (lasts.Count > 0 && Joins(lasts[^1], prefix.Address))
            {
                lasts[^1] = prefix.Last > lasts[^1] ? prefix.Last : lasts[^1];
                continue;
            }
            firsts.Add(prefix.Address);
            lasts.Add(prefix.Last);
        }
        return new PrefixSet(table, [.. firsts], [.. lasts]);
    }

    /// <summary>Whether the address is in the set.</summary>
    public bool Contains(IpAddress address) => _table.Find(address) != 0;

    /// <summary>Whether every address of the prefix is in the set, be it by one prefix or by several side by side.</summary>
    public bool Contains(IpPrefix prefix)
    {
        int at = Array.BinarySearch(_firsts, prefix.Address);
        int holding = at >= 0 ? at : ~at - 1;
        return holding >= 0 && _lasts[holding] >= prefix.Last && _lasts[holding].Family == prefix.Family;
    }

    private static bool Joins(IpAddress last, IpAddress next) =>
        last.Family == next.Family && (next <= last || next.Bits - last.Bits == 1);
}
