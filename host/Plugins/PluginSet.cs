using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Logging;
using VibePN.Host.Running;

namespace VibePN.Host.Plugins;

/// <summary>All plugins of the daemon: loads them, starts them in role order, stops them in the reverse order.</summary>
internal sealed class PluginSet
{
    private ImmutableArray<LoadedPlugin> _plugins;
    private ImmutableArray<LoadedPlugin> _candidates = [];
    private Task _pruning = Task.CompletedTask;
    private readonly PluginServices _services;
    private readonly ILogger _logger;
    private readonly UnloadWatch _unloads;

    /// <summary>Takes checked plugins in start order.</summary>
    public PluginSet(IEnumerable<CheckedPlugin> plugins, PluginServices services)
    {
        _services = services;
        _plugins = [.. plugins.Select(plugin => new LoadedPlugin(plugin, services))];
        _logger = services.Loggers.CreateLogger("host/plugins");
        _unloads = new UnloadWatch(services.Time, _logger);
    }

    /// <summary>The plugins in start order.</summary>
    public ImmutableArray<LoadedPlugin> All => _plugins;

    /// <summary>Plugins whose code is still in memory though they were stopped.</summary>
    public int UnloadsPending => _unloads.Pending;

    /// <summary>Checks every entry of a manifest, several at once; runs no plugin code.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="errors">Every error found, in the file's order.</param>
    /// <returns>The plugins that passed, in start order.</returns>
    public static ImmutableArray<CheckedPlugin> Check(PluginManifest manifest, out IReadOnlyList<(PluginEntry Entry, ConfigError Error)> errors)
    {
        var results = new (CheckedPlugin? Plugin, List<ConfigError> Errors)[manifest.Plugins.Length];
        Parallel.For(0, results.Length, i =>
        {
            var found = new List<ConfigError>();
            results[i] = (PluginCheck.Run(manifest.Plugins[i], found), found);
        });
        errors =
        [
            .. results.SelectMany((result, i) => result.Errors.Select(error => (manifest.Plugins[i], error)))
                .OrderBy(pair => pair.error.Position.Line).ThenBy(pair => pair.error.Position.Column),
        ];
        return [.. results.Select(result => result.Plugin).OfType<CheckedPlugin>()];
    }

    /// <summary>The running plugins of a role.</summary>
    public IEnumerable<T> Of<T>(PluginRole role)
        where T : class, IPlugin =>
        _plugins.Where(plugin => plugin.Entry.Role == role && plugin.State == PluginState.Running)
            .Select(plugin => (T)plugin.Instance);

    /// <summary>The loaded plugins of a role, failed ones included.</summary>
    public ImmutableArray<LoadedPlugin> Loaded(PluginRole role) =>
        [.. _plugins.Where(plugin => plugin.Entry.Role == role && plugin.IsLoaded)];

    /// <summary>The running trust plugins, each made to fail closed.</summary>
    public IEnumerable<FailClosedTrust> Trust() =>
        _plugins.Where(plugin => plugin.Entry.Role == PluginRole.Trust && plugin.State == PluginState.Running)
            .Select(plugin => new FailClosedTrust(plugin));

    /// <summary>Loads and starts a plugin beside those that run. It is none of them until <see cref="Replace"/>.</summary>
    /// <exception cref="DaemonException">It does not load or start; nothing of it stays.</exception>
    public async Task<LoadedPlugin> StartCandidateAsync(CheckedPlugin candidate)
    {
        await _pruning; // or its staged copy could be taken for a left-over
        var plugin = new LoadedPlugin(candidate, _services);
        ImmutableInterlocked.Update(ref _candidates, candidates => candidates.Add(plugin));
        try
        {
            // Off the caller's thread: a constructor may take its time.
            await Task.Run(() => plugin.Load(new PluginStage(_services.StateDirectory)));
            await plugin.StartAsync();
            return plugin;
        }
        catch (DaemonException)
        {
            await RetireAsync(plugin);
            throw;
        }
    }

