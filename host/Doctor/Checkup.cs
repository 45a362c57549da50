using System.Collections.Immutable;
using VibePN.Host.Running;

namespace VibePN.Host.Doctor;

/// <summary>All checks that need no running daemon, in their order.</summary>
/// <remarks>
/// They read what the daemon reads, with the code by which it judges, and change nothing. All on the caller's thread, whose
/// network namespace and privileges count.
/// </remarks>
internal static class Checkup
{
    /// <summary>Checks 1 to 19; only check 1 when config.toml cannot be read at all.</summary>
    /// <param name="line">Where the files are.</param>
    /// <param name="machine">The machine to look at.</param>
    public static ImmutableArray<Check> Run(CommandLine line, Machine machine)
    {
        ExaminedConfig config = ExaminedConfig.Read(line.ConfigPath);
        Check load = ConfigurationChecks.Load(config);
        if (!config.IsLegible)
            return [load];
        Daemonship daemon = Daemonship.Of(line.ConfigPath, machine);
        return
        [
            load,
            .. ConfigurationChecks.Run(config),
            MachineChecks.Overlaps(config),
            TimeChecks.Certificate(config, machine),
            new FileChecks(line, config, daemon, machine).Run(),
            MachineChecks.Tun(daemon),
            PortCheck.Run(config),
            ConfigurationChecks.Duplicates(config),
            EffectCheck.Run(config),
            PluginCheckup.Run(line.PluginsPath),
            TimeChecks.Clock(config, machine),
        ];
    }
}
