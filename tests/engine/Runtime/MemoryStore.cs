using VibePN.Contracts;

namespace VibePN.Engine.Tests.Runtime;

/// <summary>Files in memory that can be made to fail.</summary>
internal sealed class MemoryStore : IPluginStore
{
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public int Writes { get; private set; }

    public string? Failure { get; set; }

    public string Location => "/var/lib/vibepn/engine";

    public byte[]? Read(string name, int maxBytes)
    {
        byte[]? bytes = Files.GetValueOrDefault(name);
        return bytes?.Length > maxBytes ? throw new IOException("It is too long.") : bytes;
    }

    public void Write(string name, ReadOnlySpan<byte> content)
    {
        if (Failure is not null)
            throw new IOException(Failure);
        Writes++;
        Files[name] = content.ToArray();
    }
}
