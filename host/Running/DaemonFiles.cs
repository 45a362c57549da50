using System.Collections.Immutable;
using VibePN.Host.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Both files and all plugins as far as they can be checked without running anything.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="Plugins">The usable plugins, in start order.</param>
/// <param name="Warnings">What is wrong with optional plugins.</param>
internal sealed record DaemonFiles(
    DaemonConfiguration Configuration, ImmutableArray<CheckedPlugin> Plugins, ImmutableArray<string> Warnings)
{
    /// <summary>Reads and checks.</summary>
    /// <param name="line">Where the files are.</param>
    /// <param name="strict">Whether a fault of an optional plugin is an error too.</param>
    /// <param name="errors">Every error of both files and all plugins, when null is returned.</param>
    public static DaemonFiles? Read(CommandLine line, bool strict, out ImmutableArray<string> errors)
    {
        DaemonConfiguration? configuration = null;
        IReadOnlyList<ConfigError> configErrors = [];
        // Reading the identity takes the crypto library's start-up, so it goes beside the plugins' checks.
        Task reading = Task.Run(() => configuration = ConfigReader.ReadFile(line.ConfigPath, out configErrors));
        PluginManifest? manifest = PluginManifestReader.ReadFile(line.PluginsPath, out IReadOnlyList<ConfigError> manifestErrors);
        IReadOnlyList<(PluginEntry Entry, ConfigError Error)> pluginErrors = [];
        ImmutableArray<CheckedPlugin> plugins = manifest is null ? [] : PluginSet.Check(manifest, out pluginErrors);
        reading.GetAwaiter().GetResult();

        errors =
        [
            .. configErrors.Concat(manifestErrors)
                .Concat(pluginErrors.Where(pair => strict || !pair.Entry.Optional).Select(pair => pair.Error))
                .Select(error => error.ToString()),
        ];
        if (configuration is null || manifest is null || !errors.IsEmpty)
            return null;
        return new DaemonFiles(configuration, plugins, [.. pluginErrors.Select(pair => pair.Error.ToString())]);
    }
}
