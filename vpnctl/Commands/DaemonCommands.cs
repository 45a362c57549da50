using System.Text.Json;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Commands that ask the daemon one question and show its answer.</summary>
internal static class DaemonCommands
{
    public static int Show(
        DaemonOptions options,
        Terminal terminal,
        string method,
        Action<JsonElement, Terminal> render,
        Action<Utf8JsonWriter>? writeParameters = null)
    {
        using ControlClient client = ControlClient.For(options);
        Show(options, terminal, Ask(client, terminal, method, writeParameters), render, onOneLine: false);
        return ExitCode.Ok;
    }

    /// <summary>An answer that can be watched.</summary>
    public static int Watch(
        WatchOptions options,
        Terminal terminal,
        string method,
        Action<JsonElement, Terminal> render,
        Action<Utf8JsonWriter>? writeParameters = null)
    {
        using ControlClient client = ControlClient.For(options);
        return Watching.Run(options, terminal, (to, onOneLine) =>
            Show(options, to, Ask(client, to, method, writeParameters), render, onOneLine));
    }

    /// <summary>A list whose rows can be filtered by network, in both forms of output.</summary>
    /// <param name="options">The filter among them.</param>
    /// <param name="terminal">Where to.</param>
    /// <param name="method">What to ask.</param>
    /// <param name="networkKey">The member of a row that names its network, or lists its networks.</param>
    /// <param name="render">Shows the rows that remain.</param>
    /// <param name="writeParameters">What to ask for in particular.</param>
    public static int List(
        NetworkFilterOptions options,
        Terminal terminal,
        string method,
        string networkKey,
        Action<IReadOnlyList<JsonElement>, Terminal> render,
        Action<Utf8JsonWriter>? writeParameters = null)
    {
        using ControlClient client = ControlClient.For(options);
        return Watching.Run(options, terminal, (to, onOneLine) =>
        {
            JsonElement output = Ask(client, to, method, writeParameters);
            // The predecessor's daemon answers null where nothing is.
            JsonElement[] rows = output.ValueKind == JsonValueKind.Array ? [.. output.EnumerateArray()] : [];
            if (options.Network is string network)
                rows = [.. rows.Where(row => BelongsTo(row, networkKey, network))];
            if (options.Json is true)
                JsonView.Write(rows, to.Out, onOneLine);
            else
                render(rows, to);
        });
    }

    private static void Show(
        DaemonOptions options, Terminal terminal, JsonElement output, Action<JsonElement, Terminal> render, bool onOneLine)
    {
        if (options.Json is not true)
            render(output, terminal);
        else if (onOneLine)
            JsonView.WriteLine(output, terminal.Out);
        else
            JsonView.Write(output, terminal.Out);
    }

    private static JsonElement Ask(ControlClient client, Terminal terminal, string method, Action<Utf8JsonWriter>? writeParameters)
    {
        JsonElement output = client.Call(method, writeParameters ?? (_ => { }));
        foreach (string warning in client.Warnings)
            terminal.Error.WriteLine("Warning: " + warning);
        return output;
    }

    private static bool BelongsTo(JsonElement row, string key, string network) =>
        row.Text(key) == network || row.Items(key).Any(item => item.AsText() == network);
}
