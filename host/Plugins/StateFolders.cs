namespace VibePN.Host.Plugins;

/// <summary>Names directly under the state directory that are the daemon's own; every other belongs to the plugin of that name.</summary>
internal static class StateFolders
{
    /// <summary>The engine's store.</summary>
    public const string Engine = "engine";

    /// <summary>Holds <c>plugins/HASH</c>, the staged copies.</summary>
    public const string Cache = "cache";

    /// <summary>Invites, and the peers that came by them.</summary>
    public const string Enrolment = "enrolment";

    /// <summary>The file that a running daemon holds locked.</summary>
    public const string Lock = "lock";

    /// <summary>Makes a directory for the daemon alone, and those above it.</summary>
    public static void Create(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