    /// <summary>Puts started candidates among the plugins, in place of others or beside them.</summary>
    /// <param name="gone">Who leaves; the caller retires them.</param>
    /// <param name="come">Who comes.</param>
    public void Replace(IReadOnlyCollection<LoadedPlugin> gone, IReadOnlyCollection<LoadedPlugin> come)
    {
        _plugins = [.. _plugins.Where(plugin => !gone.Contains(plugin)).Concat(come).OrderBy(plugin => plugin.Entry.Role)];
        ImmutableInterlocked.Update(ref _candidates, candidates => candidates.AddRange(gone).RemoveAll(come.Contains));
    }

    /// <summary>Stops and unloads a plugin that is not in use any more. Throws nothing.</summary>
    public async Task RetireAsync(LoadedPlugin plugin)
    {
        await plugin.StopAsync();
        _unloads.Add(plugin);
        ImmutableInterlocked.Update(ref _candidates, candidates => candidates.Remove(plugin));
    }

    /// <summary>Loads all, then starts all in order.</summary>
    /// <exception cref="DaemonException">One that is required failed; those that had started are stopped again.</exception>
    public async Task StartAsync()
    {
        try
        {
            await LoadAsync();
            foreach (LoadedPlugin plugin in _plugins)
            {
                if (plugin.State == PluginState.Waiting)
                    await TryAsync(plugin, plugin.StartAsync);
            }

            CheckRoles();
        }
        catch (DaemonException)
        {
            await StopAsync();
            throw;
        }
    }

    /// <summary>Stops all that runs, in the reverse order. Throws nothing.</summary>
    public async Task StopAsync()
    {
        foreach (LoadedPlugin plugin in _candidates.Concat(_plugins.Reverse()))
        {
            await plugin.StopAsync();
            _unloads.Add(plugin);
        }
    }

    /// <summary>Finds the plugin whose code let an exception escape on a thread of its own, and marks it failed.</summary>
    /// <returns>Its name, or null when the exception is not a plugin's. The exception is not kept.</returns>
    public string? Attribute(Exception exception)
    {
        List<AssemblyLoadContext?> contexts = [.. ContextsOf(exception)];
        if (_plugins.Concat(_candidates).FirstOrDefault(candidate => candidate.Owns(contexts)) is not { } plugin)
            return null;
        plugin.MarkFailed();
        Log.PluginFault(_logger, plugin.Entry.Name, $"{exception.GetType().Name}: {exception.Message}");
        return plugin.Entry.Name;
    }

    private static IEnumerable<AssemblyLoadContext?> ContextsOf(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            yield return AssemblyLoadContext.GetLoadContext(cause.GetType().Assembly);
            foreach (StackFrame frame in new StackTrace(cause).GetFrames())
            {
                if (frame.GetMethod() is { } method)
                    yield return AssemblyLoadContext.GetLoadContext(method.Module.Assembly);
            }
        }
    }

    // Staging and loading wait for the disk and the compiler, so they run side by side; starting keeps the order.
    private async Task LoadAsync()
    {
        var stage = new PluginStage(_services.StateDirectory);
        Task[] loads = [.. _plugins.Select(plugin => Task.Run(() => plugin.Load(stage)))];
        for (int i = 0; i < loads.Length; i++)
        {
            Task load = loads[i];
            try
            {
                await TryAsync(_plugins[i], () => load);
            }
            catch (DaemonException)
            {
                await Task.WhenAll(loads).ContinueWith(_ => { }, TaskScheduler.Default);
                throw;
            }
        }

        _pruning = Task.Run(() => stage.Prune(_plugins.Select(plugin => plugin.Hash).ToHashSet()));
    }

    private async Task TryAsync(LoadedPlugin plugin, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (DaemonException exception) when (plugin.Entry.Optional)
        {
            Log.OptionalPluginFailed(_logger, exception.Message);
            _unloads.Add(plugin);
        }
    }

    private void CheckRoles()
    {
        foreach (PluginRole role in PluginRoles.All)
        {
            if (!_plugins.Any(plugin => plugin.Entry.Role == role && plugin.State == PluginState.Running))
                throw new DaemonException(ExitCodes.Configuration,
                    $"no plugin runs for the role '{PluginRoles.NameOf(role)}', and the daemon cannot do without. "
                    + "See the warnings above.");
        }
    }
}
