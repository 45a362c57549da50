using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>A trust plugin as the engine gets it: once its own threads have failed, it refuses everybody.</summary>
/// <param name="plugin">The plugin; running when this is made.</param>
internal sealed class FailClosedTrust(LoadedPlugin plugin) : ITrustPlugin
{
    private const string FaultText = "the trust plugin failed; restart the daemon";

    private const string FrozenText = "the trust plugin is about to be replaced; this comes through when it is dialled again";

    private readonly Lock _lock = new();
    private Action? _changed;
    private volatile bool _frozen;

    /// <summary>The plugin behind it.</summary>
    public LoadedPlugin Plugin => plugin;

    /// <summary>
    /// Whether nothing may become durable: another build of the same plugin has read the same files already, and what is
    /// written now would be lost on it.
    /// </summary>
    public bool IsFrozen
    {
        get => _frozen;
        set => _frozen = value;
    }

    /// <inheritdoc/>
    public event Action? Changed
    {
        add
        {
            lock (_lock)
            {
                _changed += value;
                if (plugin.TryGetInstance<ITrustPlugin>() is { } trust)
                    trust.Changed += value;
            }
        }

        remove
        {
            lock (_lock)
            {
                _changed -= value;
                if (plugin.TryGetInstance<ITrustPlugin>() is { } trust)
                    trust.Changed -= value;
            }
        }
    }

    /// <summary>Makes the engine judge its sessions again, because the plugin failed.</summary>
    public void OnFault() => _changed?.Invoke();

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) =>
        throw new InvalidOperationException("The host starts and stops the plugin itself.");

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) =>
        throw new InvalidOperationException("The host starts and stops the plugin itself.");

    /// <inheritdoc/>
    public TrustVerdict Decide(TrustRequest request) => Running is { } trust
        ? trust.Decide(request)
        : new TrustVerdict(TrustOutcome.Refuse, null, TrustReason.PluginFault, FaultText);

    /// <inheritdoc/>
    public ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken) =>
        _frozen ? ValueTask.FromResult<string?>(FrozenText)
            : Running is { } trust
            ? trust.CommitAsync(request, verdict, cancellationToken)
            : ValueTask.FromResult<string?>(FaultText);

    /// <inheritdoc/>
    public TrustListing List() => Running is { } trust ? trust.List() : new TrustListing(Healthy: false, FaultText, []);

    /// <inheritdoc/>
    public ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken) =>
        _frozen ? ValueTask.FromResult(new TrustResult(Done: false, FrozenText))
            : Running is { } trust
            ? trust.ApplyAsync(order, cancellationToken)
            : ValueTask.FromResult(new TrustResult(Done: false, FaultText));

    /// <inheritdoc/>
    public TrustResult Plan(TrustOrder order) =>
        _frozen ? new TrustResult(Done: false, FrozenText)
            : Running is { } trust ? trust.Plan(order) : new TrustResult(Done: false, FaultText);

    private ITrustPlugin? Running =>
        plugin.State == PluginState.Running ? plugin.TryGetInstance<ITrustPlugin>() : null;
}
