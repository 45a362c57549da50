using System.Runtime.InteropServices;

namespace VibePN.Vpnctl.Native;

/// <summary>libc calls for what the base library has no call for. Names and types follow the C headers.</summary>
internal static unsafe partial class LibC
{
    /// <summary>fcntl.h: resolve relative to the working directory.</summary>
    public const int AT_FDCWD = -100;

    /// <summary>linux/stat.h: type, mode, owner and the like.</summary>
    public const uint STATX_BASIC_STATS = 0x7FF;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int dirfd, string path, int flags, uint mask, Statx* result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, uint owner, uint group);
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
}
