using System.Runtime.InteropServices;

namespace VibePN.Host.Native;

/// <summary>Refuses files that somebody else could have written or may read.</summary>
/// <remarks>
/// Whoever can write a configuration, a plugin or a directory above it becomes the daemon. So the owner must be
/// root or the daemon's user, neither group nor others may write, and the same holds for every directory above,
/// up to the first that belongs to root.
/// </remarks>
internal static class FileGuard
{
    /// <summary>Why a file or directory, or a directory above it, is not to be trusted, with the remedy.</summary>
    /// <param name="path">The file or directory.</param>
    /// <param name="calls">Whom to ask; the kernel when null.</param>
    /// <param name="user">The daemon's user; this process's when null.</param>
    /// <returns>One sentence, or null when all is well.</returns>
    public static string? WhyUntrusted(string path, IFileCalls? calls = null, uint? user = null)
    {
        calls ??= KernelFiles.Instance;
        string? current = Path.GetFullPath(path);
        bool isTarget = true;
        while (current is not null)
        {
            int result = calls.TryStat(current, followLinks: true, out FileFacts facts);
            if (result < 0)
                return CannotExamine(current, result);
            if (Judge(current, facts, user ?? FileFacts.EffectiveUser) is { } reason)
                return reason;
            if (!isTarget && facts.Uid == 0)
                return null;
            isTarget = false;
            current = Path.GetDirectoryName(current);
        }

        return null;
    }

    /// <summary>Why one file or directory alone is not to be trusted.</summary>
    /// <param name="path">The file or directory.</param>
    /// <param name="user">The daemon's user; this process's when null.</param>
    public static string? WhyUntrustedItself(string path, uint? user = null) =>
        FileFacts.TryRead(path, followLinks: false, out string error) is { } facts
            ? Judge(path, facts, user ?? FileFacts.EffectiveUser)
            : $"{path} cannot be examined: {error}.";

    /// <summary>Why a secret file is exposed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="calls">Whom to ask; the kernel when null.</param>
    /// <param name="user">The daemon's user; this process's when null.</param>
    public static string? WhyExposed(string path, IFileCalls? calls = null, uint? user = null)
    {
        calls ??= KernelFiles.Instance;
        int result = calls.TryStat(path, followLinks: true, out FileFacts facts);
        if (result < 0)
            return CannotExamine(path, result);
        if (facts.IsOpenToOthers)
            return $"{path} has mode {facts.ModeText} and may be read or written by others. Run: chmod 0600 {path}";
        return WhyUntrusted(path, calls, user);
    }

    private static string CannotExamine(string path, int result) =>
        $"{path} cannot be examined: {Marshal.GetPInvokeErrorMessage(-result)}.";

    private static string? Judge(string path, FileFacts facts, uint user)
    {
        if (facts.Uid != 0 && facts.Uid != user)
            return $"{path} belongs to uid {facts.Uid}; the owner must be root or the daemon's user. " + (user == 0
                ? $"Run as that user (sudo -u '#{facts.Uid}' ...), or: chown root {path}"
                : $"Run: chown {user} {path}");
        // A root-owned sticky directory such as /tmp: others may add entries there, but not replace ours.
        bool isSticky = facts.Uid == 0 && (facts.Mode & 0x200) != 0;
        if (facts.IsWritableByOthers && !facts.IsLink && !isSticky)
            return $"{path} has mode {facts.ModeText} and may be written by others. Run: chmod go-w {path}";
        return null;
    }
}
