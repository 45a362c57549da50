using System.Collections.Immutable;
using System.Globalization;
using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingFailover;

/// <summary>Takes the first gateway of a list that is ready; when none is, the one that has been connected longest.</summary>
/// <remarks>
/// A gateway is ready when it is connected and was never lost, or was lost long enough ago (hold-down) and has been back
/// for long enough (fail-back). So a failure moves packets at once, and a return moves them once. Peers outside the
/// list stand behind it, and what is held as stale for a peer that is away comes last.
/// </remarks>
/// <param name="gateways">Labels, the preferred one first.</param>
/// <param name="holdDown">From a gateway's loss until it may be used again.</param>
/// <param name="failBack">From a gateway's return until it may be used again.</param>
internal sealed class GatewayChooser(ImmutableArray<string> gateways, TimeSpan holdDown, TimeSpan failBack) : IPathChooser
{
    /// <inheritdoc/>
    public PathChoice Choose(Members members, ReadOnlySpan<RouteCandidate> usable, int maxPaths)
    {
        RouteCandidate best = usable[0];
        foreach (RouteCandidate candidate in usable[1..])
        {
            if (Compare(members, candidate, best) < 0)
                best = candidate;
        }
        TimeSpan? lifetime = null;
        foreach (RouteCandidate candidate in usable)
        {
            // Whoever would take over once it is ready decides how long this choice holds.
            TimeSpan wait = WaitOf(members, candidate);
            if (wait > TimeSpan.Zero && (lifetime is null || wait < lifetime))
                lifetime = wait;
        }
        return new PathChoice([best], lifetime);
    }

    /// <inheritdoc/>
    public CandidateVerdict ExplainLoss(Members members, RouteCandidate loser, PathChoice choice)
    {
        RouteCandidate best = choice.Best;
        string winner = members.NameOf(best.NextHop);
        if (loser.Stale != best.Stale || !IsConnected(members, loser))
            return new CandidateVerdict(loser, RouteReason.Stale, $"Lost: only held for {members.NameOf(loser.NextHop)}, while {winner} is up.");
        bool isPreferred = PlaceOf(members, loser) < PlaceOf(members, best);
        if (isPreferred || WaitOf(members, best) > TimeSpan.Zero)
        {
            TimeSpan wait = WaitOf(members, loser);
            if (wait > TimeSpan.Zero)
                return Waiting(members, loser, wait);
        }
        if (PlaceOf(members, loser) == PlaceOf(members, best))
            return RouteOrder.Verdict(loser, best);
        return new CandidateVerdict(loser, RouteReason.GatewayOrder,
            $"Lost: {Describe(PlaceOf(members, loser))}, behind {winner}, {Describe(PlaceOf(members, best))}.");
    }

    private CandidateVerdict Waiting(Members members, RouteCandidate loser, TimeSpan wait)
    {
        PeerFacts facts = members.Find(loser.NextHop)!;
        bool held = facts.LostAgo is { } lost && lost < holdDown && holdDown - lost >= failBack - facts.ConnectedFor;
        string seconds = wait.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        return held
            ? new CandidateVerdict(loser, RouteReason.HeldDown, $"Passed over: {facts.Name} was lost lately and is held down for {seconds} s more.")
            : new CandidateVerdict(loser, RouteReason.FailBackDelay, $"Passed over: {facts.Name} is back and must stay up for {seconds} s more.");
    }

    /// <summary>Negative when the left one is to be used. Total: the ordinary order decides what the list leaves open.</summary>
    private int Compare(Members members, RouteCandidate left, RouteCandidate right)
    {
        int order = IsConnected(members, right).CompareTo(IsConnected(members, left));
        if (order != 0)
            return order;
        bool leftReady = WaitOf(members, left) == TimeSpan.Zero, rightReady = WaitOf(members, right) == TimeSpan.Zero;
        if (leftReady != rightReady)
            return rightReady.CompareTo(leftReady);
        if (!leftReady)
            order = (members.Find(right.NextHop)?.ConnectedFor ?? default).CompareTo(members.Find(left.NextHop)?.ConnectedFor ?? default);
        if (order == 0)
            order = PlaceOf(members, left).CompareTo(PlaceOf(members, right));
        return order != 0 ? order : RouteOrder.Instance.Compare(left, right);
    }

    /// <summary>How long a connected candidate still has to prove itself; zero when it is ready or not connected.</summary>
    private TimeSpan WaitOf(Members members, RouteCandidate candidate)
    {
        if (members.Find(candidate.NextHop) is not { Connected: true, LostAgo: { } lostAgo } facts)
            return TimeSpan.Zero;
        TimeSpan wait = holdDown - lostAgo > failBack - facts.ConnectedFor ? holdDown - lostAgo : failBack - facts.ConnectedFor;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    private int PlaceOf(Members members, RouteCandidate candidate)
    {
        int place = gateways.IndexOf(members.NameOf(candidate.NextHop));
        return place < 0 ? gateways.Length : place;
    }

    private string Describe(int place) => place == gateways.Length
        ? "not in the list of gateways"
        : $"number {(place + 1).ToString(CultureInfo.InvariantCulture)} of {gateways.Length.ToString(CultureInfo.InvariantCulture)} gateways";

    private static bool IsConnected(Members members, RouteCandidate candidate) =>
        members.Find(candidate.NextHop)?.Connected == true;
}
