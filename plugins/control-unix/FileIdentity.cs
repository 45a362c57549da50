using System.Runtime.InteropServices;
using VibePN.Plugins.ControlUnix.Native;

namespace VibePN.Plugins.ControlUnix;

/// <summary>What a path leads to at one moment: which file, of what kind, whose. Links are not followed.</summary>
/// <param name="Device">The file system.</param>
/// <param name="Inode">The file in it.</param>
/// <param name="Owner">The owner's uid.</param>
/// <param name="IsSocket">Whether it is a Unix socket.</param>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, uint Owner, bool IsSocket)
{
    /// <summary>Looks at a path.</summary>
    /// <returns>Null when nothing is there, or it may not be looked at.</returns>
    public static unsafe FileIdentity? Of(string path)
    {
        Statx stat;
        if (LibC.statx(LibC.AT_FDCWD, path, LibC.AT_SYMLINK_NOFOLLOW, LibC.STATX_BASIC_STATS, &stat) != 0)
            return null;
        ulong device = ((ulong)stat.stx_dev_major << 32) | stat.stx_dev_minor;
        return new FileIdentity(
            device, stat.stx_ino, stat.stx_uid, (stat.stx_mode & LibC.S_IFMT) == LibC.S_IFSOCK);
    }

    /// <summary>The kernel's words for the last failed libc call.</summary>
    public static string LastErrorText() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
