using VibePN.Contracts;
using VibePN.Host.Native;

namespace VibePN.Host.Plugins;

/// <summary>A plugin's (or the engine's) private directory under the state directory.</summary>
/// <remarks>The directory is made at the first write. Any thread.</remarks>
/// <param name="location">The directory.</param>
/// <param name="calls">The kernel's file-system calls, or a model of them.</param>
internal sealed class PluginStore(string location, IFileCalls calls) : IPluginStore
{
    private readonly AtomicFiles _files = new(calls);
    private readonly Lock _writing = new();
    private bool _isDurable;

    /// <summary>A store on this machine's disk.</summary>
    public PluginStore(string location)
        : this(location, KernelFiles.Instance)
    {
    }

    /// <inheritdoc/>
    public string Location { get; } = Path.GetFullPath(location);

    /// <inheritdoc/>
    public byte[]? Read(string name, int maxBytes) => _files.Read(PathOf(name), maxBytes);

    /// <inheritdoc/>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        string path = PathOf(name);
        lock (_writing)
        {
            // Once is enough, unless somebody removed it.
            if (!_isDurable || calls.TryStat(Location, followLinks: true, out _) < 0)
                MakeDirectory();
            _files.Write(path, content);
        }
    }

    private void MakeDirectory()
    {
        _isDurable = false;
        // The state directory is the host's, and was made a moment ago when this is the first start.
        _files.MakeDirectory(Path.GetDirectoryName(Location)!);
        _files.MakeDirectory(Location);
        _isDurable = true;
    }

    private string PathOf(string name)
    {
        if (name.Length is 0 or > 100 || name[0] == '.'
            || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw new ArgumentException($"'{name}' is no bare file name.", nameof(name));
        return Path.Combine(Location, name);
    }
}
