using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>Makes a running daemon follow an edited file, or puts the file back.</summary>
internal static class ConfigReload
{
    /// <summary>Reloads.</summary>
    /// <param name="options">The daemon.</param>
    /// <param name="config">The file, edited.</param>
    /// <param name="before">Its text before.</param>
    /// <param name="terminal">For the notice that no daemon runs.</param>
    /// <returns>False when no daemon answers: the file stays as edited.</returns>
    /// <exception cref="CommandException">The daemon refuses; the file is as it was.</exception>
    public static bool Run(DaemonOptions options, ConfigFile config, string before, Terminal terminal)
    {
        try
        {
            DaemonCall.Ask(options, "reload");
            return true;
        }
        catch (CommandException error) when (error.ExitCode == ExitCode.Unreachable)
        {
            terminal.Error.WriteLine($"No daemon answers, so only {Escape.Controls(config.Path)} was changed. It counts from the next start on.");
            return false;
        }
        catch (CommandException error)
        {
            config.Replace(before);
            throw new CommandException(
                $"The daemon does not take it, so {Escape.Controls(config.Path)} is as it was: {error.Message}", error.ExitCode);
        }
    }
}
