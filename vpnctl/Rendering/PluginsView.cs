using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The plugins: which fills which role, and whether it runs.</summary>
internal static class PluginsView
{
    public static void Render(JsonElement output, Terminal terminal)
    {
        if (output.ValueKind != JsonValueKind.Array || output.GetArrayLength() == 0)
        {
            terminal.Out.WriteLine("No plugins.");
            return;
        }
        var table = new Table(
            new Column("NAME"),
            new Column("ROLE"),
            new Column("STATE"),
            new Column("VERSION", 4),
            new Column("CONTRACT", 3),
            new Column("SETTINGS", 1),
            new Column("FILE", 2),
            new Column("SHA-256", 1));
        foreach (JsonElement plugin in output.EnumerateArray())
            table.Add(
                plugin.Clean("name"),
                plugin.Clean("role"),
                new Cell(plugin.Clean("state"), ToneOf(plugin.Text("state"))),
                plugin.Clean("version"),
                plugin.Clean("contract"),
                SettingsOf(plugin),
                plugin.Clean("file"),
                plugin.Clean("hash"));
        table.Write(terminal);
    }

    private static Tone ToneOf(string? state) => state switch
    {
        "running" => Tone.Good,
        "standby" => Tone.Plain,
        _ => Tone.Bad,
    };

    private static string SettingsOf(JsonElement plugin) =>
        plugin.TryGetProperty("settings", out JsonElement settings) && settings.ValueKind == JsonValueKind.Object
            ? string.Join(' ', settings.EnumerateObject().Select(
                setting => Escape.Controls($"{setting.Name}={setting.Value.AsText()}")))
            : "";
}
