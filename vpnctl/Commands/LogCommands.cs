using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>log level</c>.</summary>
internal sealed class LogLevelOptions : DaemonOptions
{
    [Option("for", MetaValue = "TIME", HelpText = "How long, such as 10m; then the level returns by itself. Default: until the next start")]
    public string? For { get; set; }

    [Option("dry-run", HelpText = "Say what would change, and change nothing.")]
    public bool? DryRun { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["[COMPONENT]", "LEVEL"];
}

/// <summary><c>log level</c> and <c>log levels</c>.</summary>
internal static class LogCommands
{
    public static int Level(LogLevelOptions options, Terminal terminal)
    {
        string[] words = [.. options.Words];
        long? seconds = options.For is string time ? (long)Math.Ceiling(DurationText.Parse("--for", time).TotalSeconds) : null;
        return DaemonCommands.Show(
            options,
            terminal,
            "log.set_level",
            (output, to) => to.Out.WriteLine(output.Clean("message")),
            writer =>
            {
                if (words.Length == 2)
                    writer.WriteString("component", words[0]);
                writer.WriteString("level", words[^1]);
                if (seconds is long given)
                    writer.WriteNumber("for_s", given);
                if (options.DryRun is true)
                    writer.WriteBoolean("dry_run", true);
            });
    }

    public static int Levels(WatchOptions options, Terminal terminal) =>
        DaemonCommands.Watch(options, terminal, "log.levels", RenderLevels);

    private static void RenderLevels(JsonElement levels, Terminal terminal)
    {
        var table = new Table(new Column("COMPONENT"), new Column("LEVEL"), new Column("SET FOR", 2), new Column("UNTIL", 1));
        foreach (JsonElement one in levels.ValueKind == JsonValueKind.Array ? levels.EnumerateArray() : default)
            table.Add(one.Clean("component"), one.Clean("level"), one.Clean("set_for"), one.Clean("until"));
        table.Write(terminal);
    }
}
