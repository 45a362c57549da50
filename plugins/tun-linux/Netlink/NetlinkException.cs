namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>The kernel refused a request, or did not answer it.</summary>
internal sealed class NetlinkException : Exception
{
    /// <summary>A refusal.</summary>
    /// <param name="request">The request's C name, such as RTM_NEWADDR.</param>
    /// <param name="errno">The error's number.</param>
    /// <param name="sentence">The kernel's own words, if it gave any.</param>
    public NetlinkException(string request, int errno, string? sentence = null)
        : base($"{request} returned {KernelError.Describe(errno, sentence)}.") => Errno = errno;

    /// <summary>The error's number.</summary>
    public int Errno { get; }
}
