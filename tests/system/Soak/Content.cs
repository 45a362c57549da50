using System.Buffers.Binary;

namespace VibePN.System.Tests.Soak;

/// <summary>The bytes that flows carry: random, and known to both ends by the number of the flow and of the datagram.</summary>
internal static class Content
{
    /// <summary>Number, length and flow, in front of what is random. A shorter datagram holds the first bytes of it.</summary>
    public const int Header = 12;

    // Prime, so that a flow is not in step with anything that comes in powers of two.
    private const int Period = 1_048_573;
    private const int Longest = 65_536;

    private static readonly byte[] Block = MakeBlock();

    /// <summary>A stretch of a flow's endless stream, as much as lies in one piece.</summary>
    public static ReadOnlySpan<byte> Stream(int flow, long at, int longest) =>
        Block.AsSpan((int)((at + (flow * 7919L)) % Period), Math.Min(longest, Longest));

    /// <summary>Bytes that go with a datagram beside its payload.</summary>
    public static ReadOnlySpan<byte> Beside(int flow, long number, int length) => Stream(flow, (number * 104_729) + 1, length);

    /// <summary>Writes a datagram.</summary>
    public static void Fill(Span<byte> datagram, int flow, long number)
    {
        Span<byte> header = stackalloc byte[Header];
        WriteHeader(header, flow, number, datagram.Length);
        if (datagram.Length < Header)
        {
            header[..datagram.Length].CopyTo(datagram);
            return;
        }
        header.CopyTo(datagram);
        Random(flow, number, datagram.Length - Header).CopyTo(datagram[Header..]);
    }

    /// <summary>The number in a datagram that has a whole header.</summary>
    public static long NumberOf(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadInt64LittleEndian(datagram);

    /// <summary>Whether a datagram is the one with this number, to the last byte.</summary>
    public static bool Is(ReadOnlySpan<byte> datagram, int flow, long number)
    {
        if (number < 0)
            return false;
        Span<byte> header = stackalloc byte[Header];
        WriteHeader(header, flow, number, datagram.Length);
        return datagram.Length < Header
            ? datagram.SequenceEqual(header[..datagram.Length])
            : datagram[..Header].SequenceEqual(header)
                && datagram[Header..].SequenceEqual(Random(flow, number, datagram.Length - Header));
    }

    /// <summary>Where two pieces differ, for the message of a failure.</summary>
    public static string Difference(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen)
    {
        int at = expected.CommonPrefixLength(seen);
        return $"{seen.Length} bytes of {expected.Length}, equal up to byte {at}; "
            + $"expected {Shown(expected[at..])}, seen {Shown(seen[at..])}";
    }

    private static string Shown(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes[..Math.Min(bytes.Length, 24)]);

    private static ReadOnlySpan<byte> Random(int flow, long number, int length) => Stream(flow, number * 104_729, length);

    private static void WriteHeader(Span<byte> header, int flow, long number, int length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(header, number);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], (ushort)length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], (ushort)flow);
    }

    private static byte[] MakeBlock()
    {
        byte[] block = new byte[Period + Longest];
        new Random(11).NextBytes(block);
        block.AsSpan(0, Longest).CopyTo(block.AsSpan(Period)); // what wraps around lies in one piece, too
        return block;
    }
}
