using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine.Forwarding;

/// <summary>How many packets were dropped, by reason. Any thread.</summary>
/// <remarks>Each count has a cache line of its own: threads that drop for different reasons do not meet.</remarks>
internal sealed class DropCounters
{
    private const int LongsPerLine = 8;

    private static readonly int ReasonCount = Enum.GetValues<DropReason>().Length;

    private readonly long[] _counts = new long[(ReasonCount + 1) * LongsPerLine];

    /// <summary>Counts packets.</summary>
    /// <param name="reason">Why. A number that is no reason, which only a faulty plugin gives, counts as none.</param>
    /// <param name="packets">How many; a super packet is one.</param>
    public void Add(DropReason reason, int packets = 1)
    {
        int index = (uint)reason < (uint)ReasonCount ? (int)reason : 0;
        Interlocked.Add(ref _counts[(index + 1) * LongsPerLine], packets);
    }

    /// <summary>The count of one reason.</summary>
    public long this[DropReason reason] => Volatile.Read(ref _counts[((int)reason + 1) * LongsPerLine]);

    /// <summary>The reasons that occurred in any of the given counters, sorted by code.</summary>
    public static ImmutableArray<KeyValuePair<DropReason, long>> Sum(params ReadOnlySpan<DropCounters> counters)
    {
        var sums = ImmutableArray.CreateBuilder<KeyValuePair<DropReason, long>>();
        for (var reason = DropReason.None; (int)reason < ReasonCount; reason++)
        {
            long sum = 0;
            foreach (DropCounters one in counters)
                sum += one[reason];
            if (sum > 0)
                sums.Add(KeyValuePair.Create(reason, sum));
        }
        return sums.ToImmutable();
    }
}
