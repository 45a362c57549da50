namespace VibePN.Contracts;

/// <summary>A plugin whose settings can change while it runs, besides its role's own interface.</summary>
/// <remarks>
/// A reload that changes the settings of a plugin without this interface replaces a routing, trust or control plugin by a
/// new instance with the new settings; transport and TUN plugins keep the old ones until the daemon starts anew.
/// Called one at a time, never on a packet's thread.
/// </remarks>
public interface IReconfigurable
{
    /// <summary>Looks whether the settings could be applied now. Changes nothing.</summary>
    /// <returns>What stands against it and what to do, in one sentence, or null.</returns>
    string? Check(IPluginSettings settings);

    /// <summary>Uses these settings from now on. Called only after <see cref="Check"/> returned null; throws nothing.</summary>
    void Apply(IPluginSettings settings);
}
