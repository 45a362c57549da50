using CommandLine;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Joining;

/// <summary>What <c>init</c> and <c>join</c> accept about starting the daemon.</summary>
internal class StartOptions : DaemonOptions
{
    [Option("start", HelpText = "Start the daemon if none answers: the service vibepn if it is installed, else vibepnd itself.")]
    public bool? Start { get; set; }

    [Option("plugins", MetaValue = "PATH",
        HelpText = "The plugins.toml that a daemon started by --start reads. Default: the one beside vpnctl's folder, if any")]
    public string? Plugins { get; set; }

    [Option("log", MetaValue = "PATH", Default = "/var/log/vibepnd.log", HelpText = "Where a daemon started by --start logs.")]
    public string LogPath { get; set; } = "";
}
