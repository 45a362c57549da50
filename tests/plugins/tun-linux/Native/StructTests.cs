using System.Runtime.InteropServices;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Tests.Native;

/// <summary>Sizes and offsets as the C compiler gives them for 64-bit Linux.</summary>
public sealed class StructTests
{
    [Fact]
    public unsafe void Structs_have_the_sizes_of_their_C_twins()
    {
        Assert.Equal(40, sizeof(IfReq));
        Assert.Equal(16, sizeof(IfName));
        Assert.Equal(8, sizeof(PollFd));
        Assert.Equal(16, sizeof(TimeVal));
        Assert.Equal(12, sizeof(SockAddrNl));
        Assert.Equal(16, sizeof(NlMsgHdr));
        Assert.Equal(4, sizeof(RtAttr));
        Assert.Equal(16, sizeof(IfInfoMsg));
        Assert.Equal(8, sizeof(IfAddrMsg));
        Assert.Equal(12, sizeof(RtMsg));
    }

    [Theory]
    [InlineData(typeof(IfReq), nameof(IfReq.ifr_flags), 16)]
    [InlineData(typeof(PollFd), nameof(PollFd.events), 4)]
    [InlineData(typeof(PollFd), nameof(PollFd.revents), 6)]
    [InlineData(typeof(TimeVal), nameof(TimeVal.tv_usec), 8)]
    [InlineData(typeof(SockAddrNl), nameof(SockAddrNl.nl_pid), 4)]
    [InlineData(typeof(SockAddrNl), nameof(SockAddrNl.nl_groups), 8)]
    [InlineData(typeof(NlMsgHdr), nameof(NlMsgHdr.nlmsg_type), 4)]
    [InlineData(typeof(NlMsgHdr), nameof(NlMsgHdr.nlmsg_flags), 6)]
    [InlineData(typeof(NlMsgHdr), nameof(NlMsgHdr.nlmsg_seq), 8)]
    [InlineData(typeof(NlMsgHdr), nameof(NlMsgHdr.nlmsg_pid), 12)]
    [InlineData(typeof(RtAttr), nameof(RtAttr.rta_type), 2)]
    [InlineData(typeof(IfInfoMsg), nameof(IfInfoMsg.ifi_type), 2)]
    [InlineData(typeof(IfInfoMsg), nameof(IfInfoMsg.ifi_index), 4)]
    [InlineData(typeof(IfInfoMsg), nameof(IfInfoMsg.ifi_flags), 8)]
    [InlineData(typeof(IfInfoMsg), nameof(IfInfoMsg.ifi_change), 12)]
    [InlineData(typeof(IfAddrMsg), nameof(IfAddrMsg.ifa_prefixlen), 1)]
    [InlineData(typeof(IfAddrMsg), nameof(IfAddrMsg.ifa_index), 4)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_dst_len), 1)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_table), 4)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_protocol), 5)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_scope), 6)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_type), 7)]
    [InlineData(typeof(RtMsg), nameof(RtMsg.rtm_flags), 8)]
    public void Fields_lie_where_C_puts_them(Type type, string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf(type, field));

    [Fact]
    public unsafe void Counters_of_reader_and_writer_share_no_cache_line()
    {
        Assert.Equal(256, sizeof(DeviceCounters));
        Assert.Equal(64, (int)Marshal.OffsetOf<DeviceCounters>(nameof(DeviceCounters.Read)));
        Assert.Equal(128, (int)Marshal.OffsetOf<DeviceCounters>(nameof(DeviceCounters.Written)));
    }
}
