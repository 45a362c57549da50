using System.Globalization;
using VibePN.Host.Native;

namespace VibePN.Host.Doctor;

/// <summary>As whom the daemon runs: what systemd's unit says, or whoever runs the checks.</summary>
/// <param name="Unit">The unit; null when there is none for this configuration.</param>
/// <param name="User">The user's number; null when the unit names a user that does not exist.</param>
/// <param name="Group">The user's own group.</param>
/// <param name="Name">The user's name, or <c>uid N</c>.</param>
internal sealed record Daemonship(ServiceUnit? Unit, uint? User, uint Group, string Name)
{
    /// <summary>Finds out.</summary>
    /// <param name="configPath">The configuration in question.</param>
    /// <param name="machine">The machine.</param>
    public static Daemonship Of(string configPath, Machine machine)
    {
        ServiceUnit? unit = ServiceUnit.Find(machine.UnitFolders, configPath);
        if (unit is null)
            return new Daemonship(null, FileFacts.EffectiveUser, 0, $"uid {FileFacts.EffectiveUser}");
        foreach (string line in ReadLines(machine.UsersPath))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 3 && fields[0] == unit.User
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint user)
                && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out uint group))
                return new Daemonship(unit, user, group, unit.User);
        }
        return new Daemonship(unit, null, 0, unit.User);
    }

    /// <summary>Whether the daemon's user may read a file of these facts.</summary>
    public bool CanRead(FileFacts facts) => Has(facts, 4);

    /// <summary>Whether the daemon's user may pass through a directory of these facts.</summary>
    public bool CanEnter(FileFacts facts) => Has(facts, 1);

    private bool Has(FileFacts facts, int bit)
    {
        if (User == 0)
            return true;
        int shift = facts.Uid == User ? 6 : facts.Gid == Group && Group != 0 ? 3 : 0;
        return (facts.Mode >> shift & bit) != 0;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>systemd's unit of the daemon, as far as the checks ask: the file and its drop-ins.</summary>
/// <param name="Path">The unit's file.</param>
/// <param name="User">As whom it runs.</param>
/// <param name="GivesNetAdmin">Whether a process of that user has CAP_NET_ADMIN.</param>
/// <param name="AllowsTun">Whether it may use /dev/net/tun.</param>
internal sealed record ServiceUnit(string Path, string User, bool GivesNetAdmin, bool AllowsTun)
{
    /// <summary>The unit's name.</summary>
    public const string Name = "vibepn.service";

    private const string Capability = "CAP_NET_ADMIN";

    /// <summary>The unit that runs a daemon with this configuration, or null.</summary>
    public static ServiceUnit? Find(IReadOnlyList<string> folders, string configPath)
    {
        string? path = folders.Select(folder => System.IO.Path.Combine(folder, Name)).FirstOrDefault(File.Exists);
        if (path is null)
            return null;
        List<(string Key, string Value)> settings = [.. Settings(path)];
        foreach (string file in folders.Select(folder => System.IO.Path.Combine(folder, Name + ".d")).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.conf")).OrderBy(System.IO.Path.GetFileName, StringComparer.Ordinal))
            settings.AddRange(Settings(file));
        return AppliesTo(Last(settings, "ExecStart"), configPath) ? Of(path, settings) : null;
    }

    private static ServiceUnit Of(string path, List<(string Key, string Value)> settings)
    {
        string user = Last(settings, "User") is { Length: > 0 } named ? named : "root";
        // An empty assignment empties the list of what was assigned before.
        string ambient = Joined(settings, "AmbientCapabilities");
        string bounding = Joined(settings, "CapabilityBoundingSet");
        bool isBounded = settings.Exists(setting => setting.Key == "CapabilityBoundingSet") && !bounding.Contains(Capability, StringComparison.Ordinal);
        bool gives = !isBounded && (user == "root" || ambient.Contains(Capability, StringComparison.Ordinal));
        bool isClosed = Last(settings, "DevicePolicy") is "closed" or "strict" || Last(settings, "PrivateDevices") is "yes" or "true" or "1" or "on";
        bool allows = !isClosed || Joined(settings, "DeviceAllow").Contains(TunProbe.Device, StringComparison.Ordinal);
        return new ServiceUnit(path, user, gives, allows);
    }

    private static bool AppliesTo(string? start, string configPath)
    {
        if (start is null)
            return false;
        string wanted = System.IO.Path.GetFullPath(configPath);
        string[] words = start.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int option = Array.FindIndex(words, word => word.TrimStart('-').Split('=')[0] == "config" && word.StartsWith('-'));
        string named = option < 0 ? Configuration.ConfigReader.DefaultPath
            : words[option].Contains('=') ? words[option].Split('=', 2)[1]
            : option + 1 < words.Length ? words[option + 1] : "";
        return named == wanted;
    }

    private static IEnumerable<(string Key, string Value)> Settings(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            yield break;
        }
        foreach (string line in text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            string[] parts = line.Split('=', 2);
            if (parts.Length == 2 && !line.TrimStart().StartsWith('#'))
                yield return (parts[0].Trim(), parts[1].Trim());
        }
    }

    private static string? Last(List<(string Key, string Value)> settings, string key) =>
        settings.FindLast(setting => setting.Key == key && (key != "ExecStart" || setting.Value.Length > 0)).Value;

    private static string Joined(List<(string Key, string Value)> settings, string key) =>
        settings.Where(setting => setting.Key == key).Aggregate("", (all, setting) => setting.Value.Length == 0 ? "" : $"{all} {setting.Value}");
}
