using System.Reflection;
using CommandLine;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>One option of a command, as its attribute declares it.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="IsSwitch">True or false; given bare it means true.</param>
/// <param name="MetaValue">What help calls its value.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Default">The value when it is absent; null for none.</param>
internal sealed record OptionInfo(string Name, bool IsSwitch, string MetaValue, string Help, object? Default)
{
    /// <summary>What an option gets that may stand without its value, and does.</summary>
    public const string Bare = "default";

    /// <summary>Whether it may stand without its value, in which case the default applies: <c>[SECONDS]</c>.</summary>
    public bool HasOptionalValue => MetaValue.StartsWith('[');

    /// <summary>All options of an options class, its own before inherited ones.</summary>
    public static IReadOnlyList<OptionInfo> Of(Type options) =>
    [
        .. from property in options.GetProperties()
           let attribute = property.GetCustomAttribute<OptionAttribute>()
           where attribute is not null
           select new OptionInfo(
               attribute.LongName,
               property.PropertyType == typeof(bool?),
               attribute.MetaValue,
               attribute.HelpText,
               attribute.Default),
    ];
}
