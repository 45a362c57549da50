using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>One bound UDP socket, non-blocking, with the kernel's batching switched on where it has it.</summary>
internal sealed unsafe class UdpSocket : IDisposable
{
    private readonly Lock _gate = new();
    private volatile int _fd;

    private UdpSocket(int fd, IPEndPoint local)
    {
        _fd = fd;
        LocalEndPoint = local;
        Local = SocketAddress28.From(local);
    }

    /// <summary>The descriptor; -1 once disposed.</summary>
    public int Fd => _fd;

    /// <summary>Those of its address, for all loops. Set before any loop sees it.</summary>
    public SocketGroup Group { get; set; } = null!;

    /// <summary>The address really bound.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The same as the kernel sees it: every connection's constant local path.</summary>
    public SocketAddress28 Local { get; }

    /// <summary>Whether it receives for every address of its family.</summary>
    public bool IsWildcard => Local.IsWildcard;

    /// <summary>Connections that use it, those included that only recognise late packets. Loop's thread.</summary>
    public int Connections { get; set; }

    /// <summary>When it closes at the latest; <see cref="ulong.MaxValue"/> while it is listed. Loop's thread.</summary>
    public ulong ClosesAt { get; set; } = ulong.MaxValue;

    /// <summary>It does not close before this. Loop's thread.</summary>
    public ulong StaysUntil { get; set; }

    /// <summary>Whether equal-size runs leave as one message; switched off when the kernel or driver refuses.</summary>
    public bool Gso { get; set; }

    /// <summary>Whether datagrams of one sender may arrive as one message.</summary>
    public bool Gro { get; private set; }

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
    /// <param name="endPoint">Where; a port 0 lets the kernel choose.</param>
    /// <param name="settings">Buffers and offloads.</param>
    /// <param name="shared">Whether the port may be one that sockets with <see cref="SetShared"/> have.</param>
    /// <param name="sharesPort">Whether the port is that of sockets with <see cref="SharePort"/>.</param>
    public static UdpSocket Open(IPEndPoint endPoint, QuicSettings settings, bool shared = false, bool sharesPort = false)
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
            if (shared)
                Set(fd, LibC.SOL_SOCKET, LibC.SO_REUSEADDR, 1);
            if (sharesPort)
                Set(fd, LibC.SOL_SOCKET, LibC.SO_REUSEPORT, 1);
            SocketAddress28 address = SocketAddress28.From(endPoint);
            if (LibC.bind(fd, &address, address.Length) != 0)
                throw Fault(endPoint, "bind", Marshal.GetLastPInvokeError());
            uint length = SocketAddress28.Size;
            if (LibC.getsockname(fd, &address, &length) != 0)
                throw Fault(endPoint, "getsockname", Marshal.GetLastPInvokeError());
            var socket = new UdpSocket(fd, address.ToEndPoint());
            // An answer on a wildcard socket must come from the address that was asked: the client knows no other.
            if (socket.IsWildcard)
                Set(fd, v6 ? LibC.SOL_IPV6 : LibC.SOL_IP, v6 ? LibC.IPV6_RECVPKTINFO : LibC.IP_PKTINFO, 1);
            // DF on every packet, and never the kernel's cached path MTU: QUIC finds its own (RFC 9000 §14).
            Set(fd, v6 ? LibC.SOL_IPV6 : LibC.SOL_IP, v6 ? LibC.IPV6_MTU_DISCOVER : LibC.IP_MTU_DISCOVER,
                LibC.PMTUDISC_PROBE);
            socket.Configure(settings);
            return socket;
        }
        catch
        {
            _ = LibC.close(fd);
            throw;
        }
    }

    /// <summary>Takes the settings that can change: buffers and offloads.</summary>
    public void Configure(QuicSettings settings)
    {
        Gro = Set(_fd, LibC.SOL_UDP, LibC.UDP_GRO, settings.Gro ? 1 : 0) && settings.Gro;
        // Asking for "no segmentation by default" succeeds exactly where the option exists.
        Gso = settings.Gso && Set(_fd, LibC.SOL_UDP, LibC.UDP_SEGMENT, 0);
        bool large = SetBuffer(LibC.SO_SNDBUFFORCE, LibC.SO_SNDBUF, settings.SocketBufferBytes);
        large &= SetBuffer(LibC.SO_RCVBUFFORCE, LibC.SO_RCVBUF, settings.SocketBufferBytes);
        SmallBuffers = !large;
    }

    /// <summary>Lets further sockets of this user's processes have the port, if they ask for that.</summary>
    /// <remarks>Processes of the same user only; and one that does not ask, or asks first, is refused.</remarks>
    public void SharePort() => Set(_fd, LibC.SOL_SOCKET, LibC.SO_REUSEPORT, 1);

    /// <summary>Tells the kernel which of the sockets with the same port a datagram is for: the one its connection ID names.</summary>
    /// <param name="loops">How many there are, this one the first.</param>
    /// <returns>False when the kernel refuses; it then spreads them by address.</returns>
    public bool TrySteer(int loops)
    {
        // The datagram begins at byte 0. A long header has the ID's length at byte 5.
        SockFilter* program = stackalloc SockFilter[]
        {
            new() { Code = SockFilter.LoadByte, K = 0 },
            new() { Code = SockFilter.JumpIfSet, K = ConnectionId.LongHeader, IfFalse = 2 },
            new() { Code = SockFilter.LoadByte, K = ConnectionId.LongPlace },
            new() { Code = SockFilter.Jump, K = 1 },
            new() { Code = SockFilter.LoadByte, K = ConnectionId.ShortPlace },
            new() { Code = SockFilter.Modulo, K = (uint)loops },
            new() { Code = SockFilter.Return },
        };
        var whole = new SockFprog { Length = 7, Filter = program };
        return LibC.setsockopt(_fd, LibC.SOL_SOCKET, LibC.SO_ATTACH_REUSEPORT_CBPF, &whole, (uint)sizeof(SockFprog)) == 0;
    }

    /// <summary>Whether a socket opened as shared may have the same port. Any thread.</summary>
    public void SetShared(bool shared)
    {
        lock (_gate)
        {
            if (_fd >= 0)
                Set(_fd, LibC.SOL_SOCKET, LibC.SO_REUSEADDR, shared ? 1 : 0);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_fd >= 0)
                _ = LibC.close(_fd);
            _fd = -1;
        }
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
