using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

/// <summary>A second twin, for sets too large to look at every entry: asks for each length, the longest first.</summary>
internal sealed class LengthTable
{
    private readonly Dictionary<IpPrefix, ushort> _entries = [];

    public LengthTable(IEnumerable<PrefixEntry> entries)
    {
        foreach (PrefixEntry entry in entries)
            _entries[entry.Prefix] = entry.Value;
    }

    public ushort Find(IpAddress address)
    {
        for (int length = address.BitLength; length >= 0 && address.Family != IpFamily.None; length--)
        {
            if (_entries.TryGetValue(new IpPrefix(address, length), out ushort value))
                return value;
        }
        return 0;
    }
}
