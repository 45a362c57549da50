using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VibePN.Host.Native;

/// <summary>The kernel's own file-system calls.</summary>
internal sealed class KernelFiles : IFileCalls
{
    private const int OwnerOnly = 0x180; // 0600
    private const int OwnerOnlyDirectory = 0x1C0; // 0700

    private KernelFiles()
    {
    }

    /// <summary>There is one kernel.</summary>
    public static KernelFiles Instance { get; } = new();

    /// <inheritdoc/>
    public int TryCreate(string path, out IFileHandle? file) => Open(
        path, LibC.O_WRONLY | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC | LibC.O_NOFOLLOW, out file);

    /// <inheritdoc/>
    public int TryAppend(string path, out IFileHandle? file) => Open(
        path, LibC.O_WRONLY | LibC.O_CREAT | LibC.O_APPEND | LibC.O_CLOEXEC | LibC.O_NOFOLLOW, out file);

    /// <inheritdoc/>
    public int TryOpen(string path, out IFileHandle? file) => Open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, out file);

    /// <inheritdoc/>
    public int TryOpenDirectory(string path, out IFileHandle? directory) =>
        Open(path, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC, out directory);

    /// <inheritdoc/>
    public int Rename(string from, string to) => Result(LibC.rename(from, to));

    /// <inheritdoc/>
    public int Unlink(string path) => Result(LibC.unlink(path));

    /// <inheritdoc/>
    public int MakeDirectory(string path) => Result(LibC.mkdir(path, OwnerOnlyDirectory));

    /// <inheritdoc/>
    public int TryStat(string path, bool followLinks, out FileFacts facts) => FileFacts.TryStat(path, followLinks, out facts);

    private static int Open(string path, int flags, out IFileHandle? file)
    {
        SafeFileHandle handle = LibC.open(path, flags, OwnerOnly);
        if (handle.IsInvalid)
        {
            int error = -Marshal.GetLastPInvokeError();
            handle.Dispose();
            file = null;
            return error;
        }
        file = new KernelFile(handle);
        return 0;
    }

    private static int Result(nint result) => result < 0 ? -Marshal.GetLastPInvokeError() : (int)result;

    private sealed unsafe class KernelFile(SafeFileHandle handle) : IFileHandle
    {
        public int Write(ReadOnlySpan<byte> bytes)
        {
            fixed (byte* start = bytes)
                return Result(LibC.write(handle, start, (nuint)bytes.Length));
        }

        public int Read(Span<byte> bytes)
        {
            fixed (byte* start = bytes)
                return Result(LibC.read(handle, start, (nuint)bytes.Length));
        }

        public int Sync() => Result(LibC.fsync(handle));

        public void Dispose() => handle.Dispose();
    }
}
