using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>What another routing policy would change, destination by destination.</summary>
internal static class RouteDifferences
{
    private const string Nowhere = "unreachable";

    /// <summary>Compares the tables that packets use with those of a trial.</summary>
    /// <param name="before">The node's networks.</param>
    /// <param name="after">The shadow that the trial left.</param>
    /// <param name="nameOf">A peer's name.</param>
    /// <param name="now">The time.</param>
    /// <returns>By network, then prefix. Destinations that take the same way are left out.</returns>
    public static ImmutableArray<RouteChange> Between(
        NetworkSet before, NetworkSet after, Func<Fingerprint, string> nameOf, Instant now)
    {
        ImmutableArray<RouteChange>.Builder changes = ImmutableArray.CreateBuilder<RouteChange>();
        foreach (OverlayNetwork network in after.All)
        {
            OverlayNetwork? old = before.Find(network.Configuration.Name);
            IpPrefix[] prefixes =
            [
                .. network.Routes.Candidates(now).Concat(old?.Routes.Candidates(now) ?? [])
                    .Select(candidate => candidate.Prefix).Distinct().Order(),
            ];
            foreach ((IpPrefix prefix, IpAddress inside) in Elementary(prefixes))
            {
                string left = WayOf(old?.Lookup, inside, nameOf);
                string right = WayOf(network.Lookup, inside, nameOf);
                if (left != right)
                    changes.Add(new RouteChange(network.Configuration.Name, prefix, left, right));
            }
        }
        return changes.ToImmutable();
    }

    /// <summary>Each prefix with an address that belongs to no longer one; those without such an address are left out.</summary>
    /// <param name="prefixes">Sorted by address, then length, without repetitions.</param>
    internal static IEnumerable<(IpPrefix Prefix, IpAddress Inside)> Elementary(IpPrefix[] prefixes)
    {
        for (int i = 0; i < prefixes.Length; i++)
        {
            IpPrefix prefix = prefixes[i];
            IpAddress free = prefix.Address;
            bool full = false;
            // Those inside it follow it in order; each takes what lies between the first free address and its end.
            for (int inner = i + 1; inner < prefixes.Length && prefix.Contains(prefixes[inner]) && !full; inner++)
            {
                if (prefixes[inner].Address > free)
                    break;
                if (prefixes[inner].Last < free)
                    continue;
                full = prefixes[inner].Last == prefix.Last;
                free = full ? free : Next(prefixes[inner].Last);
            }
            if (!full)
                yield return (prefix, free);
        }
    }

    private static IpAddress Next(IpAddress address) => address.Family == IpFamily.V4
        ? IpAddress.FromV4((uint)address.Bits + 1)
        : IpAddress.FromV6(address.Bits + 1);

    private static string WayOf(IRouteLookup? lookup, IpAddress destination, Func<Fingerprint, string> nameOf)
    {
        if (lookup is null)
            return Nowhere;
        var group = new ushort[1];
        lookup.Find([new PacketKey(default, destination, 0, 0, 0, 0)], group);
        ImmutableArray<NextHop> hops = lookup.Groups[group[0]].Hops;
        return hops.IsDefaultOrEmpty
            ? Nowhere
            : string.Join('+', hops
                .Select(hop => hop.Weight == 1 ? nameOf(hop.Peer) : $"{nameOf(hop.Peer)}*{hop.Weight}")
                .Order(StringComparer.Ordinal));
    }
}
