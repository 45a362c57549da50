using System.Globalization;
using VibePN.Contracts;

namespace VibePN.BestPath;

/// <summary>The one total order of candidates for the same prefix: the first step at which two differ decides.</summary>
/// <remarks>
/// No step looks at arrival time or at a third candidate, so the best of a set depends on the set alone. Two
/// candidates that no step tells apart have the same next hop, and it does not matter which is taken.
/// </remarks>
public sealed class RouteOrder : IComparer<RouteCandidate>
{
    // Each comparison is negative when the left one is better.
    private static readonly Step[] Steps =
    [
        new(RouteReason.SourceClass, "source", (a, b) => a.Source.CompareTo(b.Source), r => r.Source.ToString()),
        new(RouteReason.Stale, "stale", (a, b) => a.Stale.CompareTo(b.Stale), r => YesNo(r.Stale)),
        new(RouteReason.Preference, "preference", (a, b) => b.Preference.CompareTo(a.Preference), r => Number(r.Preference)),
        new(RouteReason.Metric, "metric", (a, b) => a.Metric.CompareTo(b.Metric), r => Number(r.Metric)),
        new(RouteReason.Relayed, "relayed", (a, b) => a.Relayed.CompareTo(b.Relayed), r => YesNo(r.Relayed)),
        new(RouteReason.PathLength, "path length", (a, b) => Hops(a).CompareTo(Hops(b)), r => Number(Hops(r))),
        new(RouteReason.OriginFingerprint, "origin", (a, b) => a.Origin.CompareTo(b.Origin), r => r.Origin.ToShortString()),
        new(RouteReason.OriginSequence, "origin sequence", (a, b) => b.OriginSequence.CompareTo(a.OriginSequence),
            r => Number(r.OriginSequence)),
        new(RouteReason.NextHopFingerprint, "next hop", (a, b) => a.NextHop.CompareTo(b.NextHop), r => r.NextHop.ToShortString()),
    ];

    // Steps that an operator or a peer decides; what follows only makes the order total.
    private const int EqualPathSteps = 6;

    /// <summary>A metric that means "not reachable".</summary>
    public const uint Infinity = uint.MaxValue;

    /// <summary>The one instance; it has no state.</summary>
    public static RouteOrder Instance { get; } = new();

    private RouteOrder()
    {
    }

    /// <summary>Whether two candidates are alike up to the path's length: only their names tell them apart.</summary>
    public static bool AreEqualPaths(RouteCandidate left, RouteCandidate right)
    {
        for (int i = 0; i < EqualPathSteps; i++)
        {
            if (Steps[i].Comparison(left, right) != 0)
                return false;
        }
        return true;
    }

    /// <summary>Negative when <paramref name="left"/> is better, positive when <paramref name="right"/> is.</summary>
    public int Compare(RouteCandidate? left, RouteCandidate? right)
    {
        foreach (Step step in Steps)
        {
            int order = step.Comparison(left!, right!);
            if (order != 0)
                return order;
        }
        return 0;
    }

    /// <summary>Why the worse of two candidates for the same prefix lost.</summary>
    public static CandidateVerdict Verdict(RouteCandidate loser, RouteCandidate best)
    {
        for (int i = 0; i < Steps.Length; i++)
        {
            Step step = Steps[i];
            if (step.Comparison(best, loser) != 0)
            {
                return new CandidateVerdict(loser, step.Reason,
                    $"Lost at step {Number(i + 1)}: {step.Name} {step.Show(loser)} against {step.Show(best)}.");
            }
        }
        return new CandidateVerdict(loser, RouteReason.NextHopFingerprint, "The same in every step as the best, and to the same next hop.");
    }

    private static int Hops(RouteCandidate route) => route.Path.IsDefaultOrEmpty ? 0 : route.Path.Length;

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Number<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private sealed record Step(
        RouteReason Reason, string Name, Comparison<RouteCandidate> Comparison, Func<RouteCandidate, string> Show);
}
