using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Events;

/// <summary>Says what has changed between two tables of a network that packets take, one after the other.</summary>
/// <remarks>
/// Runs on the control thread, once for each table that is published; what came and went in between is not told. A peer
/// that changes its routes without end costs a bounded number of events: the rest is only counted.
/// </remarks>
internal sealed class RouteEvents(EventRing events, Func<Fingerprint, string> nameOf, Instant now)
{
    private const int PerSecond = 50;
    private const int Burst = 1_000;

    private TokenBucket _tokens = new(PerSecond, Burst, now);
    private long _untold;

    /// <summary>Compares two tables.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="before">Sorted by prefix, then next hop.</param>
    /// <param name="after">Sorted likewise.</param>
    /// <param name="now">The time.</param>
    public void Tell(
        string network, ImmutableArray<RouteCandidate> before, ImmutableArray<RouteCandidate> after, Instant now)
    {
        ReadOnlySpan<RouteCandidate> old = before.AsSpan();
        ReadOnlySpan<RouteCandidate> present = after.AsSpan();
        int i = 0;
        int j = 0;
        while (i < old.Length || j < present.Length)
        {
            int order = i == old.Length ? 1 : j == present.Length ? -1 : Compare(old[i], present[j]);
            if (order < 0)
                Publish(EventKinds.RouteWithdrawn, network, old[i++], now);
            else if (order > 0)
                Publish(EventKinds.RouteAdded, network, present[j++], now);
            else if (AreAlike(old[i++], present[j++]))
                continue;
            else
                Publish(EventKinds.RouteChanged, network, present[j - 1], now);
        }
    }

    private void Publish(string kind, string network, RouteCandidate route, Instant now)
    {
        if (!_tokens.TryTake(now))
        {
            _untold++;
            return;
        }
        if (_untold > 0)
        {
            events.Publish(EventKinds.RouteChanged, new EventFacts($"{_untold} more changes of routes, too many to tell each"));
            _untold = 0;
        }
        string peer = nameOf(route.NextHop);
        string what = kind == EventKinds.RouteAdded ? "leads to" : kind == EventKinds.RouteWithdrawn ? "leads no longer to" : "leads in another way to";
        string state = route.Stale ? ", held as a last choice" : "";
        events.Publish(kind, new EventFacts($"{route.Prefix} in {network} {what} {peer}, metric {route.Metric}{state}")
        {
            Peer = peer,
            Network = network,
            Prefix = route.Prefix.ToString(),
        });
    }

    private static int Compare(RouteCandidate left, RouteCandidate right)
    {
        int order = left.Prefix.CompareTo(right.Prefix);
        return order != 0 ? order : left.NextHop.CompareTo(right.NextHop);
    }

    // Age changes with every look, and is no change.
    private static bool AreAlike(RouteCandidate left, RouteCandidate right) =>
        left.Metric == right.Metric && left.Preference == right.Preference && left.Stale == right.Stale && left.Source == right.Source;
}
