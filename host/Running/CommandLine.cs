using VibePN.Host.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>What the command line asks for.</summary>
/// <param name="ConfigPath">The path of config.toml.</param>
/// <param name="PluginsPath">The path of plugins.toml.</param>
/// <param name="Action">What to do.</param>
internal sealed record CommandLine(string ConfigPath, string PluginsPath, CommandAction Action)
{
    /// <summary>The help text.</summary>
    public const string Help = """
        vibepnd - the VibePN Modular daemon

        Usage: vibepnd [--config PATH] [--plugins PATH] [--check]

          --config PATH    the configuration (default /etc/vibepn/config.toml)
          --plugins PATH   which plugin fills which role (default /etc/vibepn/plugins.toml)
          --check          check both files and all plugins without running any, then exit
          --version        print the version and exit
          --help           print this and exit

        Signals: SIGTERM and SIGINT stop the daemon; SIGHUP reads the configuration again.
        Exit codes: 0 ok, 2 usage, 69 something is missing or taken, 70 internal fault, 77 a privilege is missing,
        78 the configuration is wrong.
        """;

    /// <summary>Reads the arguments; a single dash does as well as two.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="error">What is wrong, when null is returned.</param>
    public static CommandLine? Parse(string[] args, out string error)
    {
        var line = new CommandLine(ConfigReader.DefaultPath, PluginManifestReader.DefaultPath, CommandAction.Run);
        error = "";
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            string? value = null;
            int equal = name.IndexOf('=', StringComparison.Ordinal);
            if (equal > 0)
                (name, value) = (name[..equal], name[(equal + 1)..]);
            string option = name.StartsWith("--", StringComparison.Ordinal) ? name[2..]
                : name.StartsWith('-') ? name[1..] : "";
            switch (option)
            {
                case "config" or "plugins":
                    value ??= ++i < args.Length ? args[i] : null;
                    if (string.IsNullOrEmpty(value))
                    {
                        error = $"{name} needs a path.";
                        return null;
                    }

                    line = option == "config" ? line with { ConfigPath = value } : line with { PluginsPath = value };
                    break;
                case "check" when value is null:
                    line = line with { Action = CommandAction.Check };
                    break;
                case "doctor" when value is null:
                    line = line with { Action = CommandAction.Doctor };
                    break;
                case "bundle" when value is null or "redact":
                    line = line with { Action = value is null ? CommandAction.Bundle : CommandAction.RedactedBundle };
                    break;
                case "version" when value is null:
                    return line with { Action = CommandAction.Version };
                case "help" or "h" when value is null:
                    return line with { Action = CommandAction.Help };
                default:
                    error = $"unknown argument '{args[i]}'"
                        + Suggestion.For(option, ["config", "plugins", "check", "version", "help"]);
                    return null;
            }
        }

        return line;
    }
}

/// <summary>What the process is to do.</summary>
internal enum CommandAction
{
    Run = 0,
    Check = 1,
    Version = 2,
    Help = 3,

    /// <summary>Prints the findings of all checks as JSON, for <c>vpnctl doctor</c>; not in the help.</summary>
    Doctor = 4,

    /// <summary>Prints as JSON what <c>vpnctl bundle</c> packs when no daemon runs; not in the help.</summary>
    Bundle = 5,

    /// <summary>As above, without addresses, names and fingerprints.</summary>
    RedactedBundle = 6,
}
