using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>One bound UDP socket, non-blocking, with the kernel's batching switched on where it has it.</summary>
internal sealed unsafe class UdpSocket : IDisposable
{
    private int _fd;

    private UdpSocket(int fd, IPEndPoint local)
    {
        _fd = fd;
        LocalEndPoint = local;
        Local = SocketAddress28.From(local);
    }

    /// <summary>The descriptor; -1 once disposed.</summary>
    public int Fd => _fd;

    /// <summary>The address really bound.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The same as the kernel sees it: every connection's constant local path.</summary>
    public SocketAddress28 Local { get; }

    /// <summary>Whether equal-size runs leave as one message; switched off when the kernel or driver refuses.</summary>
    public bool Gso { get; set; }

    /// <summary>Whether the kernel gave less buffer than was asked for.</summary>
    public bool SmallBuffers { get; private set; }

    /// <summary>Whether the kernel has the family of this address at all; IPv6 can be switched off at boot.</summary>
    public static bool Supports(IPEndPoint endPoint)
    {
        if (endPoint.AddressFamily != AddressFamily.InterNetworkV6)
            return true;
        int fd = LibC.socket(LibC.AF_INET6, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Marshal.GetLastPInvokeError() != LibC.EAFNOSUPPORT;
        _ = LibC.close(fd);
        return true;
    }

    /// <summary>Opens and binds.</summary>
    /// <exception cref="PluginException">The address is taken, not ours, or not allowed; nothing stays open.</exception>
    public static UdpSocket Open(IPEndPoint endPoint, QuicSettings settings)
    {
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        int fd = LibC.socket(
            v6 ? LibC.AF_INET6 : LibC.AF_INET, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK, 0);
        if (fd < 0)
            throw Fault(endPoint, "socket", Marshal.GetLastPInvokeError());
        try
        {
            if (v6)
                Set(fd, LibC.SOL_IPV6, LibC.IPV6_V6ONLY, 1);
            SocketAddress28 address = SocketAddress28.From(endPoint);
            if (LibC.bind(fd, &address, address.Length) != 0)
                throw Fault(endPoint, "bind", Marshal.GetLastPInvokeError());
            uint length = SocketAddress28.Size;
            if (LibC.getsockname(fd, &address, &length) != 0)
                throw Fault(endPoint, "getsockname", Marshal.GetLastPInvokeError());
            var socket = new UdpSocket(fd, address.ToEndPoint());
            socket.Configure(v6, settings);
            return socket;
        }
        catch
        {
            _ = LibC.close(fd);
            throw;
        }
    }

    public void Dispose()
    {
        if (_fd >= 0)
            _ = LibC.close(_fd);
        _fd = -1;
    }

    private void Configure(bool v6, QuicSettings settings)
    {
        // DF on every packet, and never the kernel's cached path MTU: QUIC finds its own (RFC 9000 §14).
        int level = v6 ? LibC.SOL_IPV6 : LibC.SOL_IP;
        Set(_fd, level, v6 ? LibC.IPV6_MTU_DISCOVER : LibC.IP_MTU_DISCOVER, LibC.PMTUDISC_PROBE);
        // On a wildcard socket an answer must come from the address that was asked: the client knows no other.
        if (LocalEndPoint.Address.Equals(v6 ? IPAddress.IPv6Any : IPAddress.Any))
            Set(_fd, level, v6 ? LibC.IPV6_RECVPKTINFO : LibC.IP_PKTINFO, 1);
        if (settings.Gro)
            Set(_fd, LibC.SOL_UDP, LibC.UDP_GRO, 1);
        // Asking for "no segmentation by default" succeeds exactly where the option exists.
        Gso = settings.Gso && Set(_fd, LibC.SOL_UDP, LibC.UDP_SEGMENT, 0);
        bool large = SetBuffer(LibC.SO_SNDBUFFORCE, LibC.SO_SNDBUF, settings.SocketBufferBytes);
        large &= SetBuffer(LibC.SO_RCVBUFFORCE, LibC.SO_RCVBUF, settings.SocketBufferBytes);
        SmallBuffers = !large;
    }

    // The forced form goes above net.core.{r,w}mem_max but needs CAP_NET_ADMIN.
    private bool SetBuffer(int forced, int ordinary, int bytes)
    {
        if (Set(_fd, LibC.SOL_SOCKET, forced, bytes))
            return true;
        Set(_fd, LibC.SOL_SOCKET, ordinary, bytes);
        int granted = 0;
        uint length = sizeof(int);
        // The kernel reports twice what it grants (socket(7)).
        return LibC.getsockopt(_fd, LibC.SOL_SOCKET, ordinary, &granted, &length) == 0 && granted / 2 >= bytes;
    }

    private static bool Set(int fd, int level, int name, int value) =>
        LibC.setsockopt(fd, level, name, &value, sizeof(int)) == 0;

    private static PluginException Fault(IPEndPoint endPoint, string call, int errno)
    {
        string remedy = errno switch
        {
            LibC.EADDRINUSE => "Another process has the port; choose another in 'listen' or stop that process.",
            LibC.EADDRNOTAVAIL => "No interface has this address; correct 'listen'.",
            LibC.EACCES or LibC.EPERM => "Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port.",
            _ => "Check 'listen' and the system's limits.",
        };
        PluginFault kind = errno is LibC.EACCES or LibC.EPERM ? PluginFault.Privilege : PluginFault.Unavailable;
        return new PluginException(
            $"UDP socket {endPoint} could not be opened: {call} returned {LibC.NameOfErrno(errno)}. {remedy}")
        { Fault = kind };
    }
}
