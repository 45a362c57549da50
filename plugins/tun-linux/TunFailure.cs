using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Netlink;

namespace VibePN.Plugins.TunLinux;

/// <summary>Words for what goes wrong with an interface: what failed, on what, the cause, the remedy.</summary>
internal static class TunFailure
{
    /// <summary>A refusal of the kernel while an interface is made or changed.</summary>
    /// <param name="device">The interface's name.</param>
    /// <param name="what">What could not be done, as the end of "could not ...".</param>
    /// <param name="cause">The refusal.</param>
    /// <param name="remedy">What to do about it, when the errno alone does not say.</param>
    public static TunException Refused(string device, string what, NetlinkException cause, string? remedy = null) =>
        new($"TUN device '{device}' could not {what}: {cause.Message}{remedy ?? KernelError.Remedy(cause.Errno)}",
            cause)
        {
            Fault = KernelError.FaultOf(cause.Errno),
        };

    /// <summary>A refusal of a system call while an interface is opened.</summary>
    public static TunException NotOpened(string device, string call, int errno, string remedy) =>
        new($"TUN device '{device}' could not be opened: {call} returned {KernelError.Describe(errno)}.{remedy}")
        {
            // A file's mode is a matter of privilege, too; rtnetlink says EACCES for other reasons.
            Fault = errno == KernelError.EACCES ? PluginFault.Privilege : KernelError.FaultOf(errno),
        };

    /// <summary>A wish that cannot be met as it stands in the configuration.</summary>
    public static TunException Impossible(string device, string cause) =>
        new($"TUN device '{device}' could not be configured: {cause}") { Fault = PluginFault.Configuration };

    /// <summary>The interface went away while it was in use.</summary>
    public static TunException Lost(string device, int errno) =>
        new($"TUN device '{device}' is gone: read returned {KernelError.Describe(errno)}. " +
            "The kernel or somebody removed it.")
        {
            Fault = PluginFault.Unavailable,
        };
}
