using System.Composition;

namespace VibePN.Contracts;

// System.Composition ignores metadata that a base attribute declares, so each of the five is sealed,
// derives from ExportAttribute directly and repeats the one property.

/// <summary>Marks a class as a transport: it fills the role <c>transport</c> under the given name.</summary>
/// <param name="name">What plugins.toml calls it: lower case, digits and hyphens.</param>
[MetadataAttribute]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class TransportPluginAttribute(string name) : ExportAttribute(name, typeof(ITransportPlugin))
{
    /// <summary>What plugins.toml calls the plugin.</summary>
    public string Name { get; } = name;

    /// <summary>The contract's major version that the class was written for.</summary>
    public int Contract { get; set; } = ContractVersion.Major;
}

/// <summary>Marks a class as a TUN device driver: role <c>tun</c>.</summary>
/// <param name="name">What plugins.toml calls it: lower case, digits and hyphens.</param>
[MetadataAttribute]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class TunPluginAttribute(string name) : ExportAttribute(name, typeof(ITunPlugin))
{
    /// <summary>What plugins.toml calls the plugin.</summary>
    public string Name { get; } = name;

    /// <summary>The contract's major version that the class was written for.</summary>
    public int Contract { get; set; } = ContractVersion.Major;
}

/// <summary>Marks a class as a routing policy: role <c>routing</c>.</summary>
/// <param name="name">What plugins.toml calls it: lower case, digits and hyphens.</param>
[MetadataAttribute]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class RoutePolicyPluginAttribute(string name) : ExportAttribute(name, typeof(IRoutePolicyPlugin))
{
    /// <summary>What plugins.toml calls the plugin.</summary>
    public string Name { get; } = name;

    /// <summary>The contract's major version that the class was written for.</summary>
    public int Contract { get; set; } = ContractVersion.Major;
}

/// <summary>Marks a class as a trust model: role <c>trust</c>.</summary>
/// <param name="name">What plugins.toml calls it: lower case, digits and hyphens.</param>
[MetadataAttribute]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class TrustPluginAttribute(string name) : ExportAttribute(name, typeof(ITrustPlugin))
{
    /// <summary>What plugins.toml calls the plugin.</summary>
    public string Name { get; } = name;

    /// <summary>The contract's major version that the class was written for.</summary>
    public int Contract { get; set; } = ContractVersion.Major;
}

/// <summary>Marks a class as a control front: role <c>control</c>.</summary>
/// <param name="name">What plugins.toml calls it: lower case, digits and hyphens.</param>
[MetadataAttribute]
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class ControlPluginAttribute(string name) : ExportAttribute(name, typeof(IControlPlugin))
{
    /// <summary>What plugins.toml calls the plugin.</summary>
    public string Name { get; } = name;

    /// <summary>The contract's major version that the class was written for.</summary>
    public int Contract { get; set; } = ContractVersion.Major;
}

/// <summary>The kinds of value a setting of plugins.toml can have.</summary>
public enum SettingType
{
    /// <summary>TOML string; read with <see cref="IPluginSettings.GetString"/>.</summary>
    Text = 0,

    /// <summary>TOML integer; read with <see cref="IPluginSettings.GetInteger"/>.</summary>
    Number = 1,

    /// <summary>TOML boolean; read with <see cref="IPluginSettings.GetBoolean"/>.</summary>
    Boolean = 2,

    /// <summary>TOML string with a unit, such as <c>"250ms"</c>, <c>"5s"</c>, <c>"2m"</c>, <c>"1h"</c>.</summary>
    Duration = 3,

    /// <summary>TOML array of strings.</summary>
    StringList = 4,
}

/// <summary>Declares one setting of a plugin: the host checks plugins.toml against it before any plugin code runs.</summary>
/// <remarks>A key that no attribute declares is an error with file, line, column and a suggestion.</remarks>
/// <param name="name">The key, in snake case.</param>
/// <param name="type">The kind of value.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class PluginSettingAttribute(string name, SettingType type) : Attribute
{
    /// <summary>The key, in snake case.</summary>
    public string Name { get; } = name;

    /// <summary>The kind of value.</summary>
    public SettingType Type { get; } = type;

    /// <summary>The value when the key is absent, as TOML text without quotes; null means the key is required.</summary>
    public string? Default { get; set; }

    /// <summary>Smallest integer allowed.</summary>
    public long Minimum { get; set; } = long.MinValue;

    /// <summary>Largest integer allowed.</summary>
    public long Maximum { get; set; } = long.MaxValue;

    /// <summary>The strings allowed, separated by <c>|</c>; empty means any.</summary>
    public string Choices { get; set; } = "";

    /// <summary>One sentence for <c>vpnctl plugins show</c> and the error message, with the unit.</summary>
    public string Help { get; set; } = "";
}
