using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

// A reload, in this order:
//   1. read      both files and every listed plugin, all errors at once
//   2. plan      what differs from what is in effect, one line each
//   3. prepare   candidates start, addresses and interfaces open; what fails undoes all of it
//   4. commit    the engine in one turn of its thread, then the host's own parts
//   5. retire    what is not used any more

/// <summary>Makes the daemon follow its files, all or nothing.</summary>
/// <remarks>One at a time, and never beside a swap: the caller holds the lock for changes.</remarks>
internal sealed class Reloading(RunningParts parts, CommandLine files, Fingerprint node)
{
    /// <summary>Reads the files again and changes to what they say.</summary>
    /// <param name="dryRun">Whether to stop after the plan.</param>
    public async Task<ReloadOutcome> RunAsync(bool dryRun)
    {
        if (DaemonFiles.Read(files, strict: false, node, parts.Settings.StateDirectory, out ImmutableArray<string> errors) is not { } read)
            return new ReloadOutcome(ControlError.InvalidConfig, string.Join('\n', errors), []);
        try
        {
            EngineConfiguration effective = await parts.Engine.GetConfigurationAsync(CancellationToken.None);
            var plan = ReloadPlan.Between(
                parts.Settings, effective, parts.Plugins.All.RemoveAll(plugin => !plugin.IsLoaded), parts.Selection,
                read.Configuration, read.Listed);
            ChangeResult? result = dryRun ? null : await ChangeRefusedException.TranslateAsync(() => ChangeAsync(plan));
            return new ReloadOutcome(ControlError.None, "", plan.Lines)
            {
                Warnings = read.Warnings,
                EndedSessions = result?.EndedSessions ?? [],
            };
        }
        catch (ChangeRefusedException refused)
        {
            return new ReloadOutcome(refused.Error, refused.Message, []);
        }
        catch (PluginException exception)
        {
            // The daemon is starting or stopping.
            return new ReloadOutcome(ControlError.Unavailable, exception.Message, []);
        }
    }

    private async Task<ChangeResult> ChangeAsync(ReloadPlan plan)
    {
        await parts.ControlMove; // of an earlier reload
        var transition = new Transition(parts);
        LoadedPlugin control = parts.Plugins.Loaded(PluginRole.Control).Single();
        ChangeResult result;
        bool movesSocket = plan.Next.Host.ControlSocket != parts.Settings.ControlSocket;
        try
        {
            await PrepareAsync(plan, transition, movesSocket ? control : null);
            result = await transition.CommitAsync();
        }
        catch
        {
            await transition.UndoAsync();
            throw;
        }

        CommitHost(plan);
        await transition.RetireAsync();
        if (transition.NextControl is { } next)
            parts.ControlMove = Task.Run(() => new ControlMove(parts).RunAsync(control, next, servesAlready: movesSocket));
        return result;
    }

    private async Task PrepareAsync(ReloadPlan plan, Transition transition, LoadedPlugin? movedControl)
    {
        foreach (PluginStep step in plan.Steps)
        {
            if (step.Action == PluginAction.Reconfigure)
                await transition.ReconfigureAsync(step.Running!, step.Next!);
            else if (step.Action == PluginAction.Start)
                await transition.StartAsync(step.Next!, step.Running);
            else if (step.Action == PluginAction.Stop)
                transition.Stop(step.Running!);
        }

        if (!Equals(plan.Next.Host.MetricsListen, parts.Settings.MetricsListen))
            transition.MoveMetrics(plan.Next.Host);
        if (movedControl is not null)
        {
            // An endpoint is served by one instance for as long as that lives, so another endpoint takes another one.
            if (transition.NextControl is null)
                await transition.StartAsync(movedControl.Plugin, movedControl);
            ControlMove.Serve(transition.NextControl!, plan.Next.Host.ControlSocket, parts.Methods!);
        }

        await transition.PrepareEngineAsync(plan.Next.Engine, plan.Selection);
    }

    private void CommitHost(ReloadPlan plan)
    {
        if (plan.Next.Host.LogLevel != parts.Settings.LogLevel)
            parts.Log.SetLevel(plan.Next.Host.LogLevel);
        parts.Settings = plan.Next.Host with { StateDirectory = parts.Settings.StateDirectory };
        parts.Selection = plan.Selection;
        parts.Pending = [.. plan.Pending];
        foreach (LoadedPlugin plugin in parts.Plugins.All)
        {
            // The same plugin may stand elsewhere now, in the file or on the disk.
            if (plan.Selection.Find(plugin.Entry.Name) is { } listed && listed.Entry.Role == plugin.Entry.Role
                && listed.Package.Hash == plugin.Hash && listed.Settings.Texts.SequenceEqual(plugin.Plugin.Settings.Texts))
                plugin.Take(listed);
        }
    }
}
