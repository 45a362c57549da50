using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Policy;

/// <summary>Whether an overlay takes packets from networks that the machine reaches without it.</summary>
/// <remarks>
/// The kernel sends a packet by its longest prefix. So what is wider than a route of the machine leaves that route alone,
/// and what is equal to it or lies within it would take its packets away. Default routes are there to be overridden.
/// Any thread.
/// </remarks>
public static class OverlapCheck
{
    /// <summary>What stands against opening a network, and what to do; null when nothing does, or the operator allows it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="routes">The machine's own routes.</param>
    public static string? Against(NetworkConfiguration network, IEnumerable<MachineRoute> routes)
    {
        ArgumentNullException.ThrowIfNull(network);
        foreach (IpPrefix prefix in Subnets(network))
        {
            if (Against(network, prefix, routes) is { } words)
            {
                return $"its subnet {prefix} {words}. "
                    + "Use another subnet, or write overlap = \"allow\" if that is meant.";
            }
        }
        return null;
    }

    /// <summary>What stands against a prefix of a network, in a clause; null when nothing does, or the operator allows it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="prefix">A prefix of it, or one that a peer announces in it.</param>
    /// <param name="routes">The machine's own routes.</param>
    public static string? Against(NetworkConfiguration network, IpPrefix prefix, IEnumerable<MachineRoute> routes)
    {
        ArgumentNullException.ThrowIfNull(network);
        return network.Overlap == OverlapRule.Refuse && CapturedBy(prefix, routes) is { } route
            ? $"would take packets from {Describe(route)}"
            : null;
    }

    /// <summary>What an open network takes from the machine because the operator allows it, a sentence for each subnet.</summary>
    /// <param name="network">The network.</param>
    /// <param name="routes">The machine's own routes.</param>
    public static IEnumerable<string> TakenBy(NetworkConfiguration network, IEnumerable<MachineRoute> routes)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.Overlap != OverlapRule.Allow)
            yield break;
        foreach (IpPrefix prefix in Subnets(network))
        {
            if (CapturedBy(prefix, routes) is { } route)
                yield return $"its subnet {prefix} takes packets from {Describe(route)} (overlap = \"allow\")";
        }
    }

    /// <summary>Where the subnets of two networks of ours meet.</summary>
    /// <returns>The two subnets, the first network's first; null when they are apart.</returns>
    public static (IpPrefix First, IpPrefix Second)? Between(NetworkConfiguration first, NetworkConfiguration second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        foreach (IpPrefix one in Subnets(first))
        {
            foreach (IpPrefix other in Subnets(second))
            {
                if (one.Overlaps(other))
                    return (one, other);
            }
        }
        return null;
    }

    private static IEnumerable<IpPrefix> Subnets(NetworkConfiguration network) =>
        new[] { network.Prefix, network.Prefix6 }.OfType<IpPrefix>();

    private static MachineRoute? CapturedBy(IpPrefix prefix, IEnumerable<MachineRoute> routes)
    {
        foreach (MachineRoute route in routes)
        {
            if (route.Prefix.Length > 0 && route.Prefix.Contains(prefix))
                return route;
        }
        return null;
    }

    private static string Describe(MachineRoute route) =>
        $"{route.Prefix}{(route.Interface.Length > 0 ? $" on {route.Interface}" : "")}, which this machine reaches by itself";
}
