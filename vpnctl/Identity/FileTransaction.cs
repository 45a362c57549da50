using System.Security.Cryptography;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Identity;

/// <summary>A file to be made. Its content is zeroed once it is on disk.</summary>
/// <param name="Path">Where.</param>
/// <param name="Content">All of it.</param>
/// <param name="Owner">Whose it is to be; null leaves it to whoever makes it, and readable for nobody else.</param>
internal sealed record NewFile(string Path, byte[] Content, FileOwner? Owner = null);

/// <summary>Makes several files appear together: on any failure none is left, and what was there is back.</summary>
internal static class FileTransaction
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerDirectory = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>Writes them.</summary>
    /// <param name="files">Whole contents; directories that are missing are made with mode 0700.</param>
    /// <param name="folder">Whose directories are to be that are missing; null leaves them to whoever makes them.</param>
    /// <param name="replace">Whether files that exist are replaced; else they are an error.</param>
    /// <param name="move">Gives a file its final name; tests make it fail.</param>
    /// <exception cref="CommandException">Nothing was changed.</exception>
    public static void Write(
        IReadOnlyList<NewFile> files, bool replace, Action<string, string>? move = null, FileOwner? folder = null)
    {
        move ??= File.Move;
        RefuseExisting(files, replace);
        string suffix = "." + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var undo = new Stack<Action>();
        try
        {
            foreach (NewFile file in files)
                Stage(file, suffix + ".new", folder, undo);
            foreach (NewFile file in files)
                Install(file.Path, suffix, move, undo);
        }
        catch (Exception error)
        {
            Undo(undo);
            if (error is IOException or UnauthorizedAccessException)
                throw new CommandException(
                    $"Nothing was written: {Escape.Controls(error.Message)} Check the directory's owner and mode.");
            throw;
        }
        finally
        {
            foreach (NewFile file in files)
                CryptographicOperations.ZeroMemory(file.Content);
        }
        foreach (NewFile file in files)
            File.Delete(file.Path + suffix + ".old");
    }

    private static void RefuseExisting(IReadOnlyList<NewFile> files, bool replace)
    {
        if (files.FirstOrDefault(file => Directory.Exists(file.Path)) is { } directory)
            throw new CommandException($"{Escape.Controls(directory.Path)} is a directory. Nothing was written.");
        string[] existing = [.. files.Select(file => file.Path).Where(File.Exists)];
        if (existing.Length > 0 && !replace)
            throw new CommandException(
                $"Nothing was written, because there is already {Escape.Controls(string.Join(" and ", existing))}. "
                + "--force replaces what is there; a new key is a new identity.");
    }

    private static void Stage(NewFile file, string suffix, FileOwner? folder, Stack<Action> undo)
    {
        string directory = Path.GetDirectoryName(file.Path)!;
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory, OwnerDirectory);
            folder?.Apply(directory);
        }
        RefuseOpenDirectory(directory);
        string staged = file.Path + suffix;
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        };
        using var stream = new FileStream(staged, options);
        undo.Push(() => File.Delete(staged));
        stream.Write(file.Content);
        file.Owner?.Apply(staged); // before it has its name, so that nobody ever meets it otherwise
        stream.Flush(flushToDisk: true);
    }

    private static void RefuseOpenDirectory(string directory)
    {
        UnixFileMode mode = File.GetUnixFileMode(directory);
        bool othersMayWrite = (mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0;
        if (othersMayWrite && (mode & UnixFileMode.StickyBit) == 0)
            throw new IOException($"others may write to {directory}, and so replace what is in it (chmod go-w {directory}).");
    }

    private static void Install(string path, string suffix, Action<string, string> move, Stack<Action> undo)
    {
        string old = path + suffix + ".old";
        if (File.Exists(path))
        {
            move(path, old);
            undo.Push(() => File.Move(old, path));
        }
        move(path + suffix + ".new", path);
        undo.Push(() => File.Delete(path));
    }

    private static void Undo(Stack<Action> undo)
    {
        while (undo.TryPop(out Action? step))
        {
            try
            {
                step();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The remaining steps concern other files and are worth trying.
            }
        }
    }
}
