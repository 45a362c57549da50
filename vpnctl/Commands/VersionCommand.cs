using System.Reflection;
using System.Text.Json;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary><c>version</c>: a daemon that is not there is no failure here.</summary>
internal static class VersionCommand
{
    /// <summary>The client's own.</summary>
    public static string Client { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public static int Run(DaemonOptions options, Terminal terminal)
    {
        JsonElement daemon = default;
        string? failure = null;
        try
        {
            using ControlClient client = ControlClient.For(options);
            daemon = client.Call("version");
        }
        catch (CommandException error)
        {
            failure = error.Message;
        }
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => WriteJson(writer, daemon, failure));
        else
            WriteLines(terminal.Out, daemon, failure);
        return ExitCode.Ok;
    }

    private static void WriteJson(Utf8JsonWriter writer, JsonElement daemon, string? failure)
    {
        writer.WriteStartObject();
        writer.WriteString("client", Client);
        writer.WriteString("contracts", daemon.Text("contracts"));
        writer.WriteString("daemon", daemon.Text("daemon"));
        if (failure is not null)
            writer.WriteString("error", failure);
        writer.WriteString("runtime", daemon.Text("runtime"));
        writer.WriteEndObject();
    }

    private static void WriteLines(TextWriter output, JsonElement daemon, string? failure)
    {
        output.WriteLine($"vpnctl:    {Client}");
        if (failure is not null)
        {
            output.WriteLine($"vibepnd:   unknown. {failure}");
            return;
        }
        output.WriteLine($"vibepnd:   {daemon.Clean("daemon")}");
        output.WriteLine($"contracts: {daemon.Clean("contracts")}");
        output.WriteLine($"runtime:   {daemon.Clean("runtime")}");
    }
}
