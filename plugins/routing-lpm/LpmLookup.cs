using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>The compiled table: destination to next hops. One group for each set of next hops that some prefix uses.</summary>
internal sealed class LpmLookup : IRouteLookup
{
    private readonly PrefixTable _table;

    private LpmLookup(ImmutableArray<NextHopGroup> groups, PrefixTable table)
    {
        Groups = groups;
        _table = table;
    }

    /// <inheritdoc/>
    public ImmutableArray<NextHopGroup> Groups { get; }

    /// <summary>Builds the table from the selections of all prefixes.</summary>
    /// <exception cref="InvalidOperationException">More sets of next hops than a group index can tell apart.</exception>
    public static LpmLookup Build(IEnumerable<Selection> selections)
    {
        // Selections come sorted, so the numbers are a function of the set of routes.
        var groups = ImmutableArray.CreateBuilder<NextHopGroup>();
        groups.Add(new NextHopGroup([]));
        var numbers = new Dictionary<HopSet, ushort>();
        var entries = new List<PrefixEntry>();
        foreach (Selection selection in selections)
        {
            if (selection.Chosen.IsEmpty)
                continue;
            var hops = new HopSet([.. selection.Chosen.Select(route => route.NextHop)]);
            if (!numbers.TryGetValue(hops, out ushort number))
            {
                if (groups.Count > ushort.MaxValue - 1)
                    throw new InvalidOperationException($"More sets of next hops in one network than the {ushort.MaxValue - 1} a table holds.");
                number = (ushort)groups.Count;
                numbers.Add(hops, number);
                groups.Add(selection.Group);
            }
            entries.Add(new PrefixEntry(selection.Prefix, number));
        }
        return new LpmLookup(groups.ToImmutable(), PrefixTable.Build(entries.ToArray()));
    }

    /// <inheritdoc/>
    public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups)
    {
        for (int i = 0; i < keys.Length; i++)
            groups[i] = _table.Find(keys[i].Destination);
    }

    /// <summary>Next hops in their order, comparable as a whole.</summary>
    private readonly struct HopSet(ImmutableArray<Fingerprint> hops) : IEquatable<HopSet>
    {
        private readonly ImmutableArray<Fingerprint> _hops = hops;

        public bool Equals(HopSet other) => _hops.AsSpan().SequenceEqual(other._hops.AsSpan());

        public override bool Equals(object? obj) => obj is HopSet other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (Fingerprint hop in _hops)
                hash.Add(hop);
            return hash.ToHashCode();
        }
    }
}
