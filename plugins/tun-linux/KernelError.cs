using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux;

/// <summary>Error numbers of the kernel: their names, their words, and what an operator can do about them.</summary>
/// <remarks>The numbers are those of asm-generic, which x64, arm64 and every other .NET architecture use.</remarks>
internal static class KernelError
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int ENXIO = 6;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int ENODEV = 19;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int EBADFD = 77;
    public const int EOPNOTSUPP = 95;
    public const int EAFNOSUPPORT = 97;
    public const int EADDRNOTAVAIL = 99;
    public const int ENETDOWN = 100;
    public const int ENOBUFS = 105;
    public const int ETIMEDOUT = 110;

    /// <summary>The errno's name and the C library's words, such as <c>EPERM (Operation not permitted)</c>.</summary>
    public static string Describe(int errno) => $"{NameOf(errno)} ({Marshal.GetPInvokeErrorMessage(errno)})";

    /// <summary>The errno's name with the sentence the kernel itself gave, or else the C library's words.</summary>
    public static string Describe(int errno, string? sentence) =>
        string.IsNullOrEmpty(sentence) ? Describe(errno) : $"{NameOf(errno)} ({sentence.TrimEnd('.')})";

    /// <summary>What the operator can do, as a sentence with a leading blank, or nothing.</summary>
    public static string Remedy(int errno) => errno switch
    {
        EPERM => " Run with CAP_NET_ADMIN (docs/running.md).",
        ENODEV or ENXIO => " The interface is gone; somebody removed it.",
        EMFILE or ENFILE => " Raise the limit of open files (LimitNOFILE=).",
        _ => "",
    };

    /// <summary>The kind of fault, which decides the daemon's exit code.</summary>
    public static PluginFault FaultOf(int errno) =>
        errno == EPERM ? PluginFault.Privilege : PluginFault.Unavailable;

    private static string NameOf(int errno) => errno switch
    {
        EPERM => nameof(EPERM),
        ENOENT => nameof(ENOENT),
        ESRCH => nameof(ESRCH),
        EINTR => nameof(EINTR),
        5 => "EIO",
        ENXIO => nameof(ENXIO),
        9 => "EBADF",
        EAGAIN => nameof(EAGAIN),
        ENOMEM => nameof(ENOMEM),
        EACCES => nameof(EACCES),
        14 => "EFAULT",
        EBUSY => nameof(EBUSY),
        EEXIST => nameof(EEXIST),
        ENODEV => nameof(ENODEV),
        EINVAL => nameof(EINVAL),
        ENFILE => nameof(ENFILE),
        EMFILE => nameof(EMFILE),
        34 => "ERANGE",
        EBADFD => nameof(EBADFD),
        90 => "EMSGSIZE",
        EOPNOTSUPP => nameof(EOPNOTSUPP),
        EAFNOSUPPORT => nameof(EAFNOSUPPORT),
        EADDRNOTAVAIL => nameof(EADDRNOTAVAIL),
        ENETDOWN => nameof(ENETDOWN),
        101 => "ENETUNREACH",
        ENOBUFS => nameof(ENOBUFS),
        ETIMEDOUT => nameof(ETIMEDOUT),
        _ => $"errno {errno}",
    };
}
