using VibePN.Contracts;

namespace VibePN.Simulation.Machines;

/// <summary>A plugin's files in memory: they outlive the process, and the disk below them can be full or broken.</summary>
/// <remarks>A write that returns is durable, as the contract says; one that fails leaves the old file.</remarks>
internal sealed class ModelStore : IPluginStore
{
    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);

    /// <summary>Why nothing can be written now, or null.</summary>
    public string? Fault { get; set; }

    /// <inheritdoc/>
    public string Location => "memory";

    /// <inheritdoc/>
    public byte[]? Read(string name, int maxBytes) =>
        _files.TryGetValue(name, out byte[]? content) && content.Length > maxBytes
            ? throw new IOException("The file is too long.")
            : content;

    /// <inheritdoc/>
    public void Write(string name, ReadOnlySpan<byte> content) =>
        _files[name] = Fault is { } fault ? throw new IOException(fault) : content.ToArray();
}
