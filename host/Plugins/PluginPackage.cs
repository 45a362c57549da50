using System.Security.Cryptography;
using System.Text;
using VibePN.Host.Native;

namespace VibePN.Host.Plugins;

/// <summary>The bytes of a plugin's folder, read once: what is hashed, examined and staged is the same.</summary>
/// <param name="Files">Every file, sorted by relative path (ordinal, with slashes).</param>
/// <param name="Hash">SHA-256, lower-case hexadecimal, over the lines <c>relative path \0 sha256 \n</c> of all files.</param>
internal sealed record PluginPackage(IReadOnlyList<PackageFile> Files, string Hash)
{
    private const int MaxFiles = 1_000;
    private const long MaxBytes = 128L << 20;

    /// <summary>Reads a folder.</summary>
    /// <exception cref="PluginPackageException">It cannot be read, is not trusted, holds links, or is too large.</exception>
    public static PluginPackage Read(string folder)
    {
        if (FileGuard.WhyUntrusted(folder) is { } reason)
            throw new PluginPackageException(reason);
        try
        {
            return ReadFiles(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginPackageException($"{folder} cannot be read: {exception.Message}");
        }
    }

    /// <summary>Hashes a folder without keeping its bytes; null when it cannot be read whole.</summary>
    public static string? TryHash(string folder)
    {
        try
        {
            return Read(folder).Hash;
        }
        catch (PluginPackageException)
        {
            return null;
        }
    }

    private static PluginPackage ReadFiles(string folder)
    {
        var files = new List<PackageFile>();
        long total = 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", options))
        {
            if (FileGuard.WhyUntrustedItself(path) is { } reason)
                throw new PluginPackageException(reason);
            FileAttributes attributes = File.GetAttributes(path);
            if (attributes.HasFlag(FileAttributes.ReparsePoint))
                throw new PluginPackageException($"{path} is a symbolic link; a plugin's folder holds plain files only.");
            if (attributes.HasFlag(FileAttributes.Directory))
                continue;
            byte[] bytes = File.ReadAllBytes(path);
            total += bytes.Length;
            files.Add(new PackageFile(Path.GetRelativePath(folder, path), bytes));
            if (files.Count > MaxFiles || total > MaxBytes)
                throw new PluginPackageException(
                    $"{folder} holds more than {MaxFiles} files or {MaxBytes >> 20} MiB; is it a plugin's folder?");
        }

        files.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        return new PluginPackage(files, HashOf(files));
    }

    private static string HashOf(List<PackageFile> files)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (PackageFile file in files)
            hash.AppendData(Encoding.UTF8.GetBytes(
                $"{file.Path}\0{Convert.ToHexStringLower(SHA256.HashData(file.Bytes))}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>One file of a plugin's folder.</summary>
/// <param name="Path">Relative to the folder.</param>
/// <param name="Bytes">Its content.</param>
internal sealed record PackageFile(string Path, byte[] Bytes);

/// <summary>A plugin's folder cannot be used; the message says why.</summary>
internal sealed class PluginPackageException(string message) : Exception(message);
