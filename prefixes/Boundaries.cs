using System.Buffers;

namespace VibePN.Prefixes;

/// <summary>The keys at which the answer changes, found from nested ranges.</summary>
/// <remarks>
/// Longest-prefix match becomes predecessor search: the answer for a key is that of the last boundary not above
/// it, and <see cref="Outside"/> below the first. Neighbours with equal answers are one interval.
/// The arrays are rented: a table is built anew for each change, and fresh memory is most of what that would cost.
/// </remarks>
internal sealed class Boundaries : IDisposable
{
    // At most one open range for each prefix length, and the key space itself.
    private readonly ulong[] _openLasts = new ulong[67];
    private readonly int[] _openAnswers = new int[67];
    private readonly ulong _maxKey;
    private ulong[] _starts;
    private int[] _answers;
    private int _open;

    public Boundaries(ulong maxKey, int outside, int expectedRanges)
    {
        _maxKey = maxKey;
        _starts = ArrayPool<ulong>.Shared.Rent((2 * expectedRanges) + 1);
        _answers = ArrayPool<int>.Shared.Rent((2 * expectedRanges) + 1);
        Restart(outside);
    }

    /// <summary>The answer below the first boundary.</summary>
    public int Outside { get; private set; }

    /// <summary>How many boundaries there are.</summary>
    public int Count { get; private set; }

    /// <summary>The boundaries, strictly ascending.</summary>
    public ReadOnlySpan<ulong> Starts => _starts.AsSpan(0, Count);

    /// <summary>Beside each boundary, the answer from there on.</summary>
    public ReadOnlySpan<int> Answers => _answers.AsSpan(0, Count);

    /// <summary>Forgets everything.</summary>
    public void Restart(int outside)
    {
        Count = 0;
        Outside = outside;
        _open = 0;
        (_openLasts[0], _openAnswers[0]) = (_maxKey, outside);
    }

    /// <summary>Adds a range. Ranges come by first key, a wider one before those inside it; they nest or are disjoint.</summary>
    public void Add(ulong first, ulong last, int answer)
    {
        if (first == 0 && last == _maxKey)
        {
            Restart(answer);
            return;
        }
        CloseBefore(first);
        Begin(first, answer);
        _open++;
        (_openLasts[_open], _openAnswers[_open]) = (last, answer);
    }

    /// <summary>Ends the ranges that lie before <paramref name="key"/> and says what its answer is so far.</summary>
    public int CloseBefore(ulong key)
    {
        while (_open > 0 && _openLasts[_open] < key)
            Close();
        return _openAnswers[_open];
    }

    /// <summary>Ends all ranges; nothing is added after this.</summary>
    public void Finish()
    {
        while (_open > 0)
            Close();
    }

    /// <summary>Gives the arrays back.</summary>
    public void Dispose()
    {
        Rented.Return(ref _starts);
        Rented.Return(ref _answers);
    }

    private void Close()
    {
        ulong last = _openLasts[_open--];
        if (last < _maxKey)
            Begin(last + 1, _openAnswers[_open]);
    }

    private void Begin(ulong start, int answer)
    {
        if (Count > 0 && _starts[Count - 1] == start)
            Count--;
        if (answer == (Count > 0 ? _answers[Count - 1] : Outside))
            return;
        if (Count == _starts.Length)
            Rented.Grow(ref _starts, Count);
        if (Count == _answers.Length)
            Rented.Grow(ref _answers, Count);
        (_starts[Count], _answers[Count]) = (start, answer);
        Count++;
    }
}
