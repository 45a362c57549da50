using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

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

    /// <summary>Compares short digits with a peer's operator, who has to ask for it as well.</summary>
    /// <param name="peer">The peer's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Each step; the last one has the digits or says why there are none.</returns>
    public async IAsyncEnumerable<VerifyStep> VerifyAsync(string peer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var steps = Channel.CreateUnbounded<VerifyStep>(); // a comparison has two or three
        await Invoke(
            now =>
            {
                Plane.StartVerification(peer, step => Tell(steps.Writer, step), now);
                return true;
            },
            cancellationToken);
        bool isOver = false;
        try
        {
            await foreach (VerifyStep step in steps.Reader.ReadAllAsync(cancellationToken))
            {
                isOver = step.State != VerifyState.Waiting;
                yield return step;
            }
        }
        finally
        {
            // One that ended has cleared the way for the next, which is not ours to cancel.
            if (!isOver)
                _loop.Post(_ => _node.Plane?.CancelVerification(peer));
        }
    }

    /// <summary>Confirms what the operators have compared.</summary>
    public Task<VerifyConfirmation> ConfirmAsync(string peer, string digits, CancellationToken cancellationToken) =>
        Invoke(_ => Plane.ConfirmVerification(peer, digits), cancellationToken);

    private static void Tell(ChannelWriter<VerifyStep> steps, VerifyStep step)
    {
        steps.TryWrite(step);
        if (step.State != VerifyState.Waiting)
            steps.TryComplete();
    }
}
