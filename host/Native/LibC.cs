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

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;
}
