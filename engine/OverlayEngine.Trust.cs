using System.Collections.Immutable;

namespace VibePN.Engine;

// What an operator asks and orders about trust.
public sealed partial class OverlayEngine
{
    /// <summary>Who the peers are.</summary>
    public Task<TrustFacts> GetTrustAsync(CancellationToken cancellationToken) => Invoke(
        now => new TrustFacts(Plane.Identities(now, _wall.At(now, _parts.Time.GetUtcNow())), Plane.TrustEnds.Count),
        cancellationToken);

    /// <summary>Judges all live sessions again: those that are refused are closed, and their routes gone, when this returns.</summary>
    /// <param name="since">What <see cref="TrustFacts.Ends"/> was before the trust plugins changed.</param>
    /// <param name="cancellationToken">Ends the wait, not the judgement.</param>
    /// <returns>The sessions that ended for their trust since then.</returns>
    public Task<ImmutableArray<SessionEnd>> JudgeTrustAsync(long since, CancellationToken cancellationToken) => Invoke(
        now =>
        {
            Plane.JudgeSessions(now);
            Plane.OnTimer(now); // publishes the tables without what these peers announced
            return Plane.TrustEnds.Since(since);
        },
        cancellationToken);

    /// <summary>Dials a peer that has no connection at once, as if nothing had failed before: the operator has changed what it failed for.</summary>
    public Task DialSoonAsync(string peer, CancellationToken cancellationToken) =>
        Invoke(now => Plane.DialSoon(peer, now), cancellationToken);
}
