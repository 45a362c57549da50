using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VibePN.Prefixes;

/// <summary>A piece of the key space, cut into buckets of equal width.</summary>
/// <param name="Shift">A bucket is 2^Shift keys wide; <see cref="Run"/> where the piece is not cut.</param>
/// <param name="Last">
/// The last entry, counted from the first. The first entry is for all keys below the window, the last for all above;
/// between them there is one for each bucket. For a run, how many lines it has.
/// </param>
/// <param name="Low">Number of the bucket before the window's first, counted from key 0.</param>
/// <param name="End">Where the last entry is in the directory; for a run, the place of its first line.</param>
internal readonly record struct Window(int Shift, long Last, long Low, long End)
{
    /// <summary>Marks a piece whose lines stand one after the other, by key.</summary>
    public const int Run = -1;
}

/// <summary>A windowed interval table: predecessor search over the boundaries at which the answer changes.</summary>
/// <remarks>
/// <para>
/// The window from the lowest to the highest boundary is cut into equal buckets. A directory names, for each bucket,
/// the cache line that holds its boundaries and their answers. So a lookup reads one directory entry and one
/// line, whatever the prefix lengths, and takes no branch that depends on the key. Neighbouring buckets share a
/// line as long as it has room: a few hundred hosts of one subnet take a few kilobytes.
/// </para>
/// <para>
/// A bucket with more boundaries than a line holds gets a window of its own, at most <see cref="MaxDepth"/> inside
/// each other, and below that its lines are searched by halving. However an adversary clusters prefixes, a lookup
/// costs at most that many directory entries and log2 of the line count.
/// </para>
/// <para>
/// One table holds any number of separate windows, so that IPv6 can have one for each /64 that needs it. Places
/// are not checked at a lookup: the builder makes all of them and checks that they are inside.
/// </para>
/// </remarks>
internal sealed class IntervalTable<TKey, TAnswer>
    where TKey : unmanaged, IBinaryInteger<TKey>, IMinMaxValue<TKey>
    where TAnswer : unmanaged, IBinaryInteger<TAnswer>
{
    /// <summary>Windows inside each other, the outermost included.</summary>
    internal const int MaxDepth = 4;

    /// <summary>Keys that <see cref="FindAll"/> takes at most.</summary>
    internal const int BatchSize = 64;

    private readonly Window _root;
    private readonly int[] _directory;
    private readonly ulong[] _lines;
    private readonly Window[] _windows;

    internal IntervalTable(Window root, Window[] windows, int[] directory, ulong[] lines)
    {
        _root = root;
        _windows = windows;
        _directory = directory;
        _lines = lines;
    }

    /// <summary>Memory that the table holds.</summary>
    public long Bytes =>
        ((long)_windows.Length * Unsafe.SizeOf<Window>()) + (sizeof(int) * (long)_directory.Length) + (sizeof(ulong) * (long)_lines.Length);

    /// <summary>Whether some lookups end in a search by halving.</summary>
    public bool Halves => _windows.Any(window => window is { Shift: Window.Run, Last: > 1 });

    /// <summary>The answer for a key in the main window. Never throws, allocates nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TAnswer Find(TKey key)
    {
        int entry = Entry(ref MemoryMarshal.GetArrayDataReference(_directory), _root, key);
        if (entry < 0)
            entry = Descend(~entry, key);
        return Line<TKey, TAnswer>.Find(ref LineAt(entry), key);
    }

    /// <summary>The answer for a key in the window with this number. Never throws, allocates nothing.</summary>
    public TAnswer FindIn(int window, TKey key) => Line<TKey, TAnswer>.Find(ref LineAt(Descend(window, key)), key);

    /// <summary>The answers for at most <see cref="BatchSize"/> keys in the main window.</summary>
    public void FindAll(ReadOnlySpan<TKey> keys, Span<TAnswer> answers)
    {
        Span<int> buffer = stackalloc int[BatchSize];
        ref int entries = ref MemoryMarshal.GetReference(buffer[..keys.Length]);
        ref TKey key = ref MemoryMarshal.GetReference(keys);
        ref TAnswer answer = ref MemoryMarshal.GetReference(answers[..keys.Length]);
        // In steps, so that the reads of many keys are under way at once: directory entries, then lines. None has a
        // call in it, and what does not change from key to key is read once.
        if (Enter(in key, ref entries, keys.Length) < 0)
            DescendAll(in key, ref entries, keys.Length);
        ref byte lines = ref LineAt(0);
        for (nint i = 0; i < keys.Length; i++)
        {
            ref byte line = ref Unsafe.AddByteOffset(ref lines, (nint)(uint)Unsafe.Add(ref entries, i));
            Unsafe.Add(ref answer, i) = Line<TKey, TAnswer>.Find(ref line, Unsafe.Add(ref key, i));
        }
    }

    // The sum is negative, as a number of bits, where any entry is a window.
    private int Enter(ref readonly TKey keys, ref int entries, int count)
    {
        Window root = _root;
        ref int directory = ref MemoryMarshal.GetArrayDataReference(_directory);
        if (root.Last == 0)
        {
            // Few prefixes, and all in one line.
            int only = Unsafe.Add(ref directory, (nint)root.End);
            MemoryMarshal.CreateSpan(ref entries, count).Fill(only);
            return only;
        }
        int all = 0;
        for (nint i = 0; i < count; i++)
        {
            int entry = Entry(ref directory, root, Unsafe.Add(ref Unsafe.AsRef(in keys), i));
            Unsafe.Add(ref entries, i) = entry;
            all |= entry;
        }
        return all;
    }

    private void DescendAll(ref readonly TKey keys, ref int entries, int count)
    {
        for (nint i = 0; i < count; i++)
        {
            ref int entry = ref Unsafe.Add(ref entries, i);
            if (entry < 0)
                entry = Descend(~entry, Unsafe.Add(ref Unsafe.AsRef(in keys), i));
        }
    }

    // Cut to first and last entry by masks: where addresses inside and outside the window mix, a branch would be
    // guessed wrong half the time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Entry(ref int directory, in Window window, TKey key)
    {
        long entry = (long)ulong.CreateTruncating(key >> window.Shift) - window.Low;
        entry &= ~(entry >> 63);
        long fromLast = entry - window.Last;
        return Unsafe.Add(ref directory, (nint)(window.End + (fromLast & (fromLast >> 63))));
    }

    // The place of the line that has the key's answer, through windows inside windows.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Descend(int window, TKey key)
    {
        while (true)
        {
            Window at = _windows[window];
            if (at.Shift == Window.Run)
                return Search(at, key);
            int entry = Entry(ref MemoryMarshal.GetArrayDataReference(_directory), at, key);
            if (entry >= 0)
                return entry;
            window = ~entry;
        }
    }

    // Halves without a branch on the comparison, which nothing could predict.
    private int Search(in Window run, TKey key)
    {
        int first = 0;
        int place = (int)run.End;
        for (int count = (int)run.Last; count > 1;)
        {
            int half = count >> 1;
            int middle = first + half;
            bool reached = Line<TKey, TAnswer>.Key(ref LineAt(place + (middle * Line<TKey, TAnswer>.Bytes)), 0) <= key;
            first = reached ? middle : first;
            count -= half;
        }
        return place + (first * Line<TKey, TAnswer>.Bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref byte LineAt(int place) => ref Unsafe.AddByteOffset(
        ref Unsafe.As<ulong, byte>(ref MemoryMarshal.GetArrayDataReference(_lines)), (nint)place);
}
