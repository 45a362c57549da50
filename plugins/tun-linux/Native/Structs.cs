using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Native;

/// <summary>linux/if.h: struct ifreq, as far as TUNSETIFF uses it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct IfReq
{
    /// <summary>Bytes of an interface name with its terminating zero.</summary>
    public const int IFNAMSIZ = 16;

    public IfName ifr_name;
    public short ifr_flags;
}

/// <summary>A zero-terminated interface name.</summary>
[InlineArray(IfReq.IFNAMSIZ)]
internal struct IfName
{
    private byte _element;
}

/// <summary>linux/virtio_net.h: struct virtio_net_hdr, in front of every packet of an interface with IFF_VNET_HDR; native byte order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VirtioNetHdr
{
    /// <summary>Bytes.</summary>
    public const int Size = 10;

    public const byte VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
    public const byte VIRTIO_NET_HDR_GSO_NONE = 0;
    public const byte VIRTIO_NET_HDR_GSO_TCPV4 = 1;
    public const byte VIRTIO_NET_HDR_GSO_TCPV6 = 4;
    public const byte VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
    public const byte VIRTIO_NET_HDR_GSO_ECN = 0x80;

    public byte flags;
    public byte gso_type;
    public ushort hdr_len;
    public ushort gso_size;
    public ushort csum_start;
    public ushort csum_offset;

    /// <summary>The same in the contracts' words, whose numbers are these.</summary>
    public readonly PacketOffload ToOffload()
    {
        bool isPartial = (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
        if (!isPartial && gso_type == VIRTIO_NET_HDR_GSO_NONE)
            return default;
        return new PacketOffload(
            (OffloadKind)(gso_type & ~VIRTIO_NET_HDR_GSO_ECN), gso_size,
            isPartial ? ChecksumState.Partial : ChecksumState.Complete, csum_start, csum_offset);
    }

    /// <summary>What the kernel is to be told of a packet of ours.</summary>
    /// <param name="offload">What it is.</param>
    /// <param name="headerBytes">Bytes of all its headers, for a super packet.</param>
    public static VirtioNetHdr From(in PacketOffload offload, int headerBytes) => new()
    {
        flags = offload.Checksum == ChecksumState.Partial ? VIRTIO_NET_HDR_F_NEEDS_CSUM : (byte)0,
        gso_type = (byte)offload.Kind,
        hdr_len = (ushort)headerBytes,
        gso_size = offload.SegmentSize,
        csum_start = offload.ChecksumStart,
        csum_offset = offload.ChecksumOffset,
    };
}

/// <summary>sys/uio.h: struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVec
{
    public byte* iov_base;
    public nuint iov_len;
}

/// <summary>poll.h: struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int fd;
    public short events;
    public short revents;
}

/// <summary>sys/time.h: struct timeval on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeVal
{
    public long tv_sec;
    public long tv_usec;
}

/// <summary>linux/netlink.h: struct sockaddr_nl.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SockAddrNl
{
    public ushort nl_family;
    public ushort nl_pad;
    public uint nl_pid;
    public uint nl_groups;
}

/// <summary>linux/netlink.h: struct nlmsghdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NlMsgHdr
{
    public uint nlmsg_len;
    public ushort nlmsg_type;
    public ushort nlmsg_flags;
    public uint nlmsg_seq;
    public uint nlmsg_pid;
}

/// <summary>linux/rtnetlink.h: struct rtattr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtAttr
{
    public ushort rta_len;
    public ushort rta_type;
}

/// <summary>linux/rtnetlink.h: struct ifinfomsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfInfoMsg
{
    public byte ifi_family;
    public byte ifi_pad;
    public ushort ifi_type;
    public int ifi_index;
    public uint ifi_flags;
    public uint ifi_change;
}

/// <summary>linux/if_addr.h: struct ifaddrmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfAddrMsg
{
    public byte ifa_family;
    public byte ifa_prefixlen;
    public byte ifa_flags;
    public byte ifa_scope;
    public int ifa_index;
}

/// <summary>linux/rtnetlink.h: struct rtmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtMsg
{
    public byte rtm_family;
    public byte rtm_dst_len;
    public byte rtm_src_len;
    public byte rtm_tos;
    public byte rtm_table;
    public byte rtm_protocol;
    public byte rtm_scope;
    public byte rtm_type;
    public uint rtm_flags;
}
