using System.Collections.Concurrent;

namespace VibePN.Host.Plugins;

/// <summary>Keeps a private copy of each plugin's folder, under its hash, and loads only from there.</summary>
/// <remarks>
/// A loaded assembly is mapped from its file: overwriting the file in place kills the process (SIGBUS). The copy
/// is the daemon's own, so an operator may copy over the original at any time, and what was hashed is what runs.
/// </remarks>
/// <param name="stateDirectory">The daemon's state directory.</param>
internal sealed class PluginStage(string stateDirectory)
{
    // Several plugins may come from one folder; its copy is made once.
    private readonly ConcurrentDictionary<string, Lazy<string>> _folders = new();
    private readonly string _root = Path.Combine(stateDirectory, StateFolders.Cache, "plugins");

    /// <summary>Makes sure that the package stands in the cache.</summary>
    /// <returns>The folder of the copy.</returns>
    /// <exception cref="PluginPackageException">The copy cannot be made.</exception>
    public string Ensure(PluginPackage package) =>
        _folders.GetOrAdd(package.Hash, _ => new Lazy<string>(() => Make(package))).Value;

    /// <summary>Removes copies that nothing uses any more: those of plugins replaced before this start.</summary>
    /// <param name="used">Hashes in use.</param>
    public void Prune(IReadOnlySet<string> used)
    {
        try
        {
            foreach (string folder in Directory.EnumerateDirectories(_root))
            {
                if (!used.Contains(Path.GetFileName(folder)))
                    Directory.Delete(folder, recursive: true);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A copy too many does no harm, and the next start tries again.
        }
    }

    private string Make(PluginPackage package)
    {
        try
        {
            StateFolders.Create(_root);
            string folder = Path.Combine(_root, package.Hash);
            if (Directory.Exists(folder) && PluginPackage.TryHash(folder) != package.Hash)
                Directory.Delete(folder, recursive: true); // a crash cut it short, or somebody changed it
            if (!Directory.Exists(folder))
                Write(package, folder);
            return folder;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginPackageException($"the plugin cannot be staged in {_root}: {exception.Message}");
        }
    }

    // Written beside its place and renamed into it, so that a copy cut short is never taken for whole.
    private void Write(PluginPackage package, string folder)
    {
        string temporary = Path.Combine(_root, ".new-" + Path.GetRandomFileName());
        StateFolders.Create(temporary);
        foreach (PackageFile file in package.Files)
        {
            string path = Path.Combine(temporary, file.Path);
            StateFolders.Create(Path.GetDirectoryName(path)!);
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using var stream = new FileStream(path, options);
            stream.Write(file.Bytes);
        }

        Directory.Move(temporary, folder);
    }
}
