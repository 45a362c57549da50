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
        Action<JsonElement, Terminal> render)
    {
        JsonElement output = Ask(options, terminal, method);
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            render(output, terminal);
        return ExitCode.Ok;
    }

    /// <summary>A list whose rows can be filtered by network, in both forms of output.</summary>
    /// <param name="options">The filter among them.</param>
    /// <param name="terminal">Where to.</param>
    /// <param name="method">What to ask.</param>
    /// <param name="networkKey">The member of a row that names its network, or lists its networks.</param>
    /// <param name="render">Shows the rows that remain.</param>
    public static int List(
        NetworkFilterOptions options,
        Terminal terminal,
        string method,
        string networkKey,
        Action<IReadOnlyList<JsonElement>, Terminal> render)
    {
        JsonElement output = Ask(options, terminal, method);
        // The predecessor's daemon answers null where nothing is.
        JsonElement[] rows = output.ValueKind == JsonValueKind.Array ? [.. output.EnumerateArray()] : [];
        if (options.Network is string network)
            rows = [.. rows.Where(row => BelongsTo(row, networkKey, network))];
        if (options.Json is true)
            JsonView.Write(rows, terminal.Out);
        else
            render(rows, terminal);
        return ExitCode.Ok;
    }

    private static JsonElement Ask(DaemonOptions options, Terminal terminal, string method)
    {
        using ControlClient client = ControlClient.For(options);
        JsonElement output = client.Call(method);
        foreach (string warning in client.Warnings)
            terminal.Error.WriteLine("Warning: " + warning);
        return output;
    }

    private static bool BelongsTo(JsonElement row, string key, string network) =>
        row.Text(key) == network || row.Items(key).Any(item => item.AsText() == network);
}
