using System.Runtime.InteropServices;

namespace VibePN.Plugins.TunLinux.Native;

/// <summary>libc calls. Names and types follow the C headers; nothing here decides.</summary>
/// <remarks>A result of -1 leaves its errno in <see cref="Marshal.GetLastPInvokeError"/>: read it at once.</remarks>
internal static unsafe partial class LibC
{
    // fcntl.h, poll.h, sys/eventfd.h
    public const int O_RDWR = 2;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const short POLLIN = 1;
    public const int EFD_NONBLOCK = O_NONBLOCK;
    public const int EFD_CLOEXEC = O_CLOEXEC;

    // linux/if_tun.h
    public const nuint TUNSETIFF = 0x4004_54CA;
    public const short IFF_TUN = 0x0001;
    public const short IFF_NO_PI = 0x1000;
    public const short IFF_TUN_EXCL = unchecked((short)0x8000);
    public const short IFF_VNET_HDR = 0x4000;
    public const nuint TUNSETOFFLOAD = 0x4004_54D0;
    public const nuint TUN_F_CSUM = 0x01;
    public const nuint TUN_F_TSO4 = 0x02;
    public const nuint TUN_F_TSO6 = 0x04;
    public const nuint TUN_F_TSO_ECN = 0x08;
    public const nuint TUN_F_USO4 = 0x20;
    public const nuint TUN_F_USO6 = 0x40;

    // sys/socket.h, linux/netlink.h
    public const int AF_NETLINK = 16;
    public const int SOCK_RAW = 3;
    public const int SOCK_NONBLOCK = O_NONBLOCK;
    public const int SOCK_CLOEXEC = O_CLOEXEC;
    public const int NETLINK_ROUTE = 0;
    public const int SOL_SOCKET = 1;
    public const int SO_RCVTIMEO = 20;
    public const int SOL_NETLINK = 270;
    public const int NETLINK_CAP_ACK = 10;
    public const int NETLINK_EXT_ACK = 11;
    public const int NETLINK_GET_STRICT_CHK = 12;
    public const int MSG_TRUNC = 0x20;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string pathname, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int fd, byte* buf, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int fd, byte* buf, nuint count);

    // ioctl is variadic in C. On Linux x64 and arm64 a variadic pointer travels in the
    // same register as a named one, so this fixed prototype is sound there.
    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, IfReq* argument);

    // The same call where the third argument is a number and no pointer.
    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int ioctl_value(int fd, nuint request, nuint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint writev(int fd, IoVec* iov, int iovcnt);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint nfds, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initval, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int bind(int sockfd, SockAddrNl* addr, uint addrlen);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsockopt(int sockfd, int level, int optname, void* optval, uint optlen);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint send(int sockfd, byte* buf, nuint len, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint recvfrom(int sockfd, byte* buf, nuint len, int flags, SockAddrNl* addr, uint* addrlen);
}
