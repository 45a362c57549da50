using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>route explain</c>.</summary>
internal sealed class RouteExplainOptions : DaemonOptions
{
    [Option("network", MetaValue = "NAME",
        HelpText = "The network to ask. Default: the one whose subnet or routes cover the address most closely")]
    public string? Network { get; set; }

    [Option("from", MetaValue = "ADDRESS",
        HelpText = "The packet's source; one behind a peer asks about a packet from that peer. Default: this node's")]
    public string? From { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["DEST"];
}

/// <summary><c>route explain</c>: where a packet goes, and why.</summary>
internal static class RouteExplainCommand
{
    public static int Run(RouteExplainOptions options, Terminal terminal)
    {
        using ControlClient client = ControlClient.For(options);
        JsonElement output = client.Call("route.explain", writer =>
        {
            writer.WriteString("destination", options.Words.First());
            if (options.Network is string network)
                writer.WriteString("network", network);
            if (options.From is string from)
                writer.WriteString("from", from);
        });
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            RouteExplainView.Render(output, terminal);
        return ExitCode.Ok;
    }
}
