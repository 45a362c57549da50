using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>What the metadata of a plugin's assemblies says, read without loading any of them.</summary>
/// <param name="Exports">The plugin classes, sorted by name.</param>
/// <param name="Assemblies">The managed assemblies, by file.</param>
internal sealed record PluginMetadata(ImmutableArray<PluginExport> Exports, ImmutableArray<AssemblyFacts> Assemblies);

/// <summary>A class that a role attribute marks.</summary>
/// <param name="Name">The plugin's name.</param>
/// <param name="Role">The role of its attribute.</param>
/// <param name="ContractMajor">The contract that the attribute names.</param>
/// <param name="ContractMinor">The minor version stamped on the assembly; 0 when there is no stamp.</param>
/// <param name="TypeName">The class's full name.</param>
/// <param name="File">Path of its assembly, relative to the folder.</param>
/// <param name="Version">The assembly's version as people write it.</param>
/// <param name="Settings">The settings the class declares.</param>
internal sealed record PluginExport(
    string Name, PluginRole Role, int ContractMajor, int ContractMinor, string TypeName, string File, string Version,
    ImmutableArray<PluginSettingAttribute> Settings)
{
    /// <summary>The contract version, <c>major.minor</c>.</summary>
    public string Contract => $"{ContractMajor}.{ContractMinor}";
}

/// <summary>One managed assembly of a plugin.</summary>
/// <param name="File">Path relative to the folder.</param>
/// <param name="Name">The assembly's simple name.</param>
/// <param name="References">What it refers to.</param>
internal sealed record AssemblyFacts(string File, string Name, ImmutableArray<AssemblyReferenceFacts> References);

/// <summary>A reference to another assembly.</summary>
/// <param name="Name">Its simple name.</param>
/// <param name="Version">The version it was compiled against.</param>
internal sealed record AssemblyReferenceFacts(string Name, Version Version);
