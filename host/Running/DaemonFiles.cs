using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Enrolment;
using VibePN.Host.Native;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Both files and all plugins as far as they can be checked without running anything.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="Listed">The usable plugins, those that stand by included, in start order.</param>
/// <param name="Warnings">What is wrong with optional plugins and with those that stand by.</param>
internal sealed record DaemonFiles(
    DaemonConfiguration Configuration, ImmutableArray<CheckedPlugin> Listed, ImmutableArray<string> Warnings)
{
    /// <summary>Reads and checks.</summary>
    /// <param name="line">Where the files are.</param>
    /// <param name="strict">Whether a fault of an optional plugin, or of one that stands by, is an error too.</param>
    /// <param name="errors">Every error of both files and all plugins, when null is returned.</param>
    public static DaemonFiles? Read(CommandLine line, bool strict, out ImmutableArray<string> errors) =>
        Read(line, strict, node: null, stateDirectory: null, out errors);

    /// <summary>Reads and checks for a daemon that runs.</summary>
    /// <param name="line">Where the files are.</param>
    /// <param name="strict">As above.</param>
    /// <param name="node">Who the daemon is, whatever the identity in the file is to be at the next start.</param>
    /// <param name="stateDirectory">The state directory in use; null when the file says it.</param>
    /// <param name="errors">As above.</param>
    public static DaemonFiles? Read(
        CommandLine line, bool strict, Fingerprint? node, string? stateDirectory, out ImmutableArray<string> errors)
    {
        DaemonConfiguration? configuration = null;
        IReadOnlyList<ConfigError> configErrors = [];
        // Reading the identity takes the crypto library's start-up, so it goes beside the plugins' checks.
        Task reading = Task.Run(() => configuration = ConfigReader.ReadFile(line.ConfigPath, node, out configErrors));
        PluginManifest? manifest = PluginManifestReader.ReadFile(line.PluginsPath, out IReadOnlyList<ConfigError> manifestErrors);
        IReadOnlyList<(PluginEntry Entry, ConfigError Error)> pluginErrors = [];
        ImmutableArray<CheckedPlugin> plugins = manifest is null ? [] : PluginSet.Check(manifest, out pluginErrors);
        reading.GetAwaiter().GetResult();

        errors =
        [
            .. configErrors.Concat(manifestErrors)
                .Concat(pluginErrors.Where(pair => strict || !IsDispensable(pair.Entry)).Select(pair => pair.Error))
                .Select(error => error.ToString()),
        ];
        if (configuration is null || manifest is null || !errors.IsEmpty)
            return null;
        if (node is not null && RolesLeftEmpty(plugins, line.PluginsPath) is { IsEmpty: false } missing)
        {
            errors = missing;
            return null;
        }

        if (TryEnrol(configuration, stateDirectory, strict || node is not null, out ImmutableArray<string> notes) is { } enrolled)
            return new DaemonFiles(enrolled, plugins, [.. pluginErrors.Select(pair => pair.Error.ToString()), .. notes]);
        errors = notes;
        return null;
    }

    // A start goes on without the peers that joined by invites: those of config.toml must not be cut off by another file.
    // A reload must not lose them silently, and a check is there to find such things.
    private static DaemonConfiguration? TryEnrol(
        DaemonConfiguration configuration, string? stateDirectory, bool strict, out ImmutableArray<string> notes)
    {
        string directory = stateDirectory ?? configuration.Host.StateDirectory;
        notes = [];
        // root checks the files of a daemon that runs as another user, and whose state is not root's to judge.
        if (FileFacts.TryStat(directory, followLinks: true, out FileFacts facts) >= 0 && facts.Uid != FileFacts.EffectiveUser)
            return configuration;
        try
        {
            return EnrolledPeers.Merge(configuration, directory, out notes);
        }
        catch (IOException exception)
        {
            notes = [$"The peers that joined by invites are not known: {exception.Message}"];
            return strict ? null : configuration;
        }
    }

    private static bool IsDispensable(PluginEntry entry) => entry.Optional || entry.Standby;

    // At a start the set of plugins finds out itself, with the reasons in the log; a reload must know beforehand.
    private static ImmutableArray<string> RolesLeftEmpty(ImmutableArray<CheckedPlugin> plugins, string path) =>
    [
        .. PluginRoles.All
            .Where(role => !plugins.Any(plugin => plugin.Entry.Role == role && !plugin.Entry.Standby))
            .Select(role => new ConfigError(new SourcePosition(path, 1, 1), ErrorCodes.RoleNotFilled,
                $"no usable plugin fills the role '{PluginRoles.NameOf(role)}': mend the optional one, or add another.").ToString()),
    ];
}
