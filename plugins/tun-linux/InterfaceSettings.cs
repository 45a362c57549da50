using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Netlink;

namespace VibePN.Plugins.TunLinux;

/// <summary>Brings one interface's MTU, addresses and routes to what is wished, and changes nothing else.</summary>
/// <remarks>
/// Before each change it looks at what is there, so that what is already so stays untouched. Addresses and
/// routes that others put on the interface stay, too: only what was set here is taken away again.
/// Not thread-safe.
/// </remarks>
internal sealed class InterfaceSettings(RouteTables tables, string name, int index)
{
    private const int MinimumMtu = 576;
    private const int MinimumMtuV6 = 1280;

    // The second round puts back what the kernel dropped of itself in the first, such as the further addresses
    // of a subnet whose first address was removed. The third finds nothing to do.
    private const int Rounds = 3;

    private readonly HashSet<InterfaceAddress> _addresses = [];
    private readonly HashSet<IpPrefix> _routes = [];

    /// <summary>Refuses wishes that the kernel cannot meet, before anything is touched.</summary>
    /// <exception cref="TunException">One sentence about the first of them.</exception>
    public static void Check(string name, TunConfiguration wish)
    {
        if (wish.Mtu is < MinimumMtu or > PacketBatch.MaxPacketSize)
            throw TunFailure.Impossible(
                name, $"an MTU of {wish.Mtu} is outside {MinimumMtu} to {PacketBatch.MaxPacketSize}.");
        foreach (InterfaceAddress address in wish.Addresses)
            if (address.Address.Family == IpFamily.None || (uint)address.PrefixLength > address.Address.BitLength)
                throw TunFailure.Impossible(name, $"{address} is no address with the length of its subnet.");
        bool v6 = wish.Addresses.Any(address => address.Address.Family == IpFamily.V6)
            || wish.Routes.Any(route => route.Family == IpFamily.V6);
        if (v6 && wish.Mtu < MinimumMtuV6)
            throw TunFailure.Impossible(
                name, $"IPv6 needs an MTU of at least {MinimumMtuV6} (RFC 8200); {wish.Mtu} is too small.");
        if (wish.Routes.Any(route => route.Family == IpFamily.None))
            throw TunFailure.Impossible(name, "one of its routes is no prefix.");
    }

    /// <summary>Gives a new interface its first settings and sets it up.</summary>
    /// <exception cref="TunException">Not or only partly done.</exception>
    public void Begin(TunConfiguration wish, int txQueueLength)
    {
        QuietIPv6();
        Try($"get a queue of {txQueueLength} packets", () => tables.SetTxQueueLength(index, txQueueLength));
        Apply(wish);
    }

    /// <summary>Changes to the given settings.</summary>
    /// <exception cref="TunException">Not or only partly done.</exception>
    public void Apply(TunConfiguration wish)
    {
        ApplyLink(wish.Mtu);
        for (int round = 0; round < Rounds; round++)
            if (!ApplyAddresses(wish.Addresses))
                break;
        ApplyRoutes(wish);
    }

    private void ApplyLink(int mtu)
    {
        LinkRecord link = Ask("be looked up", () => tables.GetLink(index));
        if (link.Mtu != mtu)
        {
            Try($"get an MTU of {mtu}", () => tables.SetMtu(index, mtu));
            if (link.Mtu < MinimumMtuV6 && mtu >= MinimumMtuV6)
                BeginIPv6Again();
        }
        if ((link.Flags & Native.Rtnetlink.IFF_UP) == 0)
            Try("be set up", () => tables.SetUp(index));
    }

    // The kernel takes IPv6 off an interface whose MTU is too small for it. A larger one makes it begin anew with
    // its defaults, a link-local address included: our doing, so it counts as ours and goes with the next look.
    private void BeginIPv6Again()
    {
        QuietIPv6();
        _addresses.UnionWith(Ask("tell its addresses", () => tables.GetAddresses(index))
            .Where(address => address.Address.Family == IpFamily.V6));
    }

