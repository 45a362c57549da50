using System.Globalization;
using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>events</c>.</summary>
internal sealed class EventsOptions : DaemonOptions
{
    [Option("follow", HelpText = "Go on with what happens, until Ctrl-C.")]
    public bool? Follow { get; set; }

    [Option("since", MetaValue = "TIME|NUMBER",
        HelpText = "From so long ago, such as 5m or 2h30m, or after the event of that number. Default: all that are kept")]
    public string? Since { get; set; }

    [Option("kind", MetaValue = "KINDS", HelpText = "Only these kinds, with commas; * stands for anything, as in peer.*")]
    public string? Kinds { get; set; }
}

/// <summary><c>events</c>: what happened, and what happens.</summary>
internal static class EventsCommand
{
    public static int Run(EventsOptions options, Terminal terminal)
    {
        (string Name, long Value)? since = SinceOf(options);
        using ControlClient client = ControlClient.For(options);
        client.Follow("events.subscribe", writer => WriteParameters(writer, options, since), one =>
        {
            if (options.Json is true)
                JsonView.WriteLine(one, terminal.Out);
            else
                EventsView.Write(one, terminal);
            terminal.Out.Flush();
        });
        return ExitCode.Ok;
    }

    private static void WriteParameters(Utf8JsonWriter writer, EventsOptions options, (string Name, long Value)? since)
    {
        if (since is { } from)
            writer.WriteNumber(from.Name, from.Value);
        if (options.Kinds is string kinds)
        {
            writer.WriteStartArray("kinds");
            foreach (string kind in kinds.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                writer.WriteStringValue(kind);
            writer.WriteEndArray();
        }
        if (options.Follow is true)
            writer.WriteBoolean("follow", true);
    }

    private static (string Name, long Value)? SinceOf(EventsOptions options)
    {
        if (options.Since is not string since)
            return null;
        if (long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            return ("since", number);
        return ("since_s", (long)Math.Ceiling(DurationText.Parse("--since", since).TotalSeconds));
    }
}
