using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>What the operator is told of offloads is what is in use.</summary>
public sealed class OffloadWordsTests
{
    private const OffloadCapabilities TcpOnly = OffloadCapabilities.PartialChecksum | OffloadCapabilities.TcpSegmentation;

    [Theory]
    [InlineData("auto", "6.8.4", "kernels before 6.8.5 lose VXLAN inside (join_udp)")]
    [InlineData("auto", "6.8.5", "")]
    [InlineData("auto", "6.12.0", "")]
    [InlineData("on", "6.2.0", "")]
    [InlineData("off", "6.12.0", "as the setting says (join_udp = \"off\")")]
    public void Udp_is_joined_as_setting_and_kernel_say(string setting, string kernel, string expected)
    {
        Assert.Equal(expected, TunDriver.WhyNotUdp(TunDriver.All, setting, Version.Parse(kernel)));
        Assert.Equal("this kernel does not take it (before 6.2)", TunDriver.WhyNotUdp(TcpOnly, setting, Version.Parse(kernel)));
    }

    [Fact]
    public void What_is_in_use_is_named_and_why_the_rest_is_not()
    {
        var sink = new RecordingSink();
        using var all = new SegmentCoalescer(sink, "");
        using var tcp = new SegmentCoalescer(sink, "not wanted");
        Assert.Equal(
            "TCP and UDP super packets and partial checksums from the kernel are handed on whole; TCP and UDP are joined towards it",
            OffloadWords.Of(new DriverFeatures(true, TunDriver.All, ""), TunDriver.All, all));
        Assert.Equal(
            "TCP super packets from the kernel are cut at once, as a transport takes no others; "
            + "TCP is joined towards it, UDP is not: not wanted",
            OffloadWords.Of(new DriverFeatures(true, TcpOnly, "not wanted"), OffloadCapabilities.None, tcp));
        Assert.Equal(
            "off, as the setting says (offload = \"off\")",
            OffloadWords.Of(new DriverFeatures(false, OffloadCapabilities.None, ""), OffloadCapabilities.None, null));
        Assert.Equal(
            "off: this kernel takes none (TUNSETOFFLOAD)",
            OffloadWords.Of(new DriverFeatures(true, OffloadCapabilities.None, ""), OffloadCapabilities.None, all));
    }
}
