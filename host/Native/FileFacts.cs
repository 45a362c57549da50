using System.Runtime.InteropServices;

namespace VibePN.Host.Native;

/// <summary>Owner, mode and identity of a file, which the base library does not tell all of.</summary>
/// <param name="Uid">The owner.</param>
/// <param name="Mode">Type and permission bits, as in <c>st_mode</c>.</param>
/// <param name="Device">Major and minor device number, as <c>makedev</c> joins them.</param>
/// <param name="Inode">The inode's number.</param>
internal readonly record struct FileFacts(uint Uid, int Mode, ulong Device, ulong Inode)
{
    private const int TypeMask = 0xF000;
    private const int SymbolicLink = 0xA000;
    private const int RegularFile = 0x8000;

    /// <summary>The group.</summary>
    public uint Gid { get; init; }

    /// <summary>The user this process acts as.</summary>
    public static uint EffectiveUser => LibC.geteuid();

    /// <summary>Whether group or others may write.</summary>
    public bool IsWritableByOthers => (Mode & 0x12) != 0;

    /// <summary>Whether group or others may do anything at all.</summary>
    public bool IsOpenToOthers => (Mode & 0x3F) != 0;

    /// <summary>Whether it is a symbolic link (only seen when links are not followed).</summary>
    public bool IsLink => (Mode & TypeMask) == SymbolicLink;

    /// <summary>Whether it is a file that holds bytes, and no directory, device or pipe.</summary>
    public bool IsRegularFile => (Mode & TypeMask) == RegularFile;

    /// <summary>The permission bits in octal, such as <c>0644</c>.</summary>
    public string ModeText => "0" + Convert.ToString(Mode & 0x1FF, 8);

    /// <summary>Asks the kernel; null with the kernel's words when it refuses.</summary>
    public static FileFacts? TryRead(string path, bool followLinks, out string error)
    {
        int result = TryStat(path, followLinks, out FileFacts facts);
        error = result < 0 ? Marshal.GetPInvokeErrorMessage(-result) : "";
        return result < 0 ? null : facts;
    }

    /// <summary>Asks the kernel; the negative error number when it refuses.</summary>
    public static unsafe int TryStat(string path, bool followLinks, out FileFacts facts)
    {
        Statx result;
        int flags = followLinks ? 0 : LibC.AT_SYMLINK_NOFOLLOW;
        if (LibC.statx(LibC.AT_FDCWD, path, flags, LibC.STATX_BASIC_STATS, &result) != 0)
        {
            facts = default;
            return -Marshal.GetLastPInvokeError();
        }

        ulong device = ((ulong)result.DeviceMajor << 8) | (result.DeviceMinor & 0xFF)
            | ((ulong)(result.DeviceMinor & ~0xFFu) << 12);
        facts = new FileFacts(result.Uid, result.Mode, device, result.Inode) { Gid = result.Gid };
        return 0;
    }
}
