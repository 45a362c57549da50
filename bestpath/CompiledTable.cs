using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.BestPath;

/// <summary>The compiled table: destination to next hops, longest prefix first. One group for each set of next hops in use.</summary>
internal sealed class CompiledTable : IRouteLookup
{
    private const int BatchSize = 64;

    private readonly PrefixTable _table;

    private CompiledTable(ImmutableArray<NextHopGroup> groups, PrefixTable table, TimeSpan? lifetime)
    {
        Groups = groups;
        _table = table;
        Lifetime = lifetime;
    }

    /// <inheritdoc/>
    public ImmutableArray<NextHopGroup> Groups { get; }

    /// <inheritdoc/>
    public TimeSpan? Lifetime { get; }

    /// <summary>Builds the table from one choice per prefix.</summary>
    /// <exception cref="InvalidOperationException">More sets of next hops than a group index can tell apart.</exception>
    public static CompiledTable Build(List<PathChoice> choices)
    {
        var groups = new List<NextHopGroup> { new([]) };
        var single = new Dictionary<Fingerprint, ushort>();
        var several = new Dictionary<string, ushort>(StringComparer.Ordinal);
        var entries = new PrefixEntry[choices.Count];
        TimeSpan? lifetime = null;
        for (int i = 0; i < entries.Length; i++)
        {
            PathChoice choice = choices[i];
            entries[i] = new PrefixEntry(choice.Best.Prefix, GroupOf(choice.Chosen, groups, single, several));
            if (choice.Lifetime is { } until && (lifetime is null || until < lifetime))
                lifetime = until;
        }
        return new CompiledTable([.. groups], PrefixTable.Build(entries), lifetime);
    }

    /// <inheritdoc/>
    public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups)
    {
        // The table takes addresses in batches, so that its reads from memory overlap.
        Span<IpAddress> destinations = stackalloc IpAddress[BatchSize];
        for (int done = 0; done < keys.Length; done += BatchSize)
        {
            int count = Math.Min(BatchSize, keys.Length - done);
            for (int i = 0; i < count; i++)
                destinations[i] = keys[done + i].Destination;
            _table.Find(destinations[..count], groups[done..]);
        }
    }

    private static ushort GroupOf(
        ImmutableArray<RouteCandidate> chosen, List<NextHopGroup> groups,
        Dictionary<Fingerprint, ushort> single, Dictionary<string, ushort> several)
    {
        if (chosen.Length == 1)
        {
            if (!single.TryGetValue(chosen[0].NextHop, out ushort known))
                single.Add(chosen[0].NextHop, known = Add([new NextHop(chosen[0].NextHop)], groups));
            return known;
        }
        // In the order of fingerprints, so that one set of next hops is one group whichever was best.
        ImmutableArray<NextHop> hops = [.. chosen.Select(route => route.NextHop).Order().Select(peer => new NextHop(peer))];
        string key = string.Concat(hops.Select(hop => hop.Peer.ToString()));
        if (!several.TryGetValue(key, out ushort group))
            several.Add(key, group = Add(hops, groups));
        return group;
    }

    private static ushort Add(ImmutableArray<NextHop> hops, List<NextHopGroup> groups)
    {
        if (groups.Count > ushort.MaxValue - 1)
            throw new InvalidOperationException($"more than {ushort.MaxValue - 1} sets of next hops in one network.");
        groups.Add(new NextHopGroup(hops));
        return (ushort)(groups.Count - 1);
    }
}
