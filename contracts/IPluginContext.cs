using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace VibePN.Contracts;

/// <summary>Everything the host gives a plugin: the one service a plugin imports, through its constructor.</summary>
/// <remarks>
/// The host implements this interface, so it can grow. All members may be used from any thread. A plugin that
/// takes time and randomness for its decisions from here runs unchanged in the simulator.
/// </remarks>
public interface IPluginContext
{
    /// <summary>The plugin's name as plugins.toml gives it.</summary>
    string Name { get; }

    /// <summary>Log lines appear under the plugin's name. Never log per packet.</summary>
    ILogger Logger { get; }

    /// <summary>The clock. Durations come from its timestamp, never from the wall clock.</summary>
    TimeProvider Time { get; }

    /// <summary>Randomness for decisions such as jitter; thread-safe; seeded in the simulator; never for secrets.</summary>
    Random Random { get; }

    /// <summary>Owned and disposed by the host; instruments made on it are published.</summary>
    Meter Meter { get; }

    /// <summary>The plugin's settings, already checked against its <see cref="PluginSettingAttribute"/>s.</summary>
    IPluginSettings Settings { get; }

    /// <summary>The plugin's private files.</summary>
    IPluginStore Store { get; }

    /// <summary>Cancelled when the plugin is to stop. Dispose registrations, or the plugin cannot unload.</summary>
    CancellationToken Stopping { get; }
}

/// <summary>Where something stands in a file the operator wrote.</summary>
/// <param name="File">The path as the operator gave it.</param>
/// <param name="Line">From 1; 0 when the value is a default that stands nowhere.</param>
/// <param name="Column">From 1.</param>
public readonly record struct SourcePosition(string File, int Line, int Column)
{
    /// <summary><c>file(line,column)</c>.</summary>
    public override string ToString() => Line == 0 ? $"{File}(default)" : $"{File}({Line},{Column})";
}

/// <summary>A plugin's settings, typed and with their positions. Immutable.</summary>
/// <remarks>Asking for an undeclared name, or with the wrong type, is the plugin's bug: InvalidOperationException.</remarks>
public interface IPluginSettings
{
    /// <summary>A string setting.</summary>
    string GetString(string name);

    /// <summary>An integer setting.</summary>
    long GetInteger(string name);

    /// <summary>A boolean setting.</summary>
    bool GetBoolean(string name);

    /// <summary>A duration setting.</summary>
    TimeSpan GetDuration(string name);

    /// <summary>A list of strings.</summary>
    IReadOnlyList<string> GetStrings(string name);

    /// <summary>Where the value stands, for a message about it.</summary>
    SourcePosition PositionOf(string name);
}

/// <summary>A plugin's private directory, reached by file name only. Owner-only modes.</summary>
public interface IPluginStore
{
    /// <summary>The directory's path, for messages.</summary>
    string Location { get; }

    /// <summary>Reads a whole file.</summary>
    /// <param name="name">A bare file name: no separators, no dot first.</param>
    /// <param name="maxBytes">A longer file is an <see cref="IOException"/>, so that a file cannot fill the memory.</param>
    /// <returns>The bytes, or null when there is no such file.</returns>
    /// <exception cref="IOException">Unreadable, too long, no regular file, or open to group or others.</exception>
    byte[]? Read(string name, int maxBytes);

    /// <summary>Replaces a file so that after a crash it is the old one or the new one, whole and on disk.</summary>
    /// <exception cref="IOException">
    /// Not written, and the old file stands; or, when only the last step failed, the new one is in place but not
    /// certain to survive a crash. A file is whole in either case, and the next write begins afresh.
    /// </exception>
    void Write(string name, ReadOnlySpan<byte> content);
}