    // Without a link-local address the kernel neither solicits routers nor announces itself through the tunnel.
    private void QuietIPv6()
    {
        try
        {
            tables.SetNoLinkLocalAddress(index);
        }
        catch (NetlinkException e)
            when (e.Errno is KernelError.EAFNOSUPPORT or KernelError.EOPNOTSUPP or KernelError.EINVAL)
        {
            // This kernel, or this interface, has no IPv6: then there is nothing to quieten.
        }
        catch (NetlinkException e)
        {
            throw TunFailure.Refused(name, "be kept from making link-local addresses", e);
        }
    }

    /// <returns>True when something was changed, so that another look is due.</returns>
    private bool ApplyAddresses(IReadOnlyList<InterfaceAddress> wished)
    {
        List<InterfaceAddress> present = Ask("tell its addresses", () => tables.GetAddresses(index));
        List<InterfaceAddress> missing = [.. wished.Except(present)];
        List<InterfaceAddress> surplus = [.. present.Where(_addresses.Contains).Except(wished)];
        // IPv6 goes first, for it has no second copy of an address with another prefix length. IPv4 goes last,
        // for with its last address the kernel takes every IPv4 route off the interface.
        RemoveAddresses(surplus, IpFamily.V6);
        missing.ForEach(AddAddress);
        RemoveAddresses(surplus, IpFamily.V4);
        _addresses.IntersectWith(wished);
        return missing.Count + surplus.Count > 0;
    }

    private void RemoveAddresses(List<InterfaceAddress> addresses, IpFamily family)
    {
        foreach (InterfaceAddress address in addresses.Where(address => address.Address.Family == family))
            TryRemove($"lose address {address}", () => tables.DeleteAddress(index, address));
    }

    private void AddAddress(InterfaceAddress address)
    {
        try
        {
            tables.AddAddress(index, address);
            _addresses.Add(address);
        }
        catch (NetlinkException e) when (e.Errno == KernelError.EACCES && address.Address.Family == IpFamily.V6)
        {
            throw TunFailure.Refused(name, $"get address {address}", e,
                " Set net.ipv6.conf.default.disable_ipv6 to 0 or configure no IPv6 address.");
        }
        catch (NetlinkException e)
        {
            throw TunFailure.Refused(name, $"get address {address}", e);
        }
    }

    private void ApplyRoutes(TunConfiguration wish)
    {
        // The kernel makes the routes of the subnets itself.
        List<IpPrefix> wished = [.. wish.Routes.Except(wish.Addresses.Select(address => address.Subnet))];
        List<IpPrefix> present = Ask("tell its routes", () => tables.GetRoutes(index));
        foreach (IpPrefix route in present.Where(_routes.Contains).Except(wished).ToList())
            TryRemove($"lose route {route}", () => tables.DeleteRoute(index, route));
        _routes.IntersectWith(wished);
        foreach (IpPrefix route in wished.Except(present))
        {
            AddRoute(route);
            _routes.Add(route);
        }
    }

    private void AddRoute(IpPrefix route)
    {
        try
        {
            tables.AddRoute(index, route);
        }
        catch (NetlinkException e) when (e.Errno == KernelError.EEXIST)
        {
            throw TunFailure.Refused(name, $"get route {route}", e,
                " Another interface has that route and keeps it. Remove one of the two.");
        }
        catch (NetlinkException e)
        {
            throw TunFailure.Refused(name, $"get route {route}", e);
        }
    }

    private void Try(string what, Action change) => Ask(what, () =>
    {
        change();
        return true;
    });

    // What is gone already needs no removal: somebody, or the kernel, was faster.
    private void TryRemove(string what, Action remove) => Try(what, () =>
    {
        try
        {
            remove();
        }
        catch (NetlinkException e) when (e.Errno is KernelError.EADDRNOTAVAIL or KernelError.ESRCH)
        {
            return;
        }
    });

    private T Ask<T>(string what, Func<T> question)
    {
        try
        {
            return question();
        }
        catch (NetlinkException e)
        {
            throw TunFailure.Refused(name, what, e);
        }
    }
}
