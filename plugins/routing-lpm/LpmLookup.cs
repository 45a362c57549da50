using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>The compiled table: destination to next hop. One group for each peer that is a next hop.</summary>
internal sealed class LpmLookup : IRouteLookup
{
    private const int BatchSize = 64;

    private readonly PrefixTable _table;

    private LpmLookup(ImmutableArray<NextHopGroup> groups, PrefixTable table)
    {
        Groups = groups;
        _table = table;
    }

    /// <inheritdoc/>
    public ImmutableArray<NextHopGroup> Groups { get; }

    /// <summary>Builds the table from one route per prefix.</summary>
    /// <exception cref="InvalidOperationException">More next hops than a group index can tell apart.</exception>
    public static LpmLookup Build(List<RouteCandidate> best)
    {
        // Numbered in the order of fingerprints, so that the table is a function of the set of routes.
        Fingerprint[] hops = [.. best.Select(route => route.NextHop).Distinct().Order()];
        if (hops.Length > ushort.MaxValue - 1)
            throw new InvalidOperationException($"{hops.Length} next hops in one network; a table holds {ushort.MaxValue - 1}.");

        var groups = ImmutableArray.CreateBuilder<NextHopGroup>(hops.Length + 1);
        groups.Add(new NextHopGroup([]));
        var groupOf = new Dictionary<Fingerprint, ushort>(hops.Length);
        foreach (Fingerprint hop in hops)
        {
            groupOf[hop] = (ushort)groups.Count;
            groups.Add(new NextHopGroup([new NextHop(hop)]));
        }
        var entries = new PrefixEntry[best.Count];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new PrefixEntry(best[i].Prefix, groupOf[best[i].NextHop]);
        return new LpmLookup(groups.MoveToImmutable(), PrefixTable.Build(entries));
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
}
