using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>peers</c>.</summary>
internal sealed class PeersOptions : NetworkFilterOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["[PEER]"];
}

/// <summary>Options of <c>peers disconnect</c> and <c>peers reconnect</c>.</summary>
internal sealed class PeerOrderOptions : DaemonOptions
{
    [Option("dry-run", HelpText = "Say what would be done, and do nothing.")]
    public bool? DryRun { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["PEER"];
}

/// <summary><c>peers</c> and what can be ordered about one.</summary>
internal static class PeersCommand
{
    public static int Run(PeersOptions options, Terminal terminal)
    {
        if (options.Words.FirstOrDefault() is not string name)
            return DaemonCommands.List(options, terminal, "peers", "networks", PeersView.Render);
        if (options.Network is not null)
            throw new CommandException("--network filters the list of peers; it has no meaning for one peer.", ExitCode.Usage);
        return DaemonCommands.Watch(options, terminal, "peers.get", PeerView.Render, writer => writer.WriteString("name", name));
    }

    public static int Order(PeerOrderOptions options, Terminal terminal, string method) => DaemonCommands.Show(
        options,
        terminal,
        method,
        (output, to) => to.Out.WriteLine(output.Clean("message")),
        writer =>
        {
            writer.WriteString("name", options.Words.First());
            if (options.DryRun is true)
                writer.WriteBoolean("dry_run", true);
        });
}
