using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux;

/// <summary>Asks the kernel's tun driver for a new interface.</summary>
internal static unsafe class TunDriver
{
    private const string CloneDevice = "/dev/net/tun";

    /// <summary>Creates an interface that lives as long as the returned descriptor.</summary>
    /// <param name="name">Its name; one that is taken is an error.</param>
    /// <returns>A non-blocking descriptor; each read and each write is one IP packet.</returns>
    /// <exception cref="TunException">Nothing was created.</exception>
    public static FileDescriptor Create(string name)
    {
        CheckName(name);
        int fd = LibC.open(CloneDevice, LibC.O_RDWR | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        if (fd < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw TunFailure.NotOpened(name, $"open({CloneDevice})", errno, OpenRemedy(errno));
        }
        var descriptor = new FileDescriptor(fd);
        int refusal = Attach(descriptor, name);
        if (refusal == 0)
            return descriptor;
        descriptor.Dispose();
        throw TunFailure.NotOpened(name, "TUNSETIFF", refusal, AttachRemedy(refusal));
    }

    /// <summary>Refuses names that the kernel would refuse, cut, or take as a pattern.</summary>
    private static void CheckName(string name)
    {
        int bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes is 0 or >= IfReq.IFNAMSIZ)
            throw TunFailure.Impossible(
                name, $"the name has {bytes} bytes; the kernel takes 1 to {IfReq.IFNAMSIZ - 1}. Choose another name.");
        if (name is "." or ".." || name.Any(IsForbidden))
            throw TunFailure.Impossible(name,
                "an interface name has no blank, control character, slash, colon or percent sign. Choose another name.");
    }

    private static bool IsForbidden(char c) =>
        c is '/' or ':' or '%' || char.IsWhiteSpace(c) || char.IsControl(c);

    private static int Attach(FileDescriptor descriptor, string name)
    {
        var request = new IfReq { ifr_flags = LibC.IFF_TUN | LibC.IFF_NO_PI | LibC.IFF_TUN_EXCL };
        Encoding.UTF8.GetBytes(name, request.ifr_name);
        while (LibC.ioctl(descriptor.Number, LibC.TUNSETIFF, &request) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno != KernelError.EINTR)
                return errno;
        }
        return 0;
    }

    private static string OpenRemedy(int errno) => errno switch
    {
        KernelError.ENOENT or KernelError.ENODEV or KernelError.ENXIO =>
            " Load the kernel's tun driver: modprobe tun (docs/running.md).",
        KernelError.EACCES =>
            $" Run with CAP_NET_ADMIN and read and write access to {CloneDevice} (docs/running.md).",
        _ => KernelError.Remedy(errno),
    };

    private static string AttachRemedy(int errno) => errno switch
    {
        KernelError.EBUSY => " An interface of that name exists and is left alone. Choose another name or remove it.",
        _ => KernelError.Remedy(errno),
    };
}
