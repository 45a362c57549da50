using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

/// <summary>The naive twin: looks at every entry.</summary>
internal sealed class LinearTable(IReadOnlyList<PrefixEntry> entries)
{
    public ushort Find(IpAddress address)
    {
        int best = -1;
        ushort value = 0;
        foreach (PrefixEntry entry in entries)
        {
            // "Not shorter" makes the later of two equal prefixes win.
            if (entry.Prefix.Contains(address) && entry.Prefix.Length >= best)
                (best, value) = (entry.Prefix.Length, entry.Value);
        }
        return value;
    }
}
