using System.Globalization;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Identity;

/// <summary>The user that the daemon runs as, when that is another one than who makes its files.</summary>
/// <remarks>
/// The daemon must read its files and must not be able to write its configuration: that stays root's, readable for the
/// daemon's group. The key has to be its own, because nobody else may read it.
/// </remarks>
internal sealed record DaemonUser(uint Uid, uint Gid)
{
    /// <summary>The user that the package makes.</summary>
    public const string PackageName = "vibepn";

    /// <summary>Where the package's daemon looks for its files.</summary>
    public const string PackageFolder = "/etc/vibepn";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The owner of the private key.</summary>
    public FileOwner Secret => new(Uid, Gid, OwnerOnly);

    /// <summary>The owner of what the daemon reads and does not write.</summary>
    public FileOwner Readable => new(0, Gid, OwnerOnly | UnixFileMode.GroupRead);

    /// <summary>The owner of a directory of these files.</summary>
    public FileOwner Folder => new(0, Gid, OwnerOnly | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);

    /// <summary>Who gets the files.</summary>
    /// <param name="asked">The user that was asked for, or null.</param>
    /// <param name="configuration">The configuration's path.</param>
    /// <param name="passwd">The local users, as in /etc/passwd.</param>
    /// <returns>Null when they stay whoever's makes them.</returns>
    /// <exception cref="CommandException">That user does not exist, or only root may give files away.</exception>
    public static DaemonUser? For(string? asked, string configuration, IEnumerable<string> passwd)
    {
        if (asked is null)
        {
            bool isPackages = configuration.StartsWith(PackageFolder + "/", StringComparison.Ordinal);
            return isPackages && Environment.IsPrivilegedProcess ? Find(PackageName, passwd) : null;
        }
        DaemonUser user = Find(asked, passwd)
            ?? throw new CommandException($"--user is '{Escape.Controls(asked)}'; there is no such local user.", ExitCode.Usage);
        return Environment.IsPrivilegedProcess
            ? user
            : throw new CommandException($"Only root can make files for user {Escape.Controls(asked)}: run it with sudo.");
    }

    private static DaemonUser? Find(string name, IEnumerable<string> passwd)
    {
        foreach (string line in passwd)
        {
            string[] fields = line.Split(':');
            if (fields.Length >= 4 && fields[0] == name
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid)
                && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out uint gid))
                return new DaemonUser(uid, gid);
        }
        return null;
    }
}
