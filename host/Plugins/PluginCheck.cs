using System.Collections.Immutable;
using System.Reflection;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Configuration;

namespace VibePN.Host.Plugins;

/// <summary>A plugin that passed every check short of loading it.</summary>
/// <param name="Entry">What plugins.toml says.</param>
/// <param name="Package">Its bytes.</param>
/// <param name="Export">Its class.</param>
/// <param name="Settings">Its settings, checked.</param>
internal sealed record CheckedPlugin(PluginEntry Entry, PluginPackage Package, PluginExport Export, PluginSettings Settings);

/// <summary>The checks between naming a plugin and loading it. None runs plugin code.</summary>
internal static class PluginCheck
{
    // Loaded once by the host for all: a second copy in a plugin would make equal types different ones.
    private static readonly ImmutableArray<AssemblyName> Shared =
    [
        typeof(IPlugin).Assembly.GetName(),
        typeof(System.Composition.ExportAttribute).Assembly.GetName(),
        typeof(ILogger).Assembly.GetName(),
    ];

    // A plugin that refers to these and does not bring them would get the host's by accident.
    private static readonly ImmutableHashSet<string> HostOnly =
        ["vibepnd", "VibePN.Engine", "NLog", "NLog.Extensions.Logging", "Tomlyn", "Prometheus.NetStandard",
         "McMaster.NETCore.Plugins", "System.Composition.Hosting", "System.Composition.TypedParts"];

    /// <summary>Checks one entry of plugins.toml.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="errors">Receives every error found.</param>
    /// <returns>The plugin, or null when there are errors.</returns>
    public static CheckedPlugin? Run(PluginEntry entry, List<ConfigError> errors)
    {
        int before = errors.Count;
        if (Read(entry, errors) is not var (package, metadata))
            return null;
        CheckHash(entry, package, errors);
        CheckShared(entry, metadata, errors);
        if (FindExport(entry, metadata, errors) is not { } export)
            return null;
        CheckContract(export, entry, errors);
        var settings = PluginSettings.Read(entry, export, errors);
        return errors.Count == before ? new CheckedPlugin(entry, package, export, settings) : null;
    }

    private static (PluginPackage Package, PluginMetadata Metadata)? Read(PluginEntry entry, List<ConfigError> errors)
    {
        try
        {
            PluginPackage package = PluginPackage.Read(entry.Folder);
            return (package, PluginMetadataReader.Read(package));
        }
        catch (PluginPackageException exception)
        {
            Add(errors, entry.Position, ErrorCodes.PluginFolder, $"plugin '{entry.Name}': {exception.Message}");
        }
        catch (BadImageFormatException exception)
        {
            Add(errors, entry.Position, ErrorCodes.NotAPlugin,
                $"plugin '{entry.Name}' in {entry.Path}: {exception.Message} Install it again.");
        }

        return null;
    }

    private static void CheckHash(PluginEntry entry, PluginPackage package, List<ConfigError> errors)
    {
        if (entry.Hashes.IsEmpty || entry.Hashes.Contains(package.Hash))
            return;
        Add(errors, entry.Position, ErrorCodes.HashMismatch,
            $"plugin '{entry.Name}' sha256 mismatch: expected {string.Join(" or ", entry.Hashes)}, got {package.Hash}. "
            + "If the change is intended, put the new value into 'sha256'; if not, find out who changed the files.");
    }

    private static void CheckShared(PluginEntry entry, PluginMetadata metadata, List<ConfigError> errors)
    {
        HashSet<string> shipped = [.. metadata.Assemblies.Select(assembly => assembly.Name)];
        foreach (AssemblyFacts assembly in metadata.Assemblies)
        {
            if (Shared.Any(shared => shared.Name == assembly.Name))
            {
                Add(errors, entry.Position, ErrorCodes.ShipsShared,
                    $"{entry.Path} ships {assembly.File}, which the host provides. "
                    + "Author's fix: ExcludeAssets=\"runtime\". Yours: remove the file.");
                continue;
            }

            foreach (AssemblyReferenceFacts reference in assembly.References)
                CheckReference(entry, assembly, reference, shipped, errors);
        }
    }

    private static void CheckReference(
        PluginEntry entry, AssemblyFacts assembly, AssemblyReferenceFacts reference, HashSet<string> shipped,
        List<ConfigError> errors)
    {
        if (Shared.FirstOrDefault(shared => shared.Name == reference.Name) is { } provided)
        {
            if (reference.Version > provided.Version)
                Add(errors, entry.Position, ErrorCodes.ContractVersion,
                    $"plugin '{entry.Name}': {assembly.File} needs {reference.Name} {reference.Version}; this daemon "
                    + $"provides {provided.Version}. Upgrade vibepnd, or use an older build of the plugin.");
        }
        else if (HostOnly.Contains(reference.Name) && !shipped.Contains(reference.Name))
        {
            Add(errors, entry.Position, ErrorCodes.ForeignReference,
                $"plugin '{entry.Name}': {assembly.File} refers to {reference.Name}, which is the host's own. "
                + "Author's fix: ship a private copy, or use VibePN.Contracts only.");
        }
    }

    private static PluginExport? FindExport(PluginEntry entry, PluginMetadata metadata, List<ConfigError> errors)
    {
        List<PluginExport> named = [.. metadata.Exports.Where(export => export.Name == entry.Name)];
        if (named.Find(export => export.Role == entry.Role) is { } found)
            return found;
        if (named.Count > 0)
            Add(errors, entry.RolePosition, ErrorCodes.WrongRole,
                $"'{entry.Name}' is a {PluginRoles.NameOf(named[0].Role)} plugin but fills role "
                + $"'{PluginRoles.NameOf(entry.Role)}' ({entry.RolePosition}).");
        else if (metadata.Exports.IsEmpty)
            Add(errors, entry.Position, ErrorCodes.NotAPlugin,
                $"no plugin in {entry.Path}: no class there has a role attribute. "
                + "Point 'path' at the folder that holds the plugin's DLL.");
        else
            Add(errors, entry.Position, ErrorCodes.NoSuchPlugin,
                $"no plugin named '{entry.Name}' in {entry.Path}; it exports: "
                + string.Join(", ", metadata.Exports.Select(export => $"'{export.Name}'")) + ".");
        return null;
    }

    private static void CheckContract(PluginExport export, PluginEntry entry, List<ConfigError> errors)
    {
        string provided = $"{ContractVersion.Major}.{ContractVersion.Minor}";
        if (export.ContractMajor != ContractVersion.Major)
        {
            string remedy = export.ContractMajor > ContractVersion.Major
                ? $"Upgrade vibepnd, or use a build for contracts {ContractVersion.Major}."
                : $"Use a build for contracts {ContractVersion.Major}.";
            Add(errors, entry.Position, ErrorCodes.ContractVersion,
                $"plugin '{export.Name}' {export.Version} needs contracts {export.ContractMajor}; "
                + $"this daemon provides {provided}. {remedy}");
        }
        else if (export.ContractMinor > ContractVersion.Minor)
        {
            // It would load, and then fail at the first call of what is missing here.
            Add(errors, entry.Position, ErrorCodes.ContractVersion,
                $"plugin '{export.Name}' {export.Version} needs contracts {export.Contract}; "
                + $"this daemon provides {provided}. Upgrade vibepnd, or use a build for contracts <= {provided}.");
        }
    }

    private static void Add(List<ConfigError> errors, SourcePosition position, string code, string text) =>
        errors.Add(new ConfigError(position, code, text));
}
