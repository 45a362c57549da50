using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Routes;

/// <summary>What no peer may announce, whatever the routing policy says.</summary>
internal static class RouteGuard
{
    /// <summary>Announcements of one peer in one network that are remembered at least, refused ones included.</summary>
    public const int MinEntries = 4_096;

    // RFC 6890's special blocks that no overlay host lives in. Private and shared address space is welcome.
    private static readonly IpPrefix[] Martians =
    [
        IpPrefix.Parse("0.0.0.0/8"), IpPrefix.Parse("127.0.0.0/8"), IpPrefix.Parse("169.254.0.0/16"),
        IpPrefix.Parse("224.0.0.0/4"), IpPrefix.Parse("240.0.0.0/4"),
        IpPrefix.Parse("::/96"), IpPrefix.Parse("::ffff:0:0/96"), IpPrefix.Parse("fe80::/10"), IpPrefix.Parse("ff00::/8"),
    ];

    /// <summary>Whether a prefix announced in one network reaches into another: its subnets and what lies behind us in it.</summary>
    /// <remarks>
    /// The kernel has one table for all interfaces, so such a prefix would pull the other network's packets over to
    /// members of this one. Where the operator let the subnets of two networks overlap, the narrower one comes first,
    /// as it does in the kernel.
    /// </remarks>
    public static bool ReachesInto(NetworkConfiguration other, IpPrefix prefix, NetworkConfiguration network)
    {
        IpPrefix? subnet = prefix.Family == IpFamily.V4 ? network.Prefix : network.Prefix6;
        IpPrefix? foreign = prefix.Family == IpFamily.V4 ? other.Prefix : other.Prefix6;
        if (other.Originate.Any(ours => ours.Overlaps(prefix)))
            return true;
        if (foreign is not { } theirs || !theirs.Overlaps(prefix))
            return false;
        return !(subnet is { } own && own.Contains(prefix) && theirs.Contains(own));
    }

    /// <summary>Announcements of one peer in one network that are remembered at most, refused ones included.</summary>
    public static int MaxEntries(RouteLimits limits) => Math.Max(MinEntries, limits.PerPeer * 2);

    /// <summary>Why something is refused, in words.</summary>
    public static string TextOf(RouteReason reason) => reason switch
    {
        RouteReason.Martian => "nobody may announce a default route, or a block that no overlay host lives in",
        RouteReason.OwnAddress => "it covers an address of ours, or lies in what we originate",
        _ => "inside the shared subnet only single usable addresses may be announced",
    };

    /// <summary>Judges a prefix that a member of the network announces.</summary>
    /// <returns>Why it is refused, or null when the policy may decide.</returns>
    public static RouteReason? Refuse(IpPrefix prefix, NetworkConfiguration network)
    {
        if (prefix.Family == IpFamily.None || prefix.Length == 0 || Array.Exists(Martians, martian => martian.Overlaps(prefix)))
            return RouteReason.Martian;
        IpAddress? own = prefix.Family == IpFamily.V4 ? network.Address : network.Address6;
        IpPrefix? subnet = prefix.Family == IpFamily.V4 ? network.Prefix : network.Prefix6;
        if (own is { } address && prefix.Contains(address))
            return RouteReason.OwnAddress;
        foreach (IpPrefix ours in network.Originate)
        {
            if (ours.Contains(prefix))
                return RouteReason.OwnAddress;
        }
        if (subnet is not { } shared || !shared.Overlaps(prefix))
            return null;
        // Inside the shared subnet every node has one address; a wider block would take the others' addresses.
        bool isUsableHost = prefix.IsHost && prefix.Address != shared.Address
            && (prefix.Family == IpFamily.V6 || shared.Length >= 31 || prefix.Address != shared.Last);
        return isUsableHost ? null : RouteReason.NotPermitted;
    }
}
