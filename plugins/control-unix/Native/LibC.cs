using System.Runtime.InteropServices;

namespace VibePN.Plugins.ControlUnix.Native;

/// <summary>libc calls. Names and types follow the C headers; nothing here decides.</summary>
internal static unsafe partial class LibC
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int EROFS = 30;

    /// <summary>fcntl.h: paths are relative to the working directory.</summary>
    public const int AT_FDCWD = -100;

    /// <summary>fcntl.h: look at a symbolic link itself.</summary>
    public const int AT_SYMLINK_NOFOLLOW = 0x100;

    /// <summary>linux/stat.h: everything that stat(2) tells.</summary>
    public const uint STATX_BASIC_STATS = 0x7FF;

    /// <summary>sys/stat.h: the bits of a mode that hold the kind of file.</summary>
    public const ushort S_IFMT = 0xF000;

    /// <summary>sys/stat.h: the file is a socket.</summary>
    public const ushort S_IFSOCK = 0xC000;

    /// <summary>bits/socket.h: the level of socket options.</summary>
    public const int SOL_SOCKET = 1;

    /// <summary>asm-generic/socket.h: struct ucred of whoever connected.</summary>
    public const int SO_PEERCRED = 17;

    /// <summary>asm-generic/socket.h: the supplementary groups of whoever connected, as gid_t each.</summary>
    public const int SO_PEERGROUPS = 59;

    /// <summary>chown(2): leave this owner as it is.</summary>
    public const uint Unchanged = uint.MaxValue;

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int link(string oldPath, string newPath);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string oldPath, string newPath);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, uint owner, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int directory, string path, int flags, uint mask, Statx* result);
}

/// <summary>linux/stat.h: struct statx, which has one layout on every architecture. 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Statx
{
    [FieldOffset(20)]
    public uint stx_uid;

    [FieldOffset(24)]
    public uint stx_gid;

    [FieldOffset(28)]
    public ushort stx_mode;

    [FieldOffset(32)]
    public ulong stx_ino;

    [FieldOffset(136)]
    public uint stx_dev_major;

    [FieldOffset(140)]
    public uint stx_dev_minor;
}

/// <summary>bits/socket.h: struct ucred.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Ucred
{
    public int pid;
    public uint uid;
    public uint gid;
}
