using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>Chooses the first in the total order, and beside it what is its equal in all that an operator can set.</summary>
public sealed class BestInOrder : IPathChooser
{
    /// <summary>The one instance; it has no state.</summary>
    public static BestInOrder Instance { get; } = new();

    private BestInOrder()
    {
    }

    /// <inheritdoc/>
    public PathChoice Choose(Members members, ReadOnlySpan<RouteCandidate> usable, int maxPaths)
    {
        int count = 1;
        while (count < maxPaths && count < usable.Length && RouteOrder.AreEqualPaths(usable[0], usable[count]))
            count++;
        return new PathChoice([.. usable[..count]]);
    }

    /// <inheritdoc/>
    public CandidateVerdict ExplainLoss(Members members, RouteCandidate loser, PathChoice choice) =>
        RouteOrder.Verdict(loser, choice.Best);
}
