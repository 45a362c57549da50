using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Lets a listed plugin take another's place in the running daemon: roles routing and trust.</summary>
/// <remarks>One at a time, and never beside a reload: the caller holds the lock for changes.</remarks>
internal sealed class Swapping(RunningParts parts)
{
    // A dry run is for people; the count says how much is left out.
    private const int MostLines = 200;

    /// <summary>Swaps, or says what a swap would do.</summary>
    public async Task<SwapOutcome> RunAsync(SwapRequest request)
    {
        try
        {
            (LoadedPlugin running, PluginEntry entry) = Find(request);
            CheckedPlugin candidate = Check(entry);
            return await ChangeRefusedException.TranslateAsync(() =>
                request.DryRun ? PreviewAsync(running, candidate) : SwapAsync(running, candidate));
        }
        catch (ChangeRefusedException refused)
        {
            return SwapOutcome.Refused(refused.Error, refused.Message);
        }
    }

    private async Task<SwapOutcome> SwapAsync(LoadedPlugin running, CheckedPlugin candidate)
    {
        PluginSelection selection = SelectionWith(running, candidate);
        var transition = new Transition(parts);
        ChangeResult result;
        try
        {
            await transition.StartAsync(candidate, running);
            await transition.PrepareEngineAsync(configuration: null, selection);
            result = await transition.CommitAsync();
        }
        catch
        {
            await transition.UndoAsync();
            throw;
        }

        parts.Selection = selection;
        await transition.RetireAsync();
        return new SwapOutcome(ControlError.None, Sentence(running, candidate, selection), Lines([], result.EndedSessions), result.Took);
    }

    private async Task<SwapOutcome> PreviewAsync(LoadedPlugin running, CheckedPlugin candidate)
    {
        var transition = new Transition(parts);
        try
        {
            await transition.StartAsync(candidate, running);
            ChangePreview preview = await transition.PreviewAsync(SelectionWith(running, candidate));
            ImmutableArray<string> lines = Lines(preview.Routes, preview.EndedSessions);
            string what = running.Entry.Role == PluginRole.Routing ? "destinations would take another way" : "sessions would end";
            return new SwapOutcome(ControlError.None,
                $"{running.Entry.Name} -> {candidate.Entry.Name}: {preview.Routes.Length + preview.EndedSessions.Length} {what}; nothing was changed",
                lines, null);
        }
        finally
        {
            await transition.UndoAsync();
        }
    }

    private static ImmutableArray<string> Lines(ImmutableArray<RouteChange> routes, ImmutableArray<SessionEnd> sessions)
    {
        string[] lines =
        [
            .. routes.Select(change => $"{change.Network} {change.Prefix}: {change.Before} -> {change.After}"),
            .. sessions.Select(end => $"session with {end.Peer} ends: {end.Reason}"),
        ];
        return lines.Length <= MostLines
            ? [.. lines]
            : [.. lines.Take(MostLines), $"and {lines.Length - MostLines} more"];
    }

    private (LoadedPlugin Running, PluginEntry Candidate) Find(SwapRequest request)
    {
        PluginRole role = PluginRoles.All.FirstOrDefault(role => PluginRoles.NameOf(role) == request.Role, PluginRole.Control);
        if (!PluginRoles.IsSwappable(role))
            throw new ChangeRefusedException(ControlError.BadRequest,
                $"the role '{request.Role}' cannot be swapped while the daemon runs: use trust or routing.");
        if (parts.Selection.Find(request.Name) is not { } candidate || candidate.Entry.Role != role)
        {
            string names = string.Join(", ", parts.Selection.Waiting
                .Where(plugin => plugin.Entry.Role == role).Select(plugin => plugin.Entry.Name));
            throw new ChangeRefusedException(ControlError.NotFound,
                $"plugins.toml lists no {request.Role} plugin '{request.Name}' that the daemon knows of. Waiting for the role: "
                + $"{(names.Length == 0 ? "none" : names)}. List it with standby = true, and reload.");
        }

        ImmutableArray<LoadedPlugin> loaded = parts.Plugins.Loaded(role);
        if (loaded.Any(plugin => plugin.Entry.Name == request.Name))
            throw new ChangeRefusedException(ControlError.Conflict, $"'{request.Name}' fills the role '{request.Role}' already.");
        if (request.Replace is null && loaded.Length > 1)
            throw new ChangeRefusedException(ControlError.BadRequest,
                $"several plugins fill the role '{request.Role}': name the one to replace with --replace "
                + $"({string.Join(", ", loaded.Select(plugin => plugin.Entry.Name))}).");
        LoadedPlugin? running = request.Replace is null
            ? loaded.FirstOrDefault()
            : loaded.FirstOrDefault(plugin => plugin.Entry.Name == request.Replace);
        return running is null
            ? throw new ChangeRefusedException(ControlError.NotFound, $"no {request.Role} plugin '{request.Replace}' runs.")
            : (running, candidate.Entry);
    }

    // Looked at again: its files may have changed since plugins.toml was read.
    private static CheckedPlugin Check(PluginEntry entry)
    {
        var errors = new List<ConfigError>();
        return PluginCheck.Run(entry, errors)
            ?? throw new ChangeRefusedException(ControlError.PluginFailed, string.Join('\n', errors));
    }

    private PluginSelection SelectionWith(LoadedPlugin running, CheckedPlugin candidate)
    {
        PluginSelection selection = parts.Selection.Swap(running.Entry.Name, candidate.Entry.Name);
        return selection with
        {
            Listed = [.. selection.Listed.Select(plugin => plugin.Entry.Name == candidate.Entry.Name ? candidate : plugin)],
        };
    }

    private static string Sentence(LoadedPlugin running, CheckedPlugin candidate, PluginSelection selection)
    {
        string role = PluginRoles.NameOf(candidate.Entry.Role);
        string outlook = selection.Swaps.IsEmpty
            ? "plugins.toml says the same."
            : "This lasts until the daemon is started anew: then plugins.toml decides.";
        return $"{candidate.Entry.Name} {candidate.Export.Version} has taken the place of {running.Entry.Name} in the role {role}. {outlook}";
    }
}
