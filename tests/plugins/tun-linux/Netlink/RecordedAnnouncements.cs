using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Netlink;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests.Netlink;

/// <summary>Hears what the kernel says of links, addresses and routes in a namespace, from construction on.</summary>
internal sealed class RecordedAnnouncements(NetworkNamespace ns) : IDisposable
{
    private const uint Groups = Rtnetlink.RTMGRP_LINK | Rtnetlink.RTMGRP_IPV4_IFADDR | Rtnetlink.RTMGRP_IPV6_IFADDR
        | Rtnetlink.RTMGRP_IPV4_ROUTE | Rtnetlink.RTMGRP_IPV6_ROUTE;

    private readonly NetlinkSocket _socket = ns.Run(() => NetlinkSocket.OpenForAnnouncements(Groups));

    /// <summary>Forgets all announcements up to that one, which must come within 5 s.</summary>
    public void SkipUntil(string announcement) =>
        TunTest.Eventually(() => AddressesAndStaticRoutes().Contains(announcement), announcement);

    /// <summary>How many messages came.</summary>
    public int Count() => Read(static _ => "any").Count;

    /// <summary>Addresses, and routes of the main table that are no subnet of an address, with + or - before them.</summary>
    public List<string> AddressesAndStaticRoutes() => Read(static message =>
    {
        if (AddressRecord.TryRead(message, out AddressRecord address))
            return Sign(message.Type == Rtnetlink.RTM_NEWADDR) + address.Address;
        const int ProtocolOffset = 5;
        return RouteRecord.TryRead(message, out RouteRecord route) && route.Table == Rtnetlink.RT_TABLE_MAIN
            && message.Body[ProtocolOffset] == Rtnetlink.RTPROT_STATIC
                ? Sign(message.Type == Rtnetlink.RTM_NEWROUTE) + route.Destination
                : null;
    });

    public void Dispose() => _socket.Dispose();

    private static string Sign(bool isNew) => isNew ? "+" : "-";

    private List<string> Read(Describer describe)
    {
        var found = new List<string>();
        while (_socket.Receive(out ReadOnlySpan<byte> datagram) == 0)
        {
            var messages = new NetlinkMessages(datagram);
            while (messages.TryNext(out NetlinkMessage message))
                if (describe(message) is { } text)
                    found.Add(text);
        }
        return found;
    }

    private delegate string? Describer(NetlinkMessage message);
}
