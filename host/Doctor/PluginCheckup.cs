using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Doctor;

/// <summary>Check 18: plugins.toml, and every plugin short of loading it.</summary>
internal static class PluginCheckup
{
    /// <summary>Runs it.</summary>
    public static Check Run(string path)
    {
        var found = new CheckFindings(18, "plugin hashes and contract versions");
        PluginManifest? manifest = PluginManifestReader.ReadFile(path, out IReadOnlyList<ConfigError> errors);
        foreach (ConfigError error in errors)
            found.Fail(error.ToString(), RemedyOf(error, path));
        if (manifest is null)
            return found.Build("");
        ImmutableArray<CheckedPlugin> plugins = PluginSet.Check(manifest, out IReadOnlyList<(PluginEntry Entry, ConfigError Error)> faults);
        foreach ((PluginEntry entry, ConfigError error) in faults)
        {
            // The daemon starts without these.
            if (entry.Optional || entry.Standby)
                found.Warn(error.ToString(), RemedyOf(error, path));
            else
                found.Fail(error.ToString(), RemedyOf(error, path));
        }
        int pinned = plugins.Count(plugin => !plugin.Entry.Hashes.IsEmpty);
        return found.Build($"{plugins.Length} plugins for contracts {ContractVersion.Major}.{ContractVersion.Minor}, {pinned} pinned by sha256");
    }

    private static string RemedyOf(ConfigError error, string path)
    {
        string advice = error.Code is ErrorCodes.PluginFolder ? Advice.Split(error.Text).Command : Advice.In(error.Text);
        return error.Position.Line == 0
            ? $"{path}: {advice}"
            : $"edit {path}, line {error.Position.Line}, or install the plugin again: {advice}";
    }
}
