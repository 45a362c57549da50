using System.Globalization;
using System.Text.Json;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Commands that change what the running daemon does: <c>reload</c> and <c>plugins swap</c>.</summary>
internal static class ChangeCommands
{
    public static int Reload(ReloadOptions options, Terminal terminal)
    {
        bool isDryRun = options.DryRun is true;
        using ControlClient client = ControlClient.For(options);
        JsonElement output = client.Call("reload", writer =>
        {
            if (isDryRun)
                writer.WriteBoolean("dry_run", true);
        });
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            RenderReload(output, terminal, isDryRun);
        return ExitCode.Ok;
    }

    public static int Swap(SwapOptions options, Terminal terminal)
    {
        string[] words = [.. options.Words];
        using ControlClient client = ControlClient.For(options);
        JsonElement output = client.Call("plugins.swap", writer =>
        {
            writer.WriteString("role", words[0]);
            writer.WriteString("name", words[1]);
            if (options.Replace is string replace)
                writer.WriteString("replace", replace);
            if (options.DryRun is true)
                writer.WriteBoolean("dry_run", true);
        });
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            RenderSwap(output, terminal);
        return ExitCode.Ok;
    }

    private static void RenderReload(JsonElement output, Terminal terminal, bool isDryRun)
    {
        bool isEmpty = !output.Items("changes").Any();
        terminal.Out.WriteLine(isDryRun ? isEmpty ? "Nothing would change." : "Would change:" : "OK");
        WriteLines(output, "changes", "  ", terminal.Out);
        WriteLines(output, "ended_sessions", "  session ended: ", terminal.Out);
        WriteLines(output, "warnings", "Warning: ", terminal.Error);
    }

    private static void RenderSwap(JsonElement output, Terminal terminal)
    {
        terminal.Out.WriteLine(output.Clean("message"));
        if (output.Number("took_ms") is double took)
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Control thread: {took} ms"));
        WriteLines(output, "changes", "  ", terminal.Out);
    }

    private static void WriteLines(JsonElement output, string name, string lead, TextWriter to)
    {
        foreach (JsonElement line in output.Items(name))
            to.WriteLine(lead + Escape.Controls(line.AsText()));
    }
}
