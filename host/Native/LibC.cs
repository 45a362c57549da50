using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VibePN.Host.Native;

/// <summary>libc calls. Names and types follow the C headers; nothing here decides.</summary>
internal static unsafe partial class LibC
{
    /// <summary>fcntl.h: resolve relative to the working directory.</summary>
    public const int AT_FDCWD = -100;

    /// <summary>fcntl.h: do not follow a symbolic link at the end of the path.</summary>
    public const int AT_SYMLINK_NOFOLLOW = 0x100;

    /// <summary>linux/stat.h: type, mode, owner and the like.</summary>
    public const uint STATX_BASIC_STATS = 0x7FF;

    /// <summary>fcntl.h: read only.</summary>
    public const int O_RDONLY = 0;

    /// <summary>fcntl.h: write only.</summary>
    public const int O_WRONLY = 1;

    /// <summary>fcntl.h: make the file.</summary>
    public const int O_CREAT = 0x40;

    /// <summary>fcntl.h: with O_CREAT, fail when the file exists or is a link.</summary>
    public const int O_EXCL = 0x80;

    /// <summary>fcntl.h: every write goes to the end.</summary>
    public const int O_APPEND = 0x400;

    /// <summary>fcntl.h: fail on a symbolic link. The value differs on arm64, as in the kernel's own header.</summary>
    public static int O_NOFOLLOW =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>fcntl.h: fail unless a directory. The value differs on arm64, as in the kernel's own header.</summary>
    public static int O_DIRECTORY =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>fcntl.h: close on exec.</summary>
    public const int O_CLOEXEC = 0x80000;

    /// <summary>fcntl.h: read and write.</summary>
    public const int O_RDWR = 2;

    /// <summary>linux/if_tun.h: attach this descriptor to an interface.</summary>
    public const nuint TUNSETIFF = 0x4004_54CA;

    /// <summary>linux/if_tun.h: a layer-3 interface.</summary>
    public const short IFF_TUN = 1;

    /// <summary>linux/if_tun.h: packets without a header in front.</summary>
    public const short IFF_NO_PI = 0x1000;

    /// <summary>sys/timex.h: nothing keeps the clock right.</summary>
    public const int STA_UNSYNC = 0x40;

    /// <summary>sys/socket.h: options of the socket itself.</summary>
    public const int SOL_SOCKET = 1;

    /// <summary>sys/socket.h: the buffer for sending, in bytes as the kernel counts them.</summary>
    public const int SO_SNDBUF = 7;

    /// <summary>sys/socket.h: the buffer for receiving, in bytes as the kernel counts them.</summary>
    public const int SO_RCVBUF = 8;

    /// <summary>sys/resource.h: the size of core files.</summary>
    public const int RLIMIT_CORE = 4;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int dirfd, string path, int flags, uint mask, Statx* result);

    // open is variadic in C. On Linux x64 and arm64 a variadic integer travels in the same register as a named
    // one, so this fixed prototype is sound there. The mode counts with O_CREAT only.
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(SafeFileHandle handle, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(SafeFileHandle handle, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(SafeFileHandle handle);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, int mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setrlimit(int resource, RLimit* limits);

    [LibraryImport("libc")]
    public static partial uint geteuid();

    // ioctl is variadic in C; as with open, a pointer travels in the same register.
    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(SafeFileHandle handle, nuint request, IfReq* argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int adjtimex(Timex* argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(int socket, int level, int option, int* value, int* length);
}

/// <summary>linux/if.h: <c>struct ifreq</c>, as far as TUNSETIFF uses it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct IfReq
{
    /// <summary>Bytes of an interface name with its terminating zero.</summary>
    public const int IFNAMSIZ = 16;

    [FieldOffset(0)]
    public fixed byte Name[IFNAMSIZ];

    [FieldOffset(16)]
    public short Flags;
}

/// <summary>sys/timex.h: <c>struct timex</c>, of which only the question "what is it?" (no modes) is asked; 208 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 208)]
internal struct Timex
{
    [FieldOffset(0)]
    public uint Modes;

    [FieldOffset(40)]
    public int Status;
}

/// <summary>sys/resource.h: <c>struct rlimit</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RLimit
{
    public ulong Current;
    public ulong Maximum;
}

/// <summary>linux/stat.h: <c>struct statx</c>, the same on every architecture; 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Statx
{
    [FieldOffset(20)]
    public uint Uid;

    [FieldOffset(24)]
    public uint Gid;

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;
}
