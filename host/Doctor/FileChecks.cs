using VibePN.Host.Configuration;
using VibePN.Host.Native;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

namespace VibePN.Host.Doctor;

/// <summary>Check 13: who may read and write what the daemon acts on.</summary>
/// <param name="line">Where the files are.</param>
/// <param name="config">The configuration.</param>
/// <param name="daemon">As whom the daemon runs.</param>
/// <param name="machine">The machine.</param>
internal sealed class FileChecks(CommandLine line, ExaminedConfig config, Daemonship daemon, Machine machine)
{
    // A plugin's folder or a store that holds more is looked at no further.
    private const int MostFiles = 2_000;

    private readonly CheckFindings _found = new(13, "file modes and owners");
    private int _looked;

    /// <summary>Runs it.</summary>
    public Check Run()
    {
        if (daemon.User is not { } user)
        {
            _found.Fail($"{daemon.Unit!.Path} runs the daemon as user '{daemon.Name}', which {machine.UsersPath} does not list",
                $"useradd --system --no-create-home --shell /usr/sbin/nologin {daemon.Name}");
            return _found.Build("");
        }
        Guard(FileGuard.WhyUntrusted(line.ConfigPath, user: user));
        Readable(line.ConfigPath);
        if (File.Exists(line.PluginsPath))
        {
            Guard(FileGuard.WhyUntrusted(line.PluginsPath, user: user));
            Readable(line.PluginsPath);
        }
        Identity(user);
        State(user);
        Plugins(user);
        return _found.Build($"{_looked} files and folders, as {daemon.Name} sees them");
    }

    private void Identity(uint user)
    {
        if (PathOf("key") is { } key && File.Exists(key))
        {
            Guard(FileGuard.WhyExposed(key, user: user));
            Readable(key);
        }
        if (PathOf("cert") is { } cert && File.Exists(cert))
        {
            Guard(FileGuard.WhyUntrusted(cert, user: user));
            Readable(cert);
        }
    }

    // Pins decide over trust, so whoever can write them decides; staged plugins are code.
    private void State(uint user)
    {
        string state = config.Draft.Host.StateDirectory;
        if (!Directory.Exists(state))
            return;
        Guard(FileGuard.WhyUntrusted(state, user: user));
        if (user != 0 && FileFacts.TryRead(state, followLinks: true, out _) is { } facts && facts.Uid != user)
            _found.Fail($"the state directory {state} belongs to uid {facts.Uid}, so {daemon.Name} cannot write it", $"chown -R {daemon.Name} {state}");
        foreach (string path in Entries(state))
        {
            if (File.Exists(path))
                Guard(FileGuard.WhyExposed(path, user: user));
            else
                Guard(FileGuard.WhyUntrustedItself(path, user));
        }
    }

    private void Plugins(uint user)
    {
        if (!File.Exists(line.PluginsPath))
            return;
        var errors = new ConfigErrors(line.PluginsPath);
        if (OperatorFile.ReadUnguarded(line.PluginsPath, errors) is not { } text)
            return;
        string folder = Path.GetDirectoryName(Path.GetFullPath(line.PluginsPath))!;
        var root = TomlDocument.Parse(text, errors).Root;
        IEnumerable<string> paths = (root.Find("plugin")?.Value as TomlArray)?.Items.OfType<TomlTable>()
            .Select(table => table.Find("path")?.Value).OfType<TomlText>().Where(path => path.Value.Length > 0)
            .Select(path => Path.GetFullPath(path.Value, folder)) ?? [];
        foreach (string plugin in paths.Distinct().Where(Directory.Exists))
        {
            Guard(FileGuard.WhyUntrusted(plugin, user: user));
            foreach (string path in Entries(plugin))
            {
                Guard(FileGuard.WhyUntrustedItself(path, user));
                if (File.Exists(path))
                    Readable(path, withFolders: false);
            }
        }
    }

    private void Guard(string? problem)
    {
        _looked++;
        if (problem is null)
            return;
        (string text, string command) = Advice.Split(problem);
        _found.Fail(text, daemon.Unit is not null ? command.Replace($"chown {daemon.User} ", $"chown {daemon.Name} ", StringComparison.Ordinal) : command);
    }

    // The guard is about too many rights; a daemon without root's can also have too few.
    private void Readable(string path, bool withFolders = true)
    {
        if (FileFacts.TryRead(path, followLinks: true, out _) is not { } facts)
            return;
        if (!daemon.CanRead(facts))
            _found.Fail($"{daemon.Name} cannot read {path}: it belongs to uid {facts.Uid} and has mode {facts.ModeText}", $"chown {daemon.Name} {path}");
        for (string? folder = withFolders ? Path.GetDirectoryName(Path.GetFullPath(path)) : null; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (FileFacts.TryRead(folder, followLinks: true, out _) is { } above && !daemon.CanEnter(above))
                _found.Fail($"{daemon.Name} cannot enter {folder}: it belongs to uid {above.Uid} and has mode {above.ModeText}", $"chown {daemon.Name} {folder}");
        }
    }

    private string? PathOf(string key) =>
        config.Text("identity", key) is { Length: > 0 } path ? Path.GetFullPath(path, config.Folder) : null;

    private static IEnumerable<string> Entries(string folder)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        return Directory.EnumerateFileSystemEntries(folder, "*", options)
            .Where(path => !path.Contains($"/{StateFolders.Cache}/", StringComparison.Ordinal)).Take(MostFiles);
    }
}
