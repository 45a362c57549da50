using VibePN.Contracts;
using VibePN.Host.Native;

namespace VibePN.Host.Plugins;

/// <summary>A plugin's (or the engine's) private directory under the state directory.</summary>
/// <remarks>The directory is made at the first write. Any thread.</remarks>
/// <param name="location">The directory.</param>
internal sealed class PluginStore(string location) : IPluginStore
{
    private readonly Lock _writing = new();

    /// <inheritdoc/>
    public string Location { get; } = location;

    /// <inheritdoc/>
    public byte[]? Read(string name, int maxBytes)
    {
        string path = PathOf(name);
        if (!File.Exists(path))
            return null;
        if (FileGuard.WhyExposed(path) is { } reason)
            throw new IOException(reason);
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > maxBytes)
                throw new IOException($"{path} is {stream.Length} bytes long; at most {maxBytes} are expected.");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    /// <inheritdoc/>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        string path = PathOf(name);
        lock (_writing)
        {
            try
            {
                StateFolders.Create(Location);
                AtomicFile.Write(path, content);
            }
            catch (UnauthorizedAccessException exception)
            {
                throw new IOException(exception.Message, exception);
            }
        }
    }

    private string PathOf(string name)
    {
        if (name.Length is 0 or > 100 || name[0] == '.'
            || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw new ArgumentException($"'{name}' is no bare file name.", nameof(name));
        return Path.Combine(Location, name);
    }
}
