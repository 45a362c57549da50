using System.Buffers;
using System.Runtime.InteropServices;

namespace VibePN.Host.Native;

/// <summary>Files that are replaced so that a crash at any instant leaves the old content or the new, whole.</summary>
/// <remarks>
/// <para>
/// A write is: a temporary file made anew beside the target, written, synchronised, renamed over the target, and
/// the directory synchronised. A failure before the rename leaves the old file; a failed synchronisation of the
/// directory leaves the new one in place without the certainty that it survives a crash, and is a failure too.
/// After a failed synchronisation nothing of the temporary file is used again: what the kernel then holds in memory
/// and what is on disk may differ for good, and a second attempt would succeed without having written.
/// </para>
/// <para>The caller sees to it that a file has one writer.</para>
/// </remarks>
/// <param name="calls">The kernel, or a model of it.</param>
internal sealed class AtomicFiles(IFileCalls calls)
{
    private const int ENOENT = 2;
    private const int EINTR = 4;
    private const int EACCES = 13;
    private const int EEXIST = 17;
    private const int EINVAL = 22;

    // A signal that comes over and over is not waited out for ever.
    private const int MostInterruptions = 16;

    /// <summary>Reads a file for the owner only.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A longer file is not read.</param>
    /// <returns>Its bytes; null when there is none.</returns>
    /// <exception cref="IOException">Unreadable, too long, no regular file, or exposed to others.</exception>
    public byte[]? Read(string path, int maxBytes)
    {
        int found = calls.TryStat(path, followLinks: true, out FileFacts facts);
        if (found == -ENOENT)
            return null;
        Check(found, path, "examined");
        if (!facts.IsRegularFile)
            throw new IOException($"{path} is no regular file. Move it away.");
        if (FileGuard.WhyExposed(path, calls) is { } reason)
            throw new IOException(reason);
        IFileHandle? file = null;
        Check(Uninterrupted(() => calls.TryOpen(path, out file)), path, "opened");
        using (file)
            return ReadAll(file!, path, maxBytes);
    }

    /// <summary>Writes a file for the owner only; its directory exists.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What it is to hold.</param>
    /// <exception cref="IOException">Not written, or not certain to survive a crash.</exception>
    public void Write(string path, ReadOnlySpan<byte> content)
    {
        string directory = Path.GetDirectoryName(path)!;
        // One name for all attempts: what a crash left behind is removed by the next write.
        string temporary = Path.Combine(directory, $".{Path.GetFileName(path)}.tmp");
        try
        {
            using (IFileHandle file = Create(temporary))
            {
                WriteAll(file, temporary, content);
                Check(file.Sync(), temporary, "synchronised to disk");
                // Closing tells nothing that the synchronisation has not told.
            }
            Check(Uninterrupted(() => calls.Rename(temporary, path)), path, "replaced");
        }
        catch (IOException)
        {
            _ = Uninterrupted(() => calls.Unlink(temporary)); // a file that stays is removed by the next write
            throw;
        }
        // The rename itself is on disk only when the directory is.
        Check(SyncDirectory(directory), directory, "synchronised to disk");
    }

    /// <summary>Makes a directory for the owner only, and those above it, so that they survive a crash.</summary>
    /// <exception cref="IOException">Not made, or not certain to survive a crash.</exception>
    public void MakeDirectory(string path)
    {
        string? parent = Path.GetDirectoryName(path);
        if (parent is null)
            return;
        bool isMade = calls.TryStat(path, followLinks: true, out _) == -ENOENT;
        if (isMade)
        {
            MakeDirectory(parent);
            int made = Uninterrupted(() => calls.MakeDirectory(path));
            if (made != -EEXIST) // somebody was faster
                Check(made, path, "made");
        }
        // Also when it was there: it may have been made a moment before a crash of the process.
        int synchronised = SyncDirectory(parent);
        if (isMade || synchronised != -EACCES) // above what is ours, a directory that we may not read is settled
            Check(synchronised, parent, "synchronised to disk");
    }

    private IFileHandle Create(string temporary)
    {
        IFileHandle? file = null;
        int made = Uninterrupted(() => calls.TryCreate(temporary, out file));
        if (made == -EEXIST)
        {
            // Left by a crash. Never opened as it is: it may be a link, or synchronised with an error before.
            Check(Uninterrupted(() => calls.Unlink(temporary)), temporary, "removed");
            made = Uninterrupted(() => calls.TryCreate(temporary, out file));
        }
        Check(made, temporary, "made");
        return file!;
    }

    private static byte[] ReadAll(IFileHandle file, string path, int maxBytes)
    {
        var content = new ArrayBufferWriter<byte>(4_096);
        for (int interruptions = 0; ;)
        {
            int read = file.Read(content.GetSpan(1));
            if (read == -EINTR && ++interruptions <= MostInterruptions)
                continue;
            Check(read, path, "read");
            if (read == 0)
                return content.WrittenSpan.ToArray();
            content.Advance(read);
            if (content.WrittenCount > maxBytes)
                throw new IOException($"{path} is too long: at most {maxBytes} bytes are expected.");
        }
    }

    private static void WriteAll(IFileHandle file, string path, ReadOnlySpan<byte> content)
    {
        int interruptions = 0;
        while (!content.IsEmpty)
        {
            int written = file.Write(content);
            if (written == -EINTR && ++interruptions <= MostInterruptions)
                continue;
            Check(written, path, "written");
            if (written == 0)
                throw new IOException($"{path} could not be written: the file system takes no bytes.");
            content = content[written..];
        }
    }

    private int SyncDirectory(string path)
    {
        IFileHandle? directory = null;
        int opened = Uninterrupted(() => calls.TryOpenDirectory(path, out directory));
        if (opened < 0)
            return opened;
        using (directory)
        {
            int synchronised = directory!.Sync();
            // A file system to which this means nothing (fsync(2)) keeps its names without being told.
            return synchronised == -EINVAL ? 0 : synchronised;
        }
    }

    private static int Uninterrupted(Func<int> call)
    {
        int result = call();
        for (int interruptions = 0; result == -EINTR && interruptions < MostInterruptions; interruptions++)
            result = call();
        return result;
    }

    private static void Check(int result, string path, string what)
    {
        if (result < 0)
            throw new IOException($"{path} could not be {what}: {Marshal.GetPInvokeErrorMessage(-result)}.");
    }
}
