using System.Runtime.InteropServices;

namespace VibePN.Vpnctl.Native;

/// <summary>libc calls. Names and types follow the C headers; nothing here decides.</summary>
internal static partial class LibC
{
    /// <summary>unistd.h: owner and group of a file.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, uint owner, uint group);
}
