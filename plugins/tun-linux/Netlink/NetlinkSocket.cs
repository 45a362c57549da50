using System.Runtime.InteropServices;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>A socket to the kernel's routing tables, bound to the network namespace it was made in.</summary>
/// <remarks>One thread at a time may receive. Only datagrams of the kernel itself are handed out.</remarks>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    // The kernel builds dump datagrams of up to 32 KB when the receiver's buffer allows.
    private const int BufferSize = 65_536;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);

    private NetlinkSocket(int fd) => Descriptor = new FileDescriptor(fd);

    /// <summary>What to poll for POLLIN.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Opens a socket for requests.</summary>
    /// <param name="answerLimit">How long receiving waits before it gives up with EAGAIN.</param>
    /// <exception cref="NetlinkException">The kernel has no such socket for us.</exception>
    public static NetlinkSocket OpenForRequests(TimeSpan answerLimit)
    {
        NetlinkSocket socket = Open(flags: 0, groups: 0);
        try
        {
            var limit = new TimeVal
            {
                tv_sec = (long)answerLimit.TotalSeconds,
                tv_usec = answerLimit.Milliseconds * 1000L,
            };
            socket.SetOption(LibC.SOL_SOCKET, LibC.SO_RCVTIMEO, &limit, sizeof(TimeVal));
            int on = 1;
            // Each makes answers better and may be missing on old kernels; the code works without them.
            socket.SetOption(LibC.SOL_NETLINK, LibC.NETLINK_EXT_ACK, &on, sizeof(int));
            socket.SetOption(LibC.SOL_NETLINK, LibC.NETLINK_CAP_ACK, &on, sizeof(int));
            socket.SetOption(LibC.SOL_NETLINK, LibC.NETLINK_GET_STRICT_CHK, &on, sizeof(int));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Opens a socket that hears the announcements of the given groups. Receiving never blocks.</summary>
    /// <exception cref="NetlinkException">The kernel has no such socket for us.</exception>
    public static NetlinkSocket OpenForAnnouncements(uint groups) => Open(LibC.SOCK_NONBLOCK, groups);

    /// <summary>Sends one request.</summary>
    /// <returns>0 or the errno.</returns>
    public int Send(ReadOnlySpan<byte> request)
    {
        fixed (byte* bytes = request)
            while (LibC.send(Descriptor.Number, bytes, (nuint)request.Length, 0) < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                if (errno != KernelError.EINTR)
                    return errno;
            }
        return 0;
    }

    /// <summary>Receives one datagram of the kernel.</summary>
    /// <param name="datagram">Borrowed: valid until the next call.</param>
    /// <returns>0, or the errno: EAGAIN when there is none, ENOBUFS when announcements were lost.</returns>
    public int Receive(out ReadOnlySpan<byte> datagram)
    {
        datagram = default;
        fixed (byte* bytes = _buffer)
            while (true)
            {
                SockAddrNl sender = default;
                uint senderSize = (uint)sizeof(SockAddrNl);
                nint length = LibC.recvfrom(
                    Descriptor.Number, bytes, BufferSize, LibC.MSG_TRUNC, &sender, &senderSize);
                if (length < 0)
                {
                    int errno = Marshal.GetLastPInvokeError();
                    if (errno == KernelError.EINTR)
                        continue;
                    return errno;
                }
                if (sender.nl_pid != 0)
                    continue; // another process; only the kernel has port 0
                if (length > BufferSize)
                    return KernelError.ENOBUFS;
                datagram = _buffer.AsSpan(0, (int)length);
                return 0;
            }
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private static NetlinkSocket Open(int flags, uint groups)
    {
        int fd = LibC.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC | flags, LibC.NETLINK_ROUTE);
        if (fd < 0)
            throw new NetlinkException("socket(AF_NETLINK)", Marshal.GetLastPInvokeError());
        var socket = new NetlinkSocket(fd);
        var address = new SockAddrNl { nl_family = LibC.AF_NETLINK, nl_groups = groups };
        if (LibC.bind(fd, &address, (uint)sizeof(SockAddrNl)) == 0)
            return socket;
        int errno = Marshal.GetLastPInvokeError();
        socket.Dispose();
        throw new NetlinkException("bind(AF_NETLINK)", errno);
    }

    private void SetOption(int level, int option, void* value, int size) =>
        _ = LibC.setsockopt(Descriptor.Number, level, option, value, (uint)size);
}
