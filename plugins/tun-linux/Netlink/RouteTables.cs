using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>The kernel's links, addresses and routes: asked and changed through rtnetlink.</summary>
/// <remarks>Any thread; one request at a time. All members throw <see cref="NetlinkException"/> on a refusal.</remarks>
internal sealed class RouteTables : IDisposable
{
    private const int DumpAttempts = 4;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly NetlinkSocket _socket = NetlinkSocket.OpenForRequests(AnswerLimit);
    private readonly Lock _gate = new();
    private uint _sequence;

    private delegate void MessageReader(NetlinkMessage message);

    /// <summary>The interface of that name.</summary>
    public LinkRecord GetLink(string name)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_GETLINK, Rtnetlink.NLM_F_ACK);
        request.Add(default(IfInfoMsg));
        request.AddAttribute(Rtnetlink.IFLA_IFNAME, name);
        return GetLink(request);
    }

    /// <summary>The interface of that number.</summary>
    public LinkRecord GetLink(int index)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_GETLINK, Rtnetlink.NLM_F_ACK);
        request.Add(new IfInfoMsg { ifi_index = index });
        return GetLink(request);
    }

    /// <summary>Sets the largest packet, in bytes.</summary>
    public void SetMtu(int index, int mtu) => SetLink(index, Rtnetlink.IFLA_MTU, (uint)mtu);

    /// <summary>Sets how many packets the kernel queues for the reader.</summary>
    public void SetTxQueueLength(int index, int packets) => SetLink(index, Rtnetlink.IFLA_TXQLEN, (uint)packets);

    /// <summary>Sets the interface up.</summary>
    public void SetUp(int index)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_SETLINK, Rtnetlink.NLM_F_ACK);
        request.Add(new IfInfoMsg
        {
            ifi_index = index,
            ifi_flags = Rtnetlink.IFF_UP,
            ifi_change = Rtnetlink.IFF_UP,
        });
        Execute(request, static _ => { });
    }

    /// <summary>Removes the interface.</summary>
    public void DeleteLink(int index)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_DELLINK, Rtnetlink.NLM_F_ACK);
        request.Add(new IfInfoMsg { ifi_index = index });
        Execute(request, static _ => { });
    }

    /// <summary>Stops the kernel from giving the interface a link-local address, and so from soliciting routers.</summary>
    public void SetNoLinkLocalAddress(int index)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_SETLINK, Rtnetlink.NLM_F_ACK);
        request.Add(new IfInfoMsg { ifi_index = index });
        int families = request.BeginAttribute(Rtnetlink.IFLA_AF_SPEC | Rtnetlink.NLA_F_NESTED);
        int inet6 = request.BeginAttribute(Rtnetlink.AF_INET6 | Rtnetlink.NLA_F_NESTED);
        request.AddAttribute(Rtnetlink.IFLA_INET6_ADDR_GEN_MODE, [Rtnetlink.IN6_ADDR_GEN_MODE_NONE]);
        request.EndAttribute(inet6);
        request.EndAttribute(families);
        Execute(request, static _ => { });
    }

    /// <summary>Puts an address on an interface; one that is there already stays.</summary>
    public void AddAddress(int index, InterfaceAddress address) => ChangeAddress(
        Rtnetlink.RTM_NEWADDR, Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_REPLACE, index, address);

    /// <summary>Takes an address off an interface.</summary>
    public void DeleteAddress(int index, InterfaceAddress address) =>
        ChangeAddress(Rtnetlink.RTM_DELADDR, 0, index, address);

    /// <summary>Leads a prefix into an interface. One that has such a route already is an error, EEXIST.</summary>
    public void AddRoute(int index, IpPrefix destination) => ChangeRoute(
        Rtnetlink.RTM_NEWROUTE, Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL, index, destination);

    /// <summary>Removes what <see cref="AddRoute"/> made.</summary>
    public void DeleteRoute(int index, IpPrefix destination) =>
        ChangeRoute(Rtnetlink.RTM_DELROUTE, 0, index, destination);

    /// <summary>The addresses on an interface, of both families.</summary>
    public List<InterfaceAddress> GetAddresses(int index)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_GETADDR, Rtnetlink.NLM_F_DUMP);
        request.Add(new IfAddrMsg { ifa_index = index });
        var found = new List<InterfaceAddress>();
        Dump(request, found.Clear, message =>
        {
            if (AddressRecord.TryRead(message, out AddressRecord record) && record.Index == index)
                found.Add(record.Address);
        });
        return found;
    }

    /// <summary>The unicast routes of the main table that lead into an interface, of both families.</summary>
    public List<IpPrefix> GetRoutes(int index)
    {
        var found = new List<RouteRecord>();
        foreach (byte family in (ReadOnlySpan<byte>)[Rtnetlink.AF_INET, Rtnetlink.AF_INET6])
            AddRoutes(family, index, found);
        return [.. found.Select(route => route.Destination)];
    }

    /// <summary>All unicast routes of the main table, of both families; those with several next hops have no interface.</summary>
    public List<RouteRecord> GetRoutes()
    {
        var found = new List<RouteRecord>();
        foreach (byte family in (ReadOnlySpan<byte>)[Rtnetlink.AF_INET, Rtnetlink.AF_INET6])
            AddRoutes(family, index: 0, found);
        return found;
    }

    /// <summary>The names of all interfaces by their numbers.</summary>
    public Dictionary<int, string> GetLinkNames()
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_GETLINK, Rtnetlink.NLM_F_DUMP);
        request.Add(default(IfInfoMsg));
        var names = new Dictionary<int, string>();
        Dump(request, names.Clear, message =>
        {
            if (LinkRecord.TryRead(message, out LinkRecord link) && LinkRecord.TryReadName(message, out string name))
                names[link.Index] = name;
        });
        return names;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _socket.Dispose();
    }

    private LinkRecord GetLink(NetlinkRequest request)
    {
        LinkRecord found = default;
        Execute(request, message => _ = LinkRecord.TryRead(message, out found));
        return found;
    }

    private void SetLink(int index, ushort attribute, uint value)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_SETLINK, Rtnetlink.NLM_F_ACK);
        request.Add(new IfInfoMsg { ifi_index = index });
        request.AddAttribute(attribute, value);
        Execute(request, static _ => { });
    }

    private void ChangeAddress(ushort type, int flags, int index, InterfaceAddress address)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, type, (ushort)(flags | Rtnetlink.NLM_F_ACK));
        bool v6 = address.Address.Family == IpFamily.V6;
        request.Add(new IfAddrMsg
        {
            ifa_family = FamilyOf(address.Address),
            ifa_prefixlen = (byte)address.PrefixLength,
            ifa_index = index,
        });
        request.AddAttribute(Rtnetlink.IFA_LOCAL, address.Address);
        request.AddAttribute(Rtnetlink.IFA_ADDRESS, address.Address);
        // Nobody else is on this link, so duplicate detection would only keep the address unusable for a while.
        if (v6 && type == Rtnetlink.RTM_NEWADDR)
            request.AddAttribute(Rtnetlink.IFA_FLAGS, Rtnetlink.IFA_F_NODAD);
        Execute(request, static _ => { });
    }

    private void ChangeRoute(ushort type, int flags, int index, IpPrefix destination)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, type, (ushort)(flags | Rtnetlink.NLM_F_ACK));
        request.Add(new RtMsg
        {
            rtm_family = FamilyOf(destination.Address),
            rtm_dst_len = destination.Length,
            rtm_table = Rtnetlink.RT_TABLE_MAIN,
            rtm_protocol = Rtnetlink.RTPROT_STATIC,
            rtm_scope = destination.Family == IpFamily.V4 ? Rtnetlink.RT_SCOPE_LINK : Rtnetlink.RT_SCOPE_UNIVERSE,
            rtm_type = Rtnetlink.RTN_UNICAST,
        });
        if (destination.Length > 0)
            request.AddAttribute(Rtnetlink.RTA_DST, destination.Address);
        request.AddAttribute(Rtnetlink.RTA_OIF, (uint)index);
        Execute(request, static _ => { });
    }

    // Index 0 means every interface.
    private void AddRoutes(byte family, int index, List<RouteRecord> found)
    {
        Span<byte> buffer = stackalloc byte[NetlinkRequest.BufferSize];
        var request = new NetlinkRequest(buffer, Rtnetlink.RTM_GETROUTE, Rtnetlink.NLM_F_DUMP);
        request.Add(new RtMsg { rtm_family = family });
        if (index != 0)
            request.AddAttribute(Rtnetlink.RTA_OIF, (uint)index);
        int before = found.Count;
        Dump(request, () => found.RemoveRange(before, found.Count - before), message =>
        {
            if (RouteRecord.TryRead(message, out RouteRecord route) && (index == 0 || route.Index == index)
                && route is { Table: Rtnetlink.RT_TABLE_MAIN, Type: Rtnetlink.RTN_UNICAST })
                found.Add(route);
        });
    }

    // A change in the middle of a dump marks it as interrupted: then it is taken anew. On a machine whose tables
    // never rest the last one stands; what it misses, the caller's next look finds.
    private void Dump(NetlinkRequest request, Action startOver, MessageReader reader)
    {
        for (int attempt = 1; ; attempt++)
        {
            startOver();
            if (Execute(request, reader) || attempt == DumpAttempts)
                return;
        }
    }

    /// <summary>Sends a request and reads all of its answer.</summary>
    /// <returns>False when the answer is a dump that was interrupted by a change.</returns>
    private bool Execute(NetlinkRequest request, MessageReader reader)
    {
        lock (_gate)
        {
            uint sequence = ++_sequence;
            int errno = _socket.Send(request.Finish(sequence));
            if (errno != 0)
                throw new NetlinkException(NameOf(request.Type), errno);
            bool consistent = true;
            while (true)
            {
                errno = _socket.Receive(out ReadOnlySpan<byte> datagram);
                if (errno != 0)
                    throw new NetlinkException(
                        NameOf(request.Type), errno == KernelError.EAGAIN ? KernelError.ETIMEDOUT : errno);
                if (ReadAnswer(datagram, request.Type, sequence, reader, ref consistent))
                    return consistent;
            }
        }
    }

    /// <returns>True when the answer is complete.</returns>
    private static bool ReadAnswer(
        ReadOnlySpan<byte> datagram, ushort type, uint sequence, MessageReader reader, ref bool consistent)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.TryNext(out NetlinkMessage message))
        {
            if (message.Sequence != sequence)
                continue; // the late answer to a request that was given up
            consistent &= (message.Flags & Rtnetlink.NLM_F_DUMP_INTR) == 0 || message.Type == Rtnetlink.NLMSG_ERROR;
            if (message.Type == Rtnetlink.NLMSG_DONE)
                return message.DumpError == 0 ? true : throw new NetlinkException(NameOf(type), message.DumpError);
            if (message.TryReadAcknowledgement(out int errno, out ReadOnlySpan<byte> sentence))
                return errno == 0 ? true : throw new NetlinkException(
                    NameOf(type), errno, Encoding.UTF8.GetString(sentence));
            reader(message);
        }
        return false;
    }

    private static byte FamilyOf(IpAddress address) =>
        address.Family == IpFamily.V6 ? Rtnetlink.AF_INET6 : Rtnetlink.AF_INET;

    private static string NameOf(ushort type) => type switch
    {
        Rtnetlink.RTM_GETLINK => nameof(Rtnetlink.RTM_GETLINK),
        Rtnetlink.RTM_DELLINK => nameof(Rtnetlink.RTM_DELLINK),
        Rtnetlink.RTM_SETLINK => nameof(Rtnetlink.RTM_SETLINK),
        Rtnetlink.RTM_NEWADDR => nameof(Rtnetlink.RTM_NEWADDR),
        Rtnetlink.RTM_DELADDR => nameof(Rtnetlink.RTM_DELADDR),
        Rtnetlink.RTM_GETADDR => nameof(Rtnetlink.RTM_GETADDR),
        Rtnetlink.RTM_NEWROUTE => nameof(Rtnetlink.RTM_NEWROUTE),
        Rtnetlink.RTM_DELROUTE => nameof(Rtnetlink.RTM_DELROUTE),
        Rtnetlink.RTM_GETROUTE => nameof(Rtnetlink.RTM_GETROUTE),
        _ => $"netlink request {type}",
    };
}
