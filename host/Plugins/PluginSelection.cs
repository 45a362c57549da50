using System.Collections.Immutable;

namespace VibePN.Host.Plugins;

/// <summary>Which of the listed plugins are to run: what plugins.toml says, and what was swapped since.</summary>
/// <param name="Listed">All usable entries of plugins.toml, in start order.</param>
/// <param name="Swaps">For an entry that plugins.toml has active, the one that took its place.</param>
internal sealed record PluginSelection(
    ImmutableArray<CheckedPlugin> Listed, ImmutableSortedDictionary<string, string> Swaps)
{
    /// <summary>What plugins.toml says.</summary>
    public PluginSelection(ImmutableArray<CheckedPlugin> listed)
        : this(listed, ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal))
    {
    }

    /// <summary>The plugins that are to run, in start order.</summary>
    public ImmutableArray<CheckedPlugin> Active =>
        [.. Listed.Where(plugin => !plugin.Entry.Standby).Select(plugin => Find(Swaps.GetValueOrDefault(plugin.Entry.Name)) ?? plugin)];

    /// <summary>The plugins that could take another's place, in start order.</summary>
    public ImmutableArray<CheckedPlugin> Waiting
    {
        get
        {
            ImmutableArray<CheckedPlugin> active = Active;
            return [.. Listed.Where(plugin => !active.Any(running => running.Entry.Name == plugin.Entry.Name))];
        }
    }

    /// <summary>The listed plugin of this name, or null.</summary>
    public CheckedPlugin? Find(string? name) => Listed.FirstOrDefault(plugin => plugin.Entry.Name == name);

    /// <summary>The selection after plugins.toml was read again.</summary>
    /// <remarks>
    /// A swap stays as long as the file means the same by it: as long as the same plugins of the role are active in it,
    /// and both are still listed. Otherwise the file has the last word.
    /// </remarks>
    public PluginSelection ReadAgain(ImmutableArray<CheckedPlugin> listed)
    {
        var next = new PluginSelection(listed);
        foreach (PluginRole role in PluginRoles.All)
        {
            if (!next.NamesInFile(role).SequenceEqual(NamesInFile(role)))
                continue;
            foreach ((string name, string successor) in Swaps.Where(swap => Find(swap.Key)?.Entry.Role == role))
            {
                if (next.Find(successor) is { } plugin && plugin.Entry.Role == role)
                    next = next with { Swaps = next.Swaps.SetItem(name, successor) };
            }
        }

        return next;
    }

    /// <summary>The selection after one plugin took another's place.</summary>
    /// <param name="running">The name of the one that runs.</param>
    /// <param name="successor">The name of the one that is listed and does not.</param>
    public PluginSelection Swap(string running, string successor)
    {
        string inFile = Swaps.FirstOrDefault(swap => swap.Value == running).Key ?? running;
        return this with
        {
            Swaps = inFile == successor ? Swaps.Remove(inFile) : Swaps.SetItem(inFile, successor),
        };
    }

    private IEnumerable<string> NamesInFile(PluginRole role) =>
        Listed.Where(plugin => plugin.Entry.Role == role && !plugin.Entry.Standby).Select(plugin => plugin.Entry.Name);
}
