using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Configuration;

namespace VibePN.Host.Plugins;

/// <summary>All of plugins.toml, checked as far as the file itself goes.</summary>
/// <param name="Plugins">The entries: by role in start order, within a role in the file's order.</param>
internal sealed record PluginManifest(ImmutableArray<PluginEntry> Plugins);

/// <summary>One <c>[[plugin]]</c> table.</summary>
internal sealed record PluginEntry
{
    /// <summary>The plugin's name, as its attribute has it.</summary>
    public required string Name { get; init; }

    /// <summary>The role it is to fill.</summary>
    public required PluginRole Role { get; init; }

    /// <summary>The folder as the file has it, for messages.</summary>
    public required string Path { get; init; }

    /// <summary>The folder, absolute.</summary>
    public required string Folder { get; init; }

    /// <summary>The accepted hashes of the whole folder, lower-case; empty accepts any.</summary>
    public ImmutableArray<string> Hashes { get; init; } = [];

    /// <summary>Whether the daemon goes on without it.</summary>
    public bool Optional { get; init; }

    /// <summary>Whether it only stands ready to take the place of another: checked, and not loaded.</summary>
    public bool Standby { get; init; }

    /// <summary>The <c>[plugin.settings]</c> table, not yet checked; null when absent.</summary>
    public TomlTable? Settings { get; init; }

    /// <summary>Where the entry stands.</summary>
    public required SourcePosition Position { get; init; }

    /// <summary>Where its role is named.</summary>
    public required SourcePosition RolePosition { get; init; }
}
