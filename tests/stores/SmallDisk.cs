using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace VibePN.Stores.Tests;

/// <summary>A disk of a few pages, for one thread only: it is gone with the thread, whatever happens. Needs root.</summary>
internal sealed partial class SmallDisk
{
    private const int CLONE_NEWNS = 0x0002_0000;
    private const ulong MS_RDONLY = 1;
    private const ulong MS_REMOUNT = 32;
    private const ulong MS_REC_PRIVATE = 0x4000 | (1 << 18);

    private readonly string _path;

    private SmallDisk(string path) => _path = path;

    /// <summary>Runs code on a thread that sees the disk at the path.</summary>
    public static void Run(string path, Action<SmallDisk> action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Check(unshare(CLONE_NEWNS), "unshare");
                Check(mount("none", "/", null, MS_REC_PRIVATE, null), "mount private");
                Check(mount("tmpfs", path, "tmpfs", 0, "size=64k,mode=0700"), "mount tmpfs");
                action(new SmallDisk(path));
            }
            catch (Exception exception) // handed to the thread that waits
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>Leaves no room.</summary>
    public void Fill()
    {
        using FileStream file = File.Create(Path.Combine(_path, "filler"));
        byte[] page = new byte[4_096];
        Assert.Throws<IOException>(() =>
        {
            for (int pages = 0; pages < 1_000; pages++)
            {
                file.Write(page);
                file.Flush();
            }
        });
    }

    /// <summary>Makes room again.</summary>
    public void Clear() => File.Delete(Path.Combine(_path, "filler"));

    /// <summary>Forbids every write, root's too.</summary>
    public void SetReadOnly(bool isReadOnly) =>
        Check(mount(null, _path, null, MS_REMOUNT | (isReadOnly ? MS_RDONLY : 0), null), "remount");

    private static void Check(int result, string call)
    {
        if (result != 0)
            throw new InvalidOperationException($"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string? source, string target, string? type, ulong flags, string? data);
}
