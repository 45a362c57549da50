using System.Composition;
using VibePN.Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustPinned;

/// <summary>The fingerprints of the configuration, and nothing else: no first use, no store, nothing to widen.</summary>
/// <remarks>
/// Judgements are a function of the request alone and take no lock but the short one of the strangers' list.
/// An operator changes who is trusted in one place, config.toml; so orders change nothing but that list.
/// </remarks>
[TrustPlugin("trust-pinned", Contract = 1)]
public sealed class PinnedTrust : ITrustPlugin
{
    private readonly Strangers _strangers = new();

    /// <summary>Needs nothing of the host.</summary>
    [ImportingConstructor]
    public PinnedTrust(IPluginContext context) => ArgumentNullException.ThrowIfNull(context);

    /// <summary>Never raised: verdicts change with the configuration only, and the engine knows that first.</summary>
    public event Action? Changed
    {
        add { }
        remove { }
    }

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public TrustVerdict Decide(TrustRequest request)
    {
        TrustVerdict verdict = Judge.Decide(request);
        _strangers.Note(request, verdict);
        return verdict;
    }

    /// <summary>No verdict of this plugin asks for a commit, so there is nothing to make durable.</summary>
    /// <inheritdoc/>
    public ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken)
    {
        TrustVerdict now = Judge.Decide(request);
        return ValueTask.FromResult(now.Outcome == TrustOutcome.Accept ? null : now.Text);
    }

    /// <summary>Who was refused. The pins themselves are the configuration's, and the engine knows those.</summary>
    /// <inheritdoc/>
    public TrustListing List() => new(Healthy: true, "ok",
    [
        .. _strangers.Snapshot()
            .OrderBy(record => record.State)
            .ThenBy(record => record.Peer, StringComparer.Ordinal)
            .ThenBy(record => record.Fingerprint),
    ]);

    /// <inheritdoc/>
    public ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(order);
        cancellationToken.ThrowIfCancellationRequested();
        TrustResult result = Plan(order);
        if (result.Done)
            _strangers.Forget(order.Fingerprint);
        return ValueTask.FromResult(result);
    }

    /// <inheritdoc/>
    public TrustResult Plan(TrustOrder order)
    {
        ArgumentNullException.ThrowIfNull(order);
        string peer = order.Peer is null ? "the peer" : $"peer '{order.Peer}'";
        return order.Action switch
        {
            TrustAction.Accept or TrustAction.Replace => Not(
                $"Set fingerprint = \"{order.Fingerprint}\" for {peer} in config.toml and reload"),
            TrustAction.Deny => Not(
                $"Remove the fingerprint {order.Fingerprint} from its peer in config.toml, or the peer, and reload"),
            TrustAction.Forget => _strangers.Has(order.Fingerprint)
                ? new TrustResult(true, "Taken off the list.")
                : new TrustResult(false, "It is not on trust-pinned's list; a fingerprint in config.toml is removed there."),
            TrustAction.Verify => Not($"The fingerprint of {peer} there is what was compared, so nothing is left to do"),
            _ => new TrustResult(false, $"There is no order {(int)order.Action}."),
        };
    }

    private static TrustResult Not(string remedy) =>
        new(false, $"trust-pinned believes the fingerprints of config.toml and stores none. {remedy}.");
}
