using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VibePN.Host.Native;

/// <summary>Replaces files so that a crash at any instant leaves the old content or the new, whole.</summary>
internal static class AtomicFile
{
    /// <summary>Writes a file for the owner only.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="content">What it is to hold.</param>
    /// <exception cref="IOException">Not written; the old file stands.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew, // O_EXCL: never follows a link somebody laid
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    // The rename itself is on disk only when the directory is.
    private static void SyncDirectory(string path)
    {
        using SafeFileHandle handle = LibC.open(path, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC);
        if (handle.IsInvalid || LibC.fsync(handle) != 0)
            throw new IOException($"{path} could not be synchronised to disk: {Marshal.GetLastPInvokeErrorMessage()}.");
    }
}
