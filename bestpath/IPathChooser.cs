using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>Decides which candidates of one prefix carry packets. All that sets one routing policy apart from another.</summary>
/// <remarks>Pure over its arguments: equal input gives equal output.</remarks>
public interface IPathChooser
{
    /// <summary>Chooses among the usable candidates of one prefix.</summary>
    /// <param name="members">The peers they lead to.</param>
    /// <param name="usable">At least one; best first in <see cref="RouteOrder"/>. Borrowed for the call.</param>
    /// <param name="maxPaths">Most to choose, 1 to 8.</param>
    PathChoice Choose(Members members, ReadOnlySpan<RouteCandidate> usable, int maxPaths);

    /// <summary>Why a usable candidate of the same prefix was not chosen.</summary>
    CandidateVerdict ExplainLoss(Members members, RouteCandidate loser, PathChoice choice);
}

/// <summary>What an <see cref="IPathChooser"/> decided.</summary>
/// <param name="Chosen">At least one candidate, the first the best.</param>
/// <param name="Lifetime">How long the choice holds when nothing else changes; null for ever.</param>
public readonly record struct PathChoice(ImmutableArray<RouteCandidate> Chosen, TimeSpan? Lifetime = null)
{
    /// <summary>The first of the chosen.</summary>
    public RouteCandidate Best => Chosen[0];
}
