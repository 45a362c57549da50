using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>The offloads of an interface in the operator's words.</summary>
internal static class OffloadWords
{
    /// <summary>What is in use, and why the rest is not.</summary>
    /// <param name="driver">What the interface's packets are like.</param>
    /// <param name="inUse">What the engine takes of it.</param>
    /// <param name="coalescer">What joins packets towards the kernel, or null.</param>
    public static string Of(DriverFeatures driver, OffloadCapabilities inUse, SegmentCoalescer? coalescer)
    {
        if (!driver.HasHeaders)
            return "off, as the setting says (offload = \"off\")";
        if (driver.Offloads == OffloadCapabilities.None)
            return "off: this kernel takes none (TUNSETOFFLOAD)";
        string kinds = (driver.Offloads & OffloadCapabilities.UdpSegmentation) != OffloadCapabilities.None ? "TCP and UDP" : "TCP";
        string from = inUse == OffloadCapabilities.None
            ? $"{kinds} super packets from the kernel are cut at once, as a transport takes no others"
            : $"{kinds} super packets and partial checksums from the kernel are handed on whole";
        string to = coalescer is not { IsJoining: true } ? "none are joined towards it: it refused one (EINVAL)"
            : coalescer.JoinsUdp ? "TCP and UDP are joined towards it"
            : "TCP is joined towards it, UDP is not: " + coalescer.WhyNotUdp;
        return $"{from}; {to}";
    }
}
