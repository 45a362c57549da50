using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VibePN.Prefixes;

/// <summary>One cache line of boundaries and answers: what a lookup reads last.</summary>
/// <remarks>
/// The keys stand first, ascending; behind them the answers, one more than keys: the first is in force below the
/// first key. Ten keys of 32 bits fit, six of 64 bits, or five of 64 bits with answers of 32 bits. A line that is
/// not full is filled with the largest key and the last answer, so that counting them does no harm.
/// </remarks>
internal static class Line<TKey, TAnswer>
    where TKey : unmanaged, IBinaryInteger<TKey>, IMinMaxValue<TKey>
    where TAnswer : unmanaged, IBinaryInteger<TAnswer>
{
    /// <summary>Size of a line.</summary>
    public const int Bytes = 64;

    /// <summary>Keys in a line.</summary>
    public static int Keys
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Bytes - Unsafe.SizeOf<TAnswer>()) / (Unsafe.SizeOf<TKey>() + Unsafe.SizeOf<TAnswer>());
    }

    /// <summary>The answer for a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TAnswer Find(ref byte line, TKey key) => Answer(ref line, Count(ref line, key));

    /// <summary>The answer behind so many keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref TAnswer Answer(ref byte line, int index) => ref Unsafe.Add(
        ref Unsafe.As<byte, TAnswer>(ref Unsafe.Add(ref line, Keys * Unsafe.SizeOf<TKey>())), index);

    /// <summary>A key by position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref TKey Key(ref byte line, int index) => ref Unsafe.Add(ref Unsafe.As<byte, TKey>(ref line), index);

    /// <summary>Writes a line: at most <see cref="Keys"/> boundaries, and the answer in force before them.</summary>
    public static void Write(ref byte line, ReadOnlySpan<ulong> starts, ReadOnlySpan<int> answers, int before)
    {
        Debug.Assert(starts.Length <= Keys && starts.Length == answers.Length, "A line holds what fits into it.");
        int answer = before;
        Answer(ref line, 0) = TAnswer.CreateTruncating(before);
        for (int i = 0; i < Keys; i++)
        {
            answer = i < answers.Length ? answers[i] : answer;
            Key(ref line, i) = i < starts.Length ? TKey.CreateTruncating(starts[i]) : TKey.MaxValue;
            Answer(ref line, i + 1) = TAnswer.CreateTruncating(answer);
        }
    }

    // The keys are sorted, so how many are not above the wanted one is also which interval it is in. Each set of
    // instructions is asked for by name: the general 512-bit property is false on processors where they work and help.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Count(ref byte line, TKey key)
    {
        if (Avx512F.IsSupported)
            return Count512(ref line, key);
        if (Avx2.IsSupported)
            return Count256(ref line, key);
        return Vector128.IsHardwareAccelerated ? Count128(ref line, key) : CountScalar(ref line, key);
    }

    /// <summary>Keys not above <paramref name="key"/>, by one comparison of the line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Count512(ref byte line, TKey key)
    {
        Vector512<TKey> below = Vector512.LessThanOrEqual(Vector512.LoadUnsafe(ref Key(ref line, 0)), Vector512.Create(key));
        return BitOperations.PopCount(below.ExtractMostSignificantBits() & KeyBits);
    }

    /// <summary>Keys not above <paramref name="key"/>, by two comparisons of half a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Count256(ref byte line, TKey key)
    {
        Vector256<TKey> wanted = Vector256.Create(key);
        uint low = Vector256.LessThanOrEqual(Vector256.LoadUnsafe(ref Key(ref line, 0)), wanted).ExtractMostSignificantBits();
        uint high = Vector256.LessThanOrEqual(Vector256.LoadUnsafe(ref Key(ref line, Vector256<TKey>.Count)), wanted)
            .ExtractMostSignificantBits();
        return BitOperations.PopCount((low | ((ulong)high << Vector256<TKey>.Count)) & KeyBits);
    }

    /// <summary>Keys not above <paramref name="key"/>, by quarters of a line: arm64, and x64 without AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Count128(ref byte line, TKey key)
    {
        // A comparison yields minus one where it holds; adding up is cheap where gathering bits is not.
        int lanes = Vector128<TKey>.Count;
        Vector128<TKey> wanted = Vector128.Create(key);
        Vector128<TKey> sum = Vector128.LessThanOrEqual(Vector128.LoadUnsafe(ref Key(ref line, 0)), wanted)
            + Vector128.LessThanOrEqual(Vector128.LoadUnsafe(ref Key(ref line, lanes)), wanted);
        Vector128<TKey> third = Vector128.LessThanOrEqual(Vector128.LoadUnsafe(ref Key(ref line, 2 * lanes)), wanted);
        // Behind the last key stand answers.
        Vector128<TKey> keys = Vector128.LessThan(Vector128<TKey>.Indices, Vector128.Create(TKey.CreateTruncating(Keys - (2 * lanes))));
        sum += third & keys;
        return -int.CreateTruncating(Vector128.Sum(sum));
    }

    /// <summary>Keys not above <paramref name="key"/>, one at a time.</summary>
    internal static int CountScalar(ref byte line, TKey key)
    {
        int count = 0;
        for (int i = 0; i < Keys; i++)
            count += Key(ref line, i) <= key ? 1 : 0;
        return count;
    }

    private static ulong KeyBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1UL << Keys) - 1;
    }
}
