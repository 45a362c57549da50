using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine.Node;
using VibePN.Engine.Runtime;

namespace VibePN.Engine;

// What operators look at and order beside the status: one peer, what is refused, a ping.
public sealed partial class OverlayEngine
{
    // A ping costs a packet buffer and some turns of the control thread.
    private const int MaxPings = 16;

    private int _pings;

    /// <summary>Everything about one peer; null when there is none of that name.</summary>
    public Task<PeerDetail?> GetPeerAsync(string name, CancellationToken cancellationToken) => Invoke(
        now =>
        {
            Plane.OnTimer(now);
            return PeerReport.Take(Plane, name, now, _wall.At(now, _parts.Time.GetUtcNow()));
        },
        cancellationToken);

    /// <summary>Announcements that are known and not used, by network, prefix, then peer.</summary>
    public Task<ImmutableArray<RouteStatus>> GetRefusedRoutesAsync(CancellationToken cancellationToken) =>
        Invoke(now => PeerReport.Refused(Plane, now), cancellationToken);

    /// <summary>Ends a peer's connections; dialling goes on after the back-off.</summary>
    /// <param name="name">The peer.</param>
    /// <param name="dryRun">Whether to say what would happen, and do nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<PeerOrder> DisconnectAsync(string name, bool dryRun, CancellationToken cancellationToken) =>
        Invoke(now => Plane.Disconnect(name, dryRun, now), cancellationToken);

    /// <summary>Ends a peer's connections and dials it at once, whatever failed before.</summary>
    /// <param name="name">The peer.</param>
    /// <param name="dryRun">Whether to say what would happen, and do nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<PeerOrder> ReconnectAsync(string name, bool dryRun, CancellationToken cancellationToken) =>
        Invoke(now => Plane.Reconnect(name, dryRun, now), cancellationToken);

    /// <summary>Pings through the overlay: the questions go the way of packets, and the answers come back on it.</summary>
    public async IAsyncEnumerable<PingStep> PingAsync(
        PingRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Interlocked.Increment(ref _pings) > MaxPings)
        {
            Interlocked.Decrement(ref _pings);
            yield return new PingStep(PingStepKind.Refused) { Text = $"{MaxPings} pings are under way already: end one of them" };
            yield break;
        }
        try
        {
            (PingTarget? target, string problem) = await Invoke(
                now =>
                {
                    Plane.OnTimer(now);
                    return (PingTarget.Find(Plane, request, now, out string found), found);
                },
                cancellationToken);
            if (target is null)
            {
                yield return new PingStep(PingStepKind.Refused) { Text = problem };
                yield break;
            }
            yield return new PingStep(PingStepKind.Begin) { Network = target.Network, Source = target.Source, Address = target.Destination };
            await foreach (PingStep step in StepsAsync(request, target, cancellationToken))
                yield return step;
        }
        finally
        {
            Interlocked.Decrement(ref _pings);
        }
    }

    private async IAsyncEnumerable<PingStep> StepsAsync(
        PingRequest request, PingTarget target, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var run = new PingRun(request, target, (ulong)_parts.Random.NextInt64(), _parts.Time, () => _loop.Now);
        try
        {
            await foreach (PingStep step in run.RunAsync(
                work => Invoke(now => work(Plane, now), cancellationToken), cancellationToken))
                yield return step;
        }
        finally
        {
            // The control thread may still be about to send: it is also the one to tidy up.
            if (!_loop.Post(_ => run.Dispose()))
                run.Dispose();
        }
    }
}
