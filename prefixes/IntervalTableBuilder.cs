using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VibePN.Prefixes;

/// <summary>Packs boundaries into lines and directories.</summary>
internal sealed class IntervalTableBuilder<TKey, TAnswer> : IDisposable
    where TKey : unmanaged, IBinaryInteger<TKey>, IMinMaxValue<TKey>
    where TAnswer : unmanaged, IBinaryInteger<TAnswer>
{
    private const int LineBytes = Line<TKey, TAnswer>.Bytes;
    private const int LineWords = LineBytes / sizeof(ulong);
    private const ulong MaxBuckets = 1 << 20;

    private readonly List<Window> _windows = [];
    private int[] _directory = [];
    private int _directoryCount;
    private ulong[] _lines = [];
    private int _lineCount;

    /// <summary>Adds a window with these boundaries.</summary>
    /// <returns>Its number.</returns>
    public int Add(Boundaries boundaries) =>
        Add(boundaries.Starts, boundaries.Answers, boundaries.Outside, depth: 1);

    /// <summary>The table of all that was added.</summary>
    /// <param name="main">The window that is found without saying its number; it was added, not made on the way.</param>
    public IntervalTable<TKey, TAnswer> Build(int main)
    {
        Window root = _windows[main];
        if (root.Shift == Window.Run)
        {
            // One line; a window without buckets sends every key there, which spares lookups the question.
            int only = ReserveEntries(1);
            root = new Window(Shift: 0, Last: 0, Low: 0, End: only);
            _directory[only] = (int)_windows[main].End;
        }
        // Pinned, so that a line stays where it was aligned: one that straddles two cache lines costs two reads.
        int words = checked((_lineCount + 1) * LineWords);
        ulong[] lines = GC.AllocateUninitializedArray<ulong>(words, pinned: true);
        int misaligned = (int)(Marshal.UnsafeAddrOfPinnedArrayElement(lines, 0) % LineBytes);
        int start = misaligned == 0 ? 0 : LineBytes - misaligned;
        _ = checked(words * sizeof(ulong));
        _lines.AsSpan(0, _lineCount * LineWords).CopyTo(lines.AsSpan(start / sizeof(ulong)));
        lines.AsSpan(0, start / sizeof(ulong)).Clear();
        lines.AsSpan((start / sizeof(ulong)) + (_lineCount * LineWords)).Clear();

        int[] directory = GC.AllocateUninitializedArray<int>(_directoryCount);
        _directory.AsSpan(0, _directoryCount).CopyTo(directory);
        foreach (ref int entry in directory.AsSpan())
            entry = entry < 0 ? Checked(entry, ~entry < _windows.Count) : Checked(start + (entry * LineBytes), entry < _lineCount);
        Window[] windows = [.. _windows];
        foreach (ref Window window in windows.AsSpan())
        {
            window = window.Shift == Window.Run
                ? window with { End = Checked(start + (window.End * LineBytes), window.End + window.Last <= _lineCount) }
                : window with { End = Checked(window.End, window.End < directory.Length && window.Last <= window.End) };
        }
        return new IntervalTable<TKey, TAnswer>(root, windows, directory, lines);
    }

    /// <summary>Gives back what was on loan.</summary>
    public void Dispose()
    {
        Rented.Return(ref _directory);
        Rented.Return(ref _lines);
    }

    // Lookups do not check bounds, so this does, once for each place.
    private static T Checked<T>(T place, bool inside) =>
        inside ? place : throw new InvalidOperationException("A place in a table of prefixes lies outside of it.");

    private int Add(ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, int before, int depth)
    {
        int number = _windows.Count;
        _windows.Add(default);
        bool run = starts.Length <= Line<TKey, TAnswer>.Keys || depth > IntervalTable<TKey, TAnswer>.MaxDepth;
        _windows[number] = run ? AddRun(starts, answers, before) : AddWindow(starts, answers, before, depth);
        return number;
    }

    private Window AddRun(ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, int before)
    {
        int first = _lineCount;
        int keys = Line<TKey, TAnswer>.Keys;
        do
        {
            int taken = Math.Min(keys, starts.Length);
            AddLine(starts[..taken], answers[..taken], before);
            before = taken > 0 ? answers[taken - 1] : before;
            starts = starts[taken..];
            answers = answers[taken..];
        }
        while (starts.Length > 0);
        return new Window(Window.Run, Last: _lineCount - first, Low: 0, End: first);
    }

    private Window AddWindow(ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, int before, int depth)
    {
        int shift = ShiftFor(starts);
        ulong low = starts[0] >> shift;
        int buckets = (int)((starts[^1] >> shift) - low) + 1;
        int first = ReserveEntries(buckets + 2) + 1;

        // pending is the first boundary that is not in a line yet, next the first that no bucket has claimed.
        int pending = 0, next = 0;
        for (int bucket = -1; bucket <= buckets; bucket++)
        {
            int from = next;
            while (bucket >= 0 && next < starts.Length && (starts[next] >> shift) - low == (ulong)bucket)
                next++;
            if (next - from > Line<TKey, TAnswer>.Keys)
            {
                Flush(starts, answers, ref pending, from, ref before);
                // Apart from the assignment: the directory may be another array once the window has its entries.
                int inner = Add(starts[from..next], answers[from..next], before, depth + 1);
                _directory[first + bucket] = ~inner;
                pending = next;
                before = answers[next - 1];
                continue;
            }
            if (next - pending > Line<TKey, TAnswer>.Keys)
                Flush(starts, answers, ref pending, from, ref before);
            _directory[first + bucket] = _lineCount;
        }
        Flush(starts, answers, ref pending, next, ref before);
        return new Window(shift, Last: buckets + 1, Low: (long)low - 1, End: first + buckets);
    }

    private void Flush(ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, ref int pending, int to, ref int before)
    {
        AddLine(starts[pending..to], answers[pending..to], before);
        before = to > 0 ? answers[to - 1] : before;
        pending = to;
    }

    private void AddLine(ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, int before)
    {
        int at = _lineCount * LineWords;
        if (at + LineWords > _lines.Length)
            Rented.Grow(ref _lines, at);
        Line<TKey, TAnswer>.Write(ref Unsafe.As<ulong, byte>(ref _lines[at]), starts, answers, before);
        _lineCount++;
    }

    private int ReserveEntries(int count)
    {
        int first = _directoryCount;
        _directoryCount = checked(first + count);
        while (_directoryCount > _directory.Length)
            Rented.Grow(ref _directory, Math.Max(first, _directory.Length));
        return first;
    }

    // The widest buckets of which there are at least so many that a line would hold the boundaries of three of them.
    private static int ShiftFor(ReadOnlySpan<ulong> starts)
    {
        ulong wanted = Math.Min((ulong)starts.Length * 3 / (uint)Line<TKey, TAnswer>.Keys, MaxBuckets) + 1;
        ulong width = (starts[^1] - starts[0]) / wanted;
        int shift = width == 0 ? 0 : BitOperations.Log2(width);
        // The number of a bucket and its distance to any other have to fit into a long.
        return Math.Max(shift, Unsafe.SizeOf<TKey>() == sizeof(ulong) ? 2 : 0);
    }
}
