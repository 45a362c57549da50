using System.Buffers.Binary;
using VibePN.Testkit;

namespace VibePN.Offload.Tests;

public sealed class TransportChecksumTests
{
    [Fact]
    public void Sum_is_that_of_a_slow_one_for_every_length()
    {
        byte[] bytes = new byte[65_535];
        new Random(3).NextBytes(bytes);
        int[] lengths = [.. Enumerable.Range(0, 300), 1_399, 1_400, 9_001, 65_534, 65_535];
        foreach (int length in lengths)
        {
            byte[] field = new byte[2];
            TransportChecksum.Store(field, (ushort)~TransportChecksum.Fold(TransportChecksum.Add(0, bytes.AsSpan(0, length))));
            Assert.Equal(Segments.Checksum(bytes.AsSpan(0, length), 0), BinaryPrimitives.ReadUInt16BigEndian(field));
        }
    }

    [Fact]
    public void Largest_words_do_not_overflow()
    {
        byte[] ones = [.. Enumerable.Repeat((byte)0xFF, 65_534)];
        Assert.Equal(0xFFFF, TransportChecksum.Fold(TransportChecksum.Add(0, ones)));
        Assert.Equal(0xFFFF, TransportChecksum.Fold(ulong.MaxValue));
    }

    [Fact]
    public void Pieces_sum_up_to_the_whole()
    {
        var random = new Random(4);
        byte[] bytes = new byte[3_000];
        random.NextBytes(bytes);
        for (int round = 0; round < 1_000; round++)
        {
            int cut = 2 * random.Next(1_500); // an odd piece may only be the last
            int end = random.Next(cut, 3_001);
            ulong sum = TransportChecksum.Add(TransportChecksum.Add(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut, end - cut));
            Assert.Equal(TransportChecksum.Fold(TransportChecksum.Add(0, bytes.AsSpan(0, end))), TransportChecksum.Fold(sum));
        }
    }
}
