using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Metrics;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>What a reload or a swap has begun: candidates started and addresses opened, until it is committed or undone.</summary>
/// <remarks>Nothing in use changes before <see cref="CommitAsync"/>, and what that refuses is undone by <see cref="UndoAsync"/>.</remarks>
internal sealed class Transition(RunningParts parts)
{
    private readonly List<LoadedPlugin> _come = [];
    private readonly List<LoadedPlugin> _gone = [];
    private readonly List<(LoadedPlugin Plugin, CheckedPlugin Next)> _settings = [];
    private readonly List<FailClosedTrust> _frozen = [];
    private ImmutableArray<FailClosedTrust> _nextTrust = [];
    private MetricsEndpoint? _metrics;
    private bool _movesMetrics;
    private PreparedChange? _prepared;

    /// <summary>The control plugin that takes over, or null.</summary>
    public LoadedPlugin? NextControl => _come.Find(plugin => plugin.Entry.Role == PluginRole.Control);

    /// <summary>Starts a plugin that is to take a place.</summary>
    /// <param name="next">The candidate.</param>
    /// <param name="running">Whose place, or null for a place of its own.</param>
    /// <exception cref="DaemonException">It does not load or start.</exception>
    public async Task StartAsync(CheckedPlugin next, LoadedPlugin? running)
    {
        if (running is not null && running.Entry.Name == next.Entry.Name)
            Freeze(running);
        _come.Add(await parts.Plugins.StartCandidateAsync(next));
        if (running is not null)
            _gone.Add(running);
    }

    /// <summary>A plugin is to stop, and nothing takes its place.</summary>
    public void Stop(LoadedPlugin running) => _gone.Add(running);

    /// <summary>A plugin is to get other settings while it runs.</summary>
    /// <exception cref="ChangeRefusedException">It does not want them.</exception>
    public async Task ReconfigureAsync(LoadedPlugin running, CheckedPlugin next)
    {
        if (await running.CheckSettingsAsync(next) is { } objection)
        {
            SourcePosition position = next.Entry.Settings?.Position ?? next.Entry.Position;
            throw new ChangeRefusedException(ControlError.InvalidConfig,
                $"{position}: error {ErrorCodes.SettingsRefused}: plugin '{next.Entry.Name}' does not take its new settings: {objection}");
        }

        _settings.Add((running, next));
    }

    /// <summary>Metrics are to be served elsewhere, or no more.</summary>
    /// <exception cref="DaemonException">The address cannot be had.</exception>
    public void MoveMetrics(HostSettings next)
    {
        _metrics = parts.OpenMetrics(next);
        _movesMetrics = true;
    }

    /// <summary>Opens and tries what the engine needs.</summary>
    /// <exception cref="PluginException">It cannot be had.</exception>
    public async Task PrepareEngineAsync(EngineConfiguration? configuration, PluginSelection selection) =>
        _prepared = await parts.Engine.PrepareAsync(ChangeOf(configuration, selection), CancellationToken.None);

    /// <summary>What the engine would do; nothing changes.</summary>
    /// <exception cref="PluginException">A candidate fails.</exception>
    public Task<ChangePreview> PreviewAsync(PluginSelection selection) =>
        parts.Engine.PreviewAsync(ChangeOf(null, selection), CancellationToken.None);

    /// <summary>Changes everything.</summary>
    /// <exception cref="PluginException">A candidate fails after all; nothing has changed.</exception>
    public async Task<ChangeResult> CommitAsync()
    {
        PreparedChange prepared = _prepared ?? throw new InvalidOperationException("The engine comes first.");
        _prepared = null; // committed or undone: the engine has done either itself when it returns
        ChangeResult result = await parts.Engine.CommitAsync(prepared);
        if (!_nextTrust.IsEmpty)
            parts.Trust = _nextTrust;
        parts.Plugins.Replace(_gone, _come);
        if (_movesMetrics)
            (parts.Metrics, _metrics) = (_metrics, parts.Metrics);
        return result;
    }

    /// <summary>Ends what has been replaced. Control plugins are the caller's: one of them may have to answer yet.</summary>
    public async Task RetireAsync()
    {
        _metrics?.Dispose();
        foreach (LoadedPlugin plugin in _gone.Where(plugin => plugin.Entry.Role != PluginRole.Control))
            await parts.Plugins.RetireAsync(plugin);
    }

    /// <summary>Ends what was begun. Throws nothing.</summary>
    public async Task UndoAsync()
    {
        if (_prepared is { } prepared)
        {
            try
            {
                await parts.Engine.AbandonAsync(prepared);
            }
            catch (PluginException)
            {
                // The daemon is stopping, and the engine has closed it all.
            }
        }

        _metrics?.Dispose();
        foreach (LoadedPlugin plugin in _come)
            await parts.Plugins.RetireAsync(plugin);
        foreach (FailClosedTrust trust in _frozen)
            trust.IsFrozen = false;
    }

    private EngineChange ChangeOf(EngineConfiguration? configuration, PluginSelection selection)
    {
        LoadedPlugin? routing = _come.Find(plugin => plugin.Entry.Role == PluginRole.Routing);
        bool changesTrust = _come.Concat(_gone).Any(plugin => plugin.Entry.Role == PluginRole.Trust);
        if (changesTrust)
            _nextTrust = TrustOf(selection);
        return new EngineChange
        {
            Configuration = configuration,
            Routing = (IRoutePolicyPlugin?)routing?.Instance,
            Trust = changesTrust ? [.. _nextTrust] : null,
            OnCommit = _settings.Count == 0 ? null : ApplySettings,
        };
    }

    private ImmutableArray<FailClosedTrust> TrustOf(PluginSelection selection) =>
    [
        .. selection.Active.Where(plugin => plugin.Entry.Role == PluginRole.Trust).Select(plugin =>
            _come.Find(fresh => fresh.Entry.Name == plugin.Entry.Name) is { } come
                ? new FailClosedTrust(come)
                : parts.Trust.First(trust => trust.Plugin.Entry.Name == plugin.Entry.Name)),
    ];

    private void ApplySettings()
    {
        foreach ((LoadedPlugin plugin, CheckedPlugin next) in _settings)
            plugin.ApplySettings(next);
    }

    private void Freeze(LoadedPlugin running)
    {
        foreach (FailClosedTrust trust in parts.Trust.Where(trust => trust.Plugin == running))
        {
            trust.IsFrozen = true;
            _frozen.Add(trust);
        }
    }
}
