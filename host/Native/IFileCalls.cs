namespace VibePN.Host.Native;

/// <summary>The file-system calls that the stores are made of: as few as will do, each as small as the kernel's.</summary>
/// <remarks>
/// The daemon's are the kernel's own (<see cref="KernelFiles"/>). Tests put a model in their place that stops after
/// any call, fails any call, and forgets what was not synchronised. Every call returns 0 or more when it succeeded,
/// and the negative error number otherwise; none repeats itself, so that whoever calls decides over EINTR.
/// </remarks>
internal interface IFileCalls
{
    /// <summary>Makes a file for the owner only and opens it for writing; fails when there is one (O_EXCL).</summary>
    int TryCreate(string path, out IFileHandle? file);

    /// <summary>Opens a file for the owner only to append to it, and makes it when there is none; a link is not followed.</summary>
    int TryAppend(string path, out IFileHandle? file);

    /// <summary>Opens a file for reading.</summary>
    int TryOpen(string path, out IFileHandle? file);

    /// <summary>Opens a directory, to synchronise it.</summary>
    int TryOpenDirectory(string path, out IFileHandle? directory);

    /// <summary>Gives a file another name, in the place of whatever has that name.</summary>
    int Rename(string from, string to);

    /// <summary>Removes a file's name.</summary>
    int Unlink(string path);

    /// <summary>Makes a directory for the owner only.</summary>
    int MakeDirectory(string path);

    /// <summary>Owner, mode and type.</summary>
    int TryStat(string path, bool followLinks, out FileFacts facts);
}

/// <summary>An open file or directory. Disposing closes it, and nothing is learned from that.</summary>
internal interface IFileHandle : IDisposable
{
    /// <summary>Appends bytes; may take fewer than all.</summary>
    int Write(ReadOnlySpan<byte> bytes);

    /// <summary>Reads on; 0 at the end.</summary>
    int Read(Span<byte> bytes);

    /// <summary>Brings all that was written, or a directory's names, to the disk.</summary>
    int Sync();
}
