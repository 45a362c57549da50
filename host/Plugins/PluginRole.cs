using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>The five roles, in the order in which they start; they stop in the reverse order.</summary>
internal enum PluginRole
{
    Trust = 0,
    Routing = 1,
    Tun = 2,
    Transport = 3,
    Control = 4,
}

/// <summary>What belongs to a role: its name in files, its contract and the attribute that marks it.</summary>
internal static class PluginRoles
{
    /// <summary>All roles in start order.</summary>
    public static IReadOnlyList<PluginRole> All { get; } = Enum.GetValues<PluginRole>();

    /// <summary>The role as plugins.toml writes it.</summary>
    public static string NameOf(PluginRole role) => role switch
    {
        PluginRole.Trust => "trust",
        PluginRole.Routing => "routing",
        PluginRole.Tun => "tun",
        PluginRole.Transport => "transport",
        PluginRole.Control => "control",
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    /// <summary>Whether several plugins may fill the role at once.</summary>
    public static bool TakesSeveral(PluginRole role) => role is PluginRole.Trust or PluginRole.Transport;

    /// <summary>Whether a plugin of the role can leave while the daemon runs; the others stay until its end.</summary>
    public static bool IsReplaceable(PluginRole role) => role is not (PluginRole.Tun or PluginRole.Transport);

    /// <summary>Whether a plugin of the role can give its place to another while the daemon runs.</summary>
    public static bool IsSwappable(PluginRole role) => role is PluginRole.Trust or PluginRole.Routing;

    /// <summary>The interface that a plugin of the role exports.</summary>
    public static Type ContractOf(PluginRole role) => role switch
    {
        PluginRole.Trust => typeof(ITrustPlugin),
        PluginRole.Routing => typeof(IRoutePolicyPlugin),
        PluginRole.Tun => typeof(ITunPlugin),
        PluginRole.Transport => typeof(ITransportPlugin),
        PluginRole.Control => typeof(IControlPlugin),
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    /// <summary>The role that an attribute class of the contracts marks, or null.</summary>
    public static PluginRole? OfAttribute(string attributeName) => attributeName switch
    {
        nameof(TrustPluginAttribute) => PluginRole.Trust,
        nameof(RoutePolicyPluginAttribute) => PluginRole.Routing,
        nameof(TunPluginAttribute) => PluginRole.Tun,
        nameof(TransportPluginAttribute) => PluginRole.Transport,
        nameof(ControlPluginAttribute) => PluginRole.Control,
        _ => null,
    };
}
