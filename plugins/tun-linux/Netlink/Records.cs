using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>What the kernel says of an interface.</summary>
/// <param name="Index">The interface's number, never used again for another one in this namespace.</param>
/// <param name="Family">AF_UNSPEC for the interface itself; another one for what a subsystem says of it.</param>
/// <param name="Flags">IFF_ bits.</param>
/// <param name="Mtu">Largest packet in bytes; 0 when not told.</param>
/// <param name="TxQueueLength">Packets the kernel queues for the reader.</param>
internal readonly record struct LinkRecord(int Index, byte Family, uint Flags, uint Mtu, uint TxQueueLength)
{
    private const int HeaderSize = 16;

    /// <summary>Reads RTM_NEWLINK or RTM_DELLINK.</summary>
    public static bool TryRead(NetlinkMessage message, out LinkRecord link)
    {
        link = default;
        if (message.Type is not (Rtnetlink.RTM_NEWLINK or Rtnetlink.RTM_DELLINK)
            || !MemoryMarshal.TryRead(message.Body, out IfInfoMsg header))
            return false;
        link = new LinkRecord(header.ifi_index, header.ifi_family, header.ifi_flags, 0, 0);
        var attributes = new NetlinkAttributes(message.Body[HeaderSize..]);
        while (attributes.TryNext(out ushort type, out ReadOnlySpan<byte> value))
            if (type == Rtnetlink.IFLA_MTU && MemoryMarshal.TryRead(value, out uint mtu))
                link = link with { Mtu = mtu };
            else if (type == Rtnetlink.IFLA_TXQLEN && MemoryMarshal.TryRead(value, out uint length))
                link = link with { TxQueueLength = length };
        return true;
    }

    /// <summary>The interface's name, of a message that <see cref="TryRead"/> has read.</summary>
    public static bool TryReadName(NetlinkMessage message, out string name)
    {
        var attributes = new NetlinkAttributes(message.Body[HeaderSize..]);
        while (attributes.TryNext(out ushort type, out ReadOnlySpan<byte> value))
        {
            if (type != Rtnetlink.IFLA_IFNAME)
                continue;
            name = Encoding.UTF8.GetString(value.TrimEnd((byte)0));
            return name.Length > 0;
        }
        name = "";
        return false;
    }
}

/// <summary>An address that lies on an interface.</summary>
/// <param name="Index">The interface's number.</param>
/// <param name="Address">The address with the length of its subnet.</param>
internal readonly record struct AddressRecord(int Index, InterfaceAddress Address)
{
    private const int HeaderSize = 8;

    /// <summary>Reads RTM_NEWADDR or RTM_DELADDR.</summary>
    public static bool TryRead(NetlinkMessage message, out AddressRecord record)
    {
        record = default;
        if (message.Type is not (Rtnetlink.RTM_NEWADDR or Rtnetlink.RTM_DELADDR)
            || !MemoryMarshal.TryRead(message.Body, out IfAddrMsg header))
            return false;
        // On a point-to-point link IFA_ADDRESS may be the other end; IFA_LOCAL is ours wherever it is given.
        ReadOnlySpan<byte> address = default;
        ReadOnlySpan<byte> local = default;
        var attributes = new NetlinkAttributes(message.Body[HeaderSize..]);
        while (attributes.TryNext(out ushort type, out ReadOnlySpan<byte> value))
            if (type == Rtnetlink.IFA_ADDRESS)
                address = value;
            else if (type == Rtnetlink.IFA_LOCAL)
                local = value;
        if (!RouteRecord.TryReadAddress(header.ifa_family, local.IsEmpty ? address : local, out IpAddress ours)
            || header.ifa_prefixlen > ours.BitLength)
            return false;
        record = new AddressRecord(header.ifa_index, new InterfaceAddress(ours, header.ifa_prefixlen));
        return true;
    }
}

/// <summary>A route of the kernel.</summary>
/// <param name="Index">The interface it leads into; 0 when it has none or several.</param>
/// <param name="Destination">The prefix.</param>
/// <param name="Table">The routing table.</param>
/// <param name="Type">RTN_ number: unicast, local, broadcast and so on.</param>
/// <param name="HasGateway">Whether packets go to a gateway, not straight to their destination.</param>
internal readonly record struct RouteRecord(int Index, IpPrefix Destination, uint Table, byte Type, bool HasGateway = false)
{
    private const int HeaderSize = 12;

    /// <summary>Reads RTM_NEWROUTE or RTM_DELROUTE.</summary>
    public static bool TryRead(NetlinkMessage message, out RouteRecord route)
    {
        route = default;
        if (message.Type is not (Rtnetlink.RTM_NEWROUTE or Rtnetlink.RTM_DELROUTE)
            || !MemoryMarshal.TryRead(message.Body, out RtMsg header))
            return false;
        uint table = header.rtm_table;
        int index = 0;
        bool hasGateway = false;
        ReadOnlySpan<byte> destination = default;
        var attributes = new NetlinkAttributes(message.Body[HeaderSize..]);
        while (attributes.TryNext(out ushort type, out ReadOnlySpan<byte> value))
            if (type == Rtnetlink.RTA_DST)
                destination = value;
            else if (type == Rtnetlink.RTA_OIF && MemoryMarshal.TryRead(value, out int oif))
                index = oif;
            else if (type is Rtnetlink.RTA_GATEWAY or Rtnetlink.RTA_VIA)
                hasGateway = true;
            else if (type == Rtnetlink.RTA_TABLE && MemoryMarshal.TryRead(value, out uint number))
                table = number;
        if (!TryReadDestination(header, destination, out IpPrefix prefix))
            return false;
        route = new RouteRecord(index, prefix, table, header.rtm_type, hasGateway);
        return true;
    }

    /// <summary>An address of the given family; false when the bytes are not of its length.</summary>
    public static bool TryReadAddress(byte family, ReadOnlySpan<byte> bytes, out IpAddress address)
    {
        address = default;
        int expected = family switch { Rtnetlink.AF_INET => 4, Rtnetlink.AF_INET6 => 16, _ => 0 };
        if (expected == 0 || bytes.Length != expected)
            return false;
        address = IpAddress.FromBytes(bytes);
        return true;
    }

    // A default route carries no RTA_DST: its prefix is all zeros of length 0.
    private static bool TryReadDestination(RtMsg header, ReadOnlySpan<byte> destination, out IpPrefix prefix)
    {
        prefix = default;
        IpAddress address;
        if (destination.IsEmpty && header is { rtm_dst_len: 0, rtm_family: Rtnetlink.AF_INET })
            address = IpAddress.FromV4(0);
        else if (destination.IsEmpty && header is { rtm_dst_len: 0, rtm_family: Rtnetlink.AF_INET6 })
            address = IpAddress.FromV6(0);
        else if (!TryReadAddress(header.rtm_family, destination, out address))
            return false;
        if (header.rtm_dst_len > address.BitLength)
            return false;
        prefix = new IpPrefix(address, header.rtm_dst_len);
        return true;
    }
}
