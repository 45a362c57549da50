using System.Collections.Immutable;

namespace VibePN.Host.Plugins;

/// <summary>What is to be done with one plugin.</summary>
internal enum PluginAction
{
    /// <summary>A new instance takes the old one's place, or a place of its own.</summary>
    Start = 0,

    /// <summary>It stops and nothing takes its place.</summary>
    Stop = 1,

    /// <summary>It gets its new settings while it runs.</summary>
    Reconfigure = 2,

    /// <summary>Nothing, until the daemon starts anew.</summary>
    AtNextStart = 3,

    /// <summary>It is only noted: it does not run.</summary>
    Note = 4,
}

/// <summary>One step of a plan.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Text">The step in one line.</param>
/// <param name="Next">The plugin as plugins.toml has it now; null when it is gone.</param>
/// <param name="Running">The plugin that runs; null when none does.</param>
internal sealed record PluginStep(PluginAction Action, string Text, CheckedPlugin? Next, LoadedPlugin? Running);

/// <summary>What another selection of plugins asks for: a comparison that changes nothing.</summary>
internal static class PluginPlan
{
    /// <summary>The steps, by their text; none when nothing changes.</summary>
    /// <param name="loaded">The plugins that are loaded, failed ones included.</param>
    /// <param name="before">The selection in effect.</param>
    /// <param name="after">The selection to come.</param>
    public static ImmutableArray<PluginStep> Between(
        ImmutableArray<LoadedPlugin> loaded, PluginSelection before, PluginSelection after)
    {
        var steps = new List<PluginStep>();
        foreach (PluginRole role in PluginRoles.All)
            CompareRole(role, [.. loaded.Where(plugin => plugin.Entry.Role == role)], after, steps);
        CompareWaiting(before.Waiting, after.Waiting, steps);
        return [.. steps.OrderBy(step => step.Text, StringComparer.Ordinal)];
    }

    private static void CompareRole(
        PluginRole role, List<LoadedPlugin> running, PluginSelection after, List<PluginStep> steps)
    {
        CheckedPlugin[] wanted = [.. after.Active.Where(plugin => plugin.Entry.Role == role)];
        var come = new List<CheckedPlugin>();
        foreach (CheckedPlugin next in wanted)
        {
            if (running.Find(plugin => plugin.Entry.Name == next.Entry.Name) is not { } old)
                come.Add(next);
            else
            {
                running.Remove(old);
                Compare(old, next, steps);
            }
        }

        // What is left over on both sides changes places, one by one.
        while (come.Count > 0 || running.Count > 0)
        {
            CheckedPlugin? next = come.FirstOrDefault();
            LoadedPlugin? old = running.FirstOrDefault();
            come.RemoveRange(0, Math.Min(1, come.Count));
            running.RemoveRange(0, Math.Min(1, running.Count));
            string what = next is null ? $"{old!.Entry.Name} removed"
                : old is null ? $"{next.Entry.Name} added" : $"{old.Entry.Name} -> {next.Entry.Name}";
            steps.Add(Step(IsReplaceable(role) ? next is null ? PluginAction.Stop : PluginAction.Start : PluginAction.AtNextStart,
                $"role {PluginRoles.NameOf(role)}: {what}", next, old));
        }
    }

    private static void Compare(LoadedPlugin old, CheckedPlugin next, List<PluginStep> steps)
    {
        bool canReplace = IsReplaceable(old.Entry.Role);
        string name = $"plugin {old.Entry.Name}: ";
        List<string> changes = [.. Changes(old.Plugin, next)];
        if (old.Hash != next.Package.Hash)
            steps.Add(Step(canReplace ? PluginAction.Start : PluginAction.AtNextStart,
                name + string.Join("; ", changes), next, old));
        else if (changes.Count > 0)
            steps.Add(Step(
                old.IsReconfigurable && old.State == PluginState.Running ? PluginAction.Reconfigure
                    : canReplace ? PluginAction.Start : PluginAction.AtNextStart,
                name + string.Join("; ", changes), next, old));
        else if (old.State == PluginState.Failed && canReplace)
            steps.Add(Step(PluginAction.Start, name + "it had failed", next, old));
    }

    private static void CompareWaiting(
        ImmutableArray<CheckedPlugin> before, ImmutableArray<CheckedPlugin> after, List<PluginStep> steps)
    {
        foreach (CheckedPlugin next in after)
        {
            CheckedPlugin? old = before.FirstOrDefault(plugin => plugin.Entry.Name == next.Entry.Name);
            string[] changes = old is null ? ["added"] : [.. Changes(old, next)];
            if (changes.Length > 0)
                steps.Add(new PluginStep(PluginAction.Note,
                    $"standby {next.Entry.Name}: {string.Join("; ", changes)}", next, null));
        }

        foreach (CheckedPlugin old in before.Where(old => !after.Any(next => next.Entry.Name == old.Entry.Name)))
            steps.Add(new PluginStep(PluginAction.Note, $"standby {old.Entry.Name}: removed", null, null));
    }

    /// <summary>What differs between two states of one plugin, in words.</summary>
    private static IEnumerable<string> Changes(CheckedPlugin before, CheckedPlugin after)
    {
        if (before.Package.Hash != after.Package.Hash)
            yield return $"another build, sha256 {before.Package.Hash[..12]}... -> {after.Package.Hash[..12]}...";
        ImmutableSortedDictionary<string, string> old = before.Settings.Texts;
        ImmutableSortedDictionary<string, string> next = after.Settings.Texts;
        foreach (string name in old.Keys.Union(next.Keys).Order(StringComparer.Ordinal))
        {
            (string left, string right) = (old.GetValueOrDefault(name, "none"), next.GetValueOrDefault(name, "none"));
            if (left != right)
                yield return $"{name} {left} -> {right}";
        }
    }

    private static PluginStep Step(PluginAction action, string text, CheckedPlugin? next, LoadedPlugin? running) => new(
        action,
        text + action switch
        {
            PluginAction.Start when running is not null => " (new instance)",
            PluginAction.AtNextStart => " at the next start",
            _ => "",
        },
        next, running);

    // The engine's interfaces and connections belong to their plugins: those cannot change hands.
    private static bool IsReplaceable(PluginRole role) =>
        role is PluginRole.Trust or PluginRole.Routing or PluginRole.Control;
}
