using CommandLine;

namespace VibePN.Vpnctl.Commands;

/// <summary>What every command accepts, anywhere on the line.</summary>
internal class CommandOptions
{
    [Option("json", HelpText = "Print the result as JSON.")]
    public bool? Json { get; set; }

    /// <summary>Words that no command takes; collected so that they are not silently ignored.</summary>
    [Value(0, Hidden = true)]
    public IEnumerable<string> Unexpected { get; set; } = [];
}

/// <summary>What every command that asks the daemon accepts.</summary>
internal class DaemonOptions : CommandOptions
{
    [Option("socket", MetaValue = "PATH",
        HelpText = "The daemon's control socket. Default: " + Control.ControlClient.DefaultPath)]
    public string? Socket { get; set; }

    [Option("timeout", MetaValue = "SECONDS", Default = 15, HelpText = "How long to wait for the daemon.")]
    public int Timeout { get; set; }
}

/// <summary>Options of commands whose rows belong to networks.</summary>
internal sealed class NetworkFilterOptions : DaemonOptions
{
    [Option("network", MetaValue = "NAME", HelpText = "Show this network only.")]
    public string? Network { get; set; }
}
