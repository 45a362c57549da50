using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>Brings entries into the order that tables are built from.</summary>
internal static class SortedEntries
{
    /// <summary>The entries sorted by prefix, each prefix once, the later entry of equal ones.</summary>
    /// <returns>The entries themselves where nothing was to do, as when a routing policy sorted them.</returns>
    /// <exception cref="ArgumentException">An entry has the value 0, or the default value for a prefix.</exception>
    public static ReadOnlySpan<PrefixEntry> Of(ReadOnlySpan<PrefixEntry> entries)
    {
        bool ascending = true;
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i].Value == 0 || entries[i].Prefix.Family == IpFamily.None)
            {
                throw new ArgumentException(
                    $"The prefix {entries[i].Prefix} cannot stand for the value {entries[i].Value}.", nameof(entries));
            }
            ascending &= i == 0 || entries[i - 1].Prefix < entries[i].Prefix;
        }
        return ascending ? entries : Sort(entries);
    }

    private static ReadOnlySpan<PrefixEntry> Sort(ReadOnlySpan<PrefixEntry> entries)
    {
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
        return sorted.AsSpan(0, kept);
    }
}
