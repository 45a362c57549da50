using System.Runtime.InteropServices;

namespace VibePN.Plugins.TunLinux.Native;

/// <summary>Owns a file descriptor and closes it when the last user has left.</summary>
internal sealed class FileDescriptor : SafeHandle
{
    private readonly ManualResetEventSlim _closed = new();

    /// <summary>Takes over a descriptor that a libc call just returned.</summary>
    public FileDescriptor(int fd) : base(-1, ownsHandle: true) => SetHandle(fd);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The bare number. Valid only while the caller holds the descriptor, or knows who does.</summary>
    public int Number => (int)handle;

    /// <summary>Holds the descriptor open for the caller until <see cref="Leave"/>.</summary>
    /// <returns>False when it is disposed already.</returns>
    public bool TryEnter()
    {
        bool entered = false;
        try
        {
            DangerousAddRef(ref entered);
        }
        catch (ObjectDisposedException)
        {
            return false; // Dispose came first; SafeHandle has no way to ask without this
        }
        return entered;
    }

    /// <summary>Ends what <see cref="TryEnter"/> began; closes the descriptor if it was disposed meanwhile.</summary>
    public void Leave() => DangerousRelease();

    /// <summary>Waits until the kernel has closed the descriptor: after Dispose, when its users have left.</summary>
    /// <returns>False when a user is still there after <paramref name="limit"/>.</returns>
    public bool WaitUntilClosed(TimeSpan limit) => _closed.Wait(limit);

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // Linux frees the number even when close reports EINTR or EIO: never close twice.
        _ = LibC.close((int)handle);
        _closed.Set();
        return true;
    }
}
