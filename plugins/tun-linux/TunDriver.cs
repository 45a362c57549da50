using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux;

/// <summary>Asks the kernel's tun driver for a new interface.</summary>
internal static unsafe class TunDriver
{
    /// <summary>What a current kernel's driver can do.</summary>
    public const OffloadCapabilities All =
        OffloadCapabilities.PartialChecksum | OffloadCapabilities.TcpSegmentation | OffloadCapabilities.UdpSegmentation;

    private const string CloneDevice = "/dev/net/tun";

    // Up to 6.8.4 the kernel breaks VXLAN that is inside of UDP super packets.
    private static readonly Version s_udpSafe = new(6, 8, 5);

    // Most first. A kernel that does not know one of the bits refuses all of them: UDP came with 6.2.
    private static readonly (nuint Bits, OffloadCapabilities Meaning)[] s_offloads =
    [
        (LibC.TUN_F_CSUM | LibC.TUN_F_TSO4 | LibC.TUN_F_TSO6 | LibC.TUN_F_TSO_ECN | LibC.TUN_F_USO4 | LibC.TUN_F_USO6, All),
        (LibC.TUN_F_CSUM | LibC.TUN_F_TSO4 | LibC.TUN_F_TSO6 | LibC.TUN_F_TSO_ECN, All & ~OffloadCapabilities.UdpSegmentation),
    ];

    /// <summary>Creates an interface that lives as long as the returned descriptor.</summary>
    /// <param name="name">Its name; one that is taken is an error.</param>
    /// <param name="withOffloads">
    /// Whether reads and writes are to begin with a virtio header and may be super packets; without, each is one IP packet.
    /// </param>
    /// <param name="joinUdp">The setting of that name: auto, on or off.</param>
    /// <param name="features">What the interface's packets are like.</param>
    /// <returns>A non-blocking descriptor.</returns>
    /// <exception cref="TunException">Nothing was created.</exception>
    public static FileDescriptor Create(string name, bool withOffloads, string joinUdp, out DriverFeatures features)
    {
        CheckName(name);
        int fd = LibC.open(CloneDevice, LibC.O_RDWR | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        if (fd < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw TunFailure.NotOpened(name, $"open({CloneDevice})", errno, OpenRemedy(errno));
        }
        var descriptor = new FileDescriptor(fd);
        int refusal = Attach(descriptor, name, withOffloads);
        if (refusal == 0)
        {
            OffloadCapabilities offloads = withOffloads ? TakeOffloads(descriptor) : OffloadCapabilities.None;
            features = new DriverFeatures(withOffloads, offloads, WhyNotUdp(offloads, joinUdp, Environment.OSVersion.Version));
            return descriptor;
        }
        descriptor.Dispose();
        throw TunFailure.NotOpened(name, "TUNSETIFF", refusal, AttachRemedy(refusal));
    }

    /// <summary>Why UDP datagrams should not be joined towards a kernel; empty when they may.</summary>
    /// <param name="offloads">What its driver takes.</param>
    /// <param name="setting">auto, on or off.</param>
    /// <param name="kernel">Its version.</param>
    public static string WhyNotUdp(OffloadCapabilities offloads, string setting, Version kernel) =>
        (offloads & OffloadCapabilities.UdpSegmentation) == OffloadCapabilities.None ? "this kernel does not take it (before 6.2)"
        : setting == "off" ? "as the setting says (join_udp = \"off\")"
        : setting == "auto" && kernel < s_udpSafe ? $"kernels before {s_udpSafe} lose VXLAN inside (join_udp)"
        : "";

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

    // A kernel that refuses them all sends ordinary packets behind empty headers: slower, and nothing else.
    private static OffloadCapabilities TakeOffloads(FileDescriptor descriptor)
    {
        foreach ((nuint bits, OffloadCapabilities meaning) in s_offloads)
        {
            if (LibC.ioctl_value(descriptor.Number, LibC.TUNSETOFFLOAD, bits) == 0)
                return meaning;
        }
        return OffloadCapabilities.None;
    }

    private static int Attach(FileDescriptor descriptor, string name, bool withOffloads)
    {
        short flags = LibC.IFF_TUN | LibC.IFF_NO_PI | LibC.IFF_TUN_EXCL;
        var request = new IfReq { ifr_flags = withOffloads ? (short)(flags | LibC.IFF_VNET_HDR) : flags };
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

/// <summary>What the packets of an interface are like.</summary>
/// <param name="HasHeaders">Whether each begins with a virtio header.</param>
/// <param name="Offloads">What the kernel hands over, and takes, beyond ordinary packets.</param>
/// <param name="WhyNotUdp">Why UDP datagrams are not to be joined towards the kernel, in a clause; empty when they are.</param>
internal readonly record struct DriverFeatures(bool HasHeaders, OffloadCapabilities Offloads, string WhyNotUdp);
