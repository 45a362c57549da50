using System.Numerics;
using System.Runtime.CompilerServices;
using VibePN.Prefixes;

namespace VibePN.Prefixes.Tests;

public sealed class LineTests
{
    [Fact]
    public void Line_holds_ten_short_keys_six_long_ones_or_five_with_wide_answers()
    {
        Assert.Equal(10, Line<uint, ushort>.Keys);
        Assert.Equal(6, Line<ulong, ushort>.Keys);
        Assert.Equal(5, Line<ulong, int>.Keys);
    }

    [Fact]
    public void Every_set_of_instructions_counts_alike()
    {
        CountsAgree<uint, ushort>();
        CountsAgree<ulong, ushort>();
        CountsAgree<ulong, int>();
    }

    // Other numbers than zero stand behind the last key, so that counting them would show.
    private static void CountsAgree<TKey, TAnswer>()
        where TKey : unmanaged, IBinaryInteger<TKey>, IMinMaxValue<TKey>
        where TAnswer : unmanaged, IBinaryInteger<TAnswer>, IMinMaxValue<TAnswer>
    {
        var random = new Random(3);
        ulong max = ulong.CreateTruncating(TKey.MaxValue);
        ulong[] interesting = [0, 1, max / 2, (max / 2) + 1, max - 1, max];
        ulong[] words = new ulong[8];
        ref byte line = ref Unsafe.As<ulong, byte>(ref words[0]);
        for (int round = 0; round < 50_000; round++)
        {
            ulong[] starts = [.. Enumerable.Range(0, random.Next(Line<TKey, TAnswer>.Keys + 1)).Select(_ => Draw()).Distinct().Order()];
            int[] answers = [.. starts.Select((_, i) => i + 1)];
            Line<TKey, TAnswer>.Write(ref line, starts, answers, before: 0);
            ulong wanted = starts.Length > 0 && random.Next(3) == 0 ? starts[random.Next(starts.Length)] : Draw();
            TKey key = TKey.CreateTruncating(wanted);

            int expected = starts.Count(start => start <= wanted);
            // What fills the line up is the largest key.
            int counted = wanted == max ? Line<TKey, TAnswer>.Keys : expected;
            Assert.Equal(counted, Line<TKey, TAnswer>.CountScalar(ref line, key));
            Assert.Equal(counted, Line<TKey, TAnswer>.Count128(ref line, key));
            Assert.Equal(counted, Line<TKey, TAnswer>.Count256(ref line, key));
            Assert.Equal(counted, Line<TKey, TAnswer>.Count512(ref line, key));
            Assert.Equal(TAnswer.CreateTruncating(expected), Line<TKey, TAnswer>.Find(ref line, key));
        }

        ulong Draw() => (random.Next(4) == 0 ? interesting[random.Next(interesting.Length)] : (ulong)random.NextInt64() * 2) & max;
    }
}
