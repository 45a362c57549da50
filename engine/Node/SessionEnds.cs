using System.Collections.Immutable;

namespace VibePN.Engine.Node;

/// <summary>The last sessions that ended for one cause, numbered, so that whoever caused some can be told which. Bounded.</summary>
internal sealed class SessionEnds
{
    private const int Capacity = 1_024;

    private readonly Queue<SessionEnd> _last = new();

    /// <summary>How many there have been.</summary>
    public long Count { get; private set; }

    /// <summary>Notes some.</summary>
    public void Add(IReadOnlyCollection<SessionEnd> ends)
    {
        foreach (SessionEnd end in ends)
        {
            if (_last.Count == Capacity)
                _last.Dequeue();
            _last.Enqueue(end);
        }
        Count += ends.Count;
    }

    /// <summary>Those that came after there had been <paramref name="count"/>, as far as they are remembered.</summary>
    public ImmutableArray<SessionEnd> Since(long count) => [.. _last.TakeLast((int)Math.Clamp(Count - count, 0, _last.Count))];
}
