using VibePN.Contracts;

namespace VibePN.Certificates;

/// <summary>The certificates that were shown and not believed, for the operator to look at.</summary>
/// <remarks>
/// Any thread, behind a short lock. Bounded: the one not seen for longest makes room. Conflicts of configured
/// peers have room of their own, so that strangers cannot push them out. Holds no text of a stranger's making.
/// </remarks>
public sealed class Strangers
{
    /// <summary>Pending certificates kept, and conflicting ones.</summary>
    public const int Capacity = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Peer, Fingerprint Certificate), Sighting> _pending = [];
    private readonly Dictionary<(string Peer, Fingerprint Certificate), Sighting> _conflicts = [];
    private long _order;

    /// <summary>Notes a certificate when the verdict over it is one that an operator should see.</summary>
    /// <param name="request">What was shown.</param>
    /// <param name="verdict">
    /// What was decided: pending ones are listed, and those that stand for another's; an accepted one is a stranger no more.
    /// </param>
    public void Note(TrustRequest request, TrustVerdict verdict)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(verdict);
        if (request.IsReview && verdict.Outcome != TrustOutcome.Accept)
            return; // nobody has shown it
        if (verdict.Outcome == TrustOutcome.Pending)
            Note(TrustState.Pending, request.Dialled?.Name ?? "", request);
        else if (verdict.Reason is TrustReason.Conflict or TrustReason.WrongPeer)
            Note(TrustState.Conflict, request.Dialled?.Name ?? "", request);
        else if (verdict.Outcome == TrustOutcome.Accept)
            Resolve(request.Fingerprint, verdict.Peer); // the configuration or the operator has decided meanwhile
    }

    /// <summary>Drops every record of a certificate.</summary>
    /// <param name="certificate">The certificate's fingerprint.</param>
    /// <returns>How many there were.</returns>
    public int Forget(Fingerprint certificate)
    {
        lock (_gate)
            return Remove(_pending, certificate, _ => true) + Remove(_conflicts, certificate, _ => true);
    }

    /// <summary>Whether a certificate is listed.</summary>
    /// <param name="certificate">The certificate's fingerprint.</param>
    public bool Has(Fingerprint certificate) => Array.Exists(Snapshot(), record => record.Fingerprint == certificate);

    /// <summary>The public key of a certificate that was shown; the default value when it is not listed.</summary>
    /// <param name="certificate">The certificate's fingerprint.</param>
    public Fingerprint KeyOf(Fingerprint certificate) =>
        Snapshot().FirstOrDefault(record => record.Fingerprint == certificate)?.PublicKey ?? default;

    /// <summary>All records, in no order.</summary>
    public TrustRecord[] Snapshot()
    {
        lock (_gate)
            return [.. _pending.Values.Concat(_conflicts.Values).Select(sighting => sighting.Record)];
    }

    // What it showed in another peer's place stays to be looked at.
    private void Resolve(Fingerprint certificate, string? peer)
    {
        lock (_gate)
        {
            Remove(_pending, certificate, name => name.Length == 0 || name == peer);
            Remove(_conflicts, certificate, name => name == peer);
        }
    }

    private void Note(TrustState state, string peer, TrustRequest request)
    {
        lock (_gate)
        {
            var list = state == TrustState.Conflict ? _conflicts : _pending;
            var key = (peer, request.Fingerprint);
            DateTimeOffset first = list.TryGetValue(key, out Sighting? known) ? known.Record.FirstSeen : request.Now;
            if (known is null && list.Count == Capacity)
                list.Remove(list.MinBy(pair => pair.Value.Order).Key);
            var record = new TrustRecord(state, peer, request.Fingerprint, request.PublicKey, first, request.Now,
                request.Role == ConnectionRole.Responder ? "inbound" : "dialled", request.Remote.ToString());
            list[key] = new Sighting(record, _order++);
        }
    }

    private static int Remove(
        Dictionary<(string Peer, Fingerprint Certificate), Sighting> list, Fingerprint certificate, Func<string, bool> isMeant)
    {
        if (list.Count == 0)
            return 0;
        int before = list.Count;
        foreach ((string Peer, Fingerprint Certificate) key in
            list.Keys.Where(key => key.Certificate == certificate && isMeant(key.Peer)).ToArray())
            list.Remove(key);
        return before - list.Count;
    }

    private sealed record Sighting(TrustRecord Record, long Order);
}
