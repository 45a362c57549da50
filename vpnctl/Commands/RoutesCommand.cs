using CommandLine;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>routes</c>.</summary>
internal sealed class RoutesOptions : NetworkFilterOptions
{
    [Option("filtered", HelpText = "Show what peers announced and was refused, with the rule or guard and its reason.")]
    public bool? Filtered { get; set; }

    [Option("all", HelpText = "Show accepted and refused ones.")]
    public bool? All { get; set; }
}

/// <summary><c>routes</c>: where packets go, and what was refused.</summary>
internal static class RoutesCommand
{
    public static int Run(RoutesOptions options, Terminal terminal)
    {
        if (options is { Filtered: true, All: true })
            throw new CommandException("--filtered and --all exclude each other.", ExitCode.Usage);
        return DaemonCommands.List(options, terminal, "routes", "network", RoutesView.Render, writer =>
        {
            if (options.Filtered is true)
                writer.WriteBoolean("filtered", true);
            if (options.All is true)
                writer.WriteBoolean("all", true);
        });
    }
}
