using System.Runtime.InteropServices;

namespace VibePN.Stores.Tests;

/// <summary>Gives files away. Needs root.</summary>
internal static partial class Owner
{
    public static void Set(string path, int uid)
    {
        if (chown(path, uid, -1) != 0)
            throw new InvalidOperationException($"chown {path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chown(string path, int owner, int group);
}
