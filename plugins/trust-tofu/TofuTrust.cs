using System.Composition;
using VibePN.Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>Pins by configured peer; a first use only where we dial; strangers refused and listed.</summary>
/// <remarks>
/// Judgements read one immutable picture and take no lock but the short one of the strangers' list. Changes are
/// made one at a time: written to disk first, published then. A commit writes on the caller's thread.
/// </remarks>
[TrustPlugin("trust-tofu", Contract = 1)]
[PluginSetting("first_use", SettingType.Boolean, Default = "true",
    Help = "Whether a dialled peer without a fingerprint is trusted and pinned at first contact.")]
public sealed class TofuTrust : ITrustPlugin
{
    private const string TakenOff = "Taken off the list.";

    private readonly IPluginContext _context;
    private readonly Lock _gate = new();
    private readonly Strangers _strangers = new();
    private readonly PinStore _store;
    private bool _firstUse;
    private volatile Grounds _grounds = new(PinSet.Empty, "Trust store: not read yet.");
    private volatile string? _writeFault;

    /// <summary>Keeps the context; reads nothing yet.</summary>
    [ImportingConstructor]
    public TofuTrust(IPluginContext context)
    {
        _context = context;
        _store = new PinStore(context.Store);
    }

    /// <inheritdoc/>
    public event Action? Changed;

    /// <summary>Reads settings and pins. A store that cannot be used is no reason not to start: configured pins work without it.</summary>
    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _firstUse = _context.Settings.GetBoolean("first_use");
            Load();
        }
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public TrustVerdict Decide(TrustRequest request)
    {
        TrustVerdict verdict = Judge.Decide(request, _grounds, _firstUse);
        _strangers.Note(request, verdict);
        return verdict;
    }

    /// <inheritdoc/>
    public ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!verdict.NeedsCommit)
            return ValueTask.FromResult<string?>(null);
        lock (_gate)
        {
            // Judged again on today's pins: another certificate may have been pinned to the peer meanwhile.
            TrustVerdict now = Judge.Decide(request, _grounds, _firstUse);
            if (now.Outcome != TrustOutcome.Accept || now.Peer != verdict.Peer)
                return ValueTask.FromResult<string?>(now.Text);
            if (!now.NeedsCommit)
                return ValueTask.FromResult<string?>(null);
            var pin = new Pin(now.Peer!, request.Fingerprint, request.PublicKey, request.Now, "first use");
            if (Save(_grounds.Pins.With(pin)) is { } fault)
                return ValueTask.FromResult<string?>(fault);
        }
        _strangers.Forget(request.Fingerprint);
        _context.Logger.FirstUse(verdict.Peer!, request.Fingerprint);
        Changed?.Invoke();
        return ValueTask.FromResult<string?>(null);
    }

    /// <summary>What is stored and listed. Pins of the configuration are not: the engine knows those.</summary>
    /// <inheritdoc/>
    public TrustListing List()
    {
        Grounds grounds = _grounds;
        string? fault = grounds.StoreFault ?? _writeFault;
        IEnumerable<TrustRecord> pins = grounds.Pins.Pins.Select(pin => new TrustRecord(
            TrustState.Pinned, pin.Peer, pin.Certificate, pin.PublicKey, pin.Since, pin.Since, pin.How, ""));
        IEnumerable<TrustRecord> denials = grounds.Pins.Denials.Select(denial => new TrustRecord(
            TrustState.Denied, "", denial.Subject, denial.PublicKey, denial.Since, denial.Since, "operator", ""));
        return new TrustListing(fault is null, fault ?? "ok",
        [
            .. pins.Concat(denials).Concat(_strangers.Snapshot())
                .OrderBy(record => record.State)
                .ThenBy(record => record.Peer, StringComparer.Ordinal)
                .ThenBy(record => record.Fingerprint),
        ]);
    }

    /// <inheritdoc/>
    public ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TrustResult result;
        bool changed;
        lock (_gate)
        {
            Grounds before = _grounds;
            result = Apply(order);
            changed = !ReferenceEquals(before, _grounds);
        }
        if (result.Done)
            _context.Logger.Ordered(order.Action, result.Text);
        if (changed)
            Changed?.Invoke();
        return ValueTask.FromResult(result);
    }

    /// <inheritdoc/>
    public TrustResult Plan(TrustOrder order)
    {
        Grounds grounds = _grounds;
        if (grounds.StoreFault is { } fault)
            return new TrustResult(false, fault);
        TrustResult result = Planned(grounds, order).Result;
        bool isListed = order.Action == TrustAction.Forget && _strangers.Has(order.Fingerprint);
        return isListed && !result.Done ? new TrustResult(true, TakenOff) : result;
    }

    private TrustResult Apply(TrustOrder order)
    {
        // The operator may have mended the file since.
        if (_grounds.StoreFault is not null)
            Load();
        if (_grounds.StoreFault is { } fault)
            return new TrustResult(false, fault);

        (PinSet? next, TrustResult result) = Planned(_grounds, order);
        if (next is not null && Save(next) is { } writeFault)
            return new TrustResult(false, writeFault);
        bool listed = (result.Done || order.Action == TrustAction.Forget) && _strangers.Forget(order.Fingerprint) > 0;
        return listed && !result.Done ? new TrustResult(true, TakenOff) : result;
    }

    private (PinSet? Next, TrustResult Result) Planned(Grounds grounds, TrustOrder order) =>
        Orders.Plan(grounds.Pins, order, KeyOf(grounds.Pins, order), _context.Time.GetUtcNow());

    // The key belonging to a certificate that has been seen, so that a denial of it holds for every copy.
    private Fingerprint KeyOf(PinSet pins, TrustOrder order)
    {
        if (!order.PublicKey.IsEmpty)
            return order.PublicKey;
        Pin? pin = pins.Pins.FirstOrDefault(p => p.Certificate == order.Fingerprint);
        return pin is { PublicKey.IsEmpty: false } ? pin.PublicKey : _strangers.KeyOf(order.Fingerprint);
    }

    private void Load()
    {
        _grounds = _store.Load();
        if (_grounds.StoreFault is { } fault)
            _context.Logger.StoreFailed(fault);
        else
            _context.Logger.Loaded(_grounds.Pins.Pins.Length, _grounds.Pins.Denials.Length);
    }

    // Durable first, published then: a judgement never rests on what a crash could undo.
    private string? Save(PinSet pins)
    {
        string? fault = _store.Save(pins);
        if (fault is null)
            _grounds = new Grounds(pins, null);
        else if (_writeFault is null)
            _context.Logger.StoreFailed(fault);
        _writeFault = fault;
        return fault;
    }
}
