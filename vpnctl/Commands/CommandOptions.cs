using CommandLine;

namespace VibePN.Vpnctl.Commands;

/// <summary>What every command accepts, anywhere on the line.</summary>
internal class CommandOptions
{
    [Option("json", HelpText = "Print the result as JSON.")]
    public bool? Json { get; set; }

    /// <summary>The words that are no options; those beyond <see cref="WordNames"/> are not silently ignored.</summary>
    [Value(0, Hidden = true)]
    public IEnumerable<string> Words { get; set; } = [];

    /// <summary>What help calls the words that the command needs.</summary>
    public virtual IReadOnlyList<string> WordNames => [];
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

/// <summary>Options of <c>reload</c>.</summary>
internal sealed class ReloadOptions : DaemonOptions
{
    [Option("dry-run", HelpText = "Say what would change, and change nothing.")]
    public bool? DryRun { get; set; }
}

/// <summary>Options of <c>plugins swap</c>.</summary>
internal sealed class SwapOptions : DaemonOptions
{
    [Option("dry-run", HelpText = "Say which destinations or sessions it would concern, and change nothing.")]
    public bool? DryRun { get; set; }

    [Option("replace", MetaValue = "NAME", HelpText = "Whose place it takes, where several fill the role.")]
    public string? Replace { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["ROLE", "NAME"];
}

/// <summary>What every command accepts that shows a state which changes.</summary>
internal class WatchOptions : DaemonOptions
{
    [Option("watch", MetaValue = "[SECONDS]",
        HelpText = "Show it again every 2 or so many seconds, until Ctrl-C: on a screen in place, otherwise one after the other")]
    public string? Watch { get; set; }
}

/// <summary>Options of commands whose rows belong to networks.</summary>
internal class NetworkFilterOptions : WatchOptions
{
    [Option("network", MetaValue = "NAME", HelpText = "Show this network only.")]
    public string? Network { get; set; }
}
