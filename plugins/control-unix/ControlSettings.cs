using System.Globalization;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The plugin's settings, checked.</summary>
internal sealed record ControlSettings
{
    /// <summary>Permission bits of the socket.</summary>
    public required UnixFileMode Mode { get; init; }

    /// <summary>The socket's group; null leaves the daemon's.</summary>
    public required uint? SocketGroup { get; init; }

    /// <summary>Who may do what.</summary>
    public required AccessRules Access { get; init; }

    /// <summary>Clients served at once; more wait for a place.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>How long a client may take to send its request, and to take the answer.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>How long a method may take to answer, where the request does not say, and a client wait for a place.</summary>
    public required TimeSpan AnswerTimeout { get; init; }

    /// <summary>The longest deadline that a request gets.</summary>
    public required TimeSpan MaxDeadline { get; init; }

    /// <summary>How long a connection may stay open without a call.</summary>
    public required TimeSpan IdleTimeout { get; init; }

    /// <summary>Clients connected at once, those without a complete request included.</summary>
    /// <remarks>With more, a question waits behind more silent clients; with fewer, it waits until some have gone.</remarks>
    public int MaxClients => Math.Max(MaxConnections, Math.Min(6 * MaxConnections, 1024));

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="PluginException">A value that its declaration lets pass is wrong all the same.</exception>
    public static ControlSettings From(IPluginSettings settings, uint ownUid) => new()
    {
        Mode = ParseMode(settings),
        SocketGroup = settings.GetInteger("socket_gid") is >= 0 and long gid ? (uint)gid : null,
        Access = new AccessRules(ownUid)
        {
            AdminUsers = ParseIds(settings, "admin_uids"),
            AdminGroups = ParseIds(settings, "admin_gids"),
            ViewerUsers = ParseIds(settings, "viewer_uids"),
            ViewerGroups = ParseIds(settings, "viewer_gids"),
        },
        MaxConnections = (int)settings.GetInteger("max_connections"),
        RequestTimeout = ParseTimeout(settings, "request_timeout"),
        AnswerTimeout = ParseTimeout(settings, "answer_timeout"),
        MaxDeadline = ParseTimeout(settings, "max_deadline", TimeSpan.FromHours(1), "1h"),
        IdleTimeout = ParseTimeout(settings, "idle_timeout", TimeSpan.FromHours(24), "24h"),
    };

    private static UnixFileMode ParseMode(IPluginSettings settings)
    {
        string text = settings.GetString("mode");
        if (text.Length is < 3 or > 4 || text.Any(digit => digit is < '0' or > '7'))
            throw Invalid(settings, "mode", text, "three or four octal digits such as \"0660\"");
        int mode = Convert.ToInt32(text, 8);
        if (mode > 0x1FF)
            throw Invalid(settings, "mode", text, "permission bits only, at most \"0777\"");
        if ((mode & 0b110_000_000) != 0b110_000_000)
            throw Invalid(settings, "mode", text, "a mode its owner can read and write, such as \"0600\"");
        return (UnixFileMode)mode;
    }

    private static HashSet<uint> ParseIds(IPluginSettings settings, string name)
    {
        var ids = new HashSet<uint>();
        foreach (string text in settings.GetStrings(name))
        {
            if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
                throw Invalid(settings, name, text, "a numeric id such as \"1000\"");
            ids.Add(id);
        }
        return ids;
    }

    private static TimeSpan ParseTimeout(IPluginSettings settings, string name) =>
        ParseTimeout(settings, name, TimeSpan.FromMinutes(10), "10m");

    private static TimeSpan ParseTimeout(IPluginSettings settings, string name, TimeSpan longest, string shown)
    {
        TimeSpan value = settings.GetDuration(name);
        if (value < TimeSpan.FromMilliseconds(10) || value > longest)
            throw Invalid(settings, name, value.ToString(), $"a duration from \"10ms\" to \"{shown}\"");
        return value;
    }

    private static PluginException Invalid(IPluginSettings settings, string name, string value, string expected) =>
        new($"{settings.PositionOf(name)}: '{name}' is '{value}'; it must be {expected}.")
        {
            Fault = PluginFault.Configuration,
        };
}
