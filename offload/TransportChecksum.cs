using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VibePN.Offload;

/// <summary>The Internet checksum (RFC 1071) over segments, in the machine's byte order until it is finished.</summary>
/// <remarks>
/// One's complement sums do not care about byte order as long as all words have the same one (RFC 1071 §2B): words are
/// added as they lie in memory, and the folded result is stored as it is.
/// </remarks>
public static class TransportChecksum
{
    /// <summary>Adds bytes to a running sum.</summary>
    /// <param name="sum">The sum so far; 0 at the start.</param>
    /// <param name="bytes">Any number, at most 65,535; an odd one only in the last piece.</param>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes)
    {
        if (Vector256.IsHardwareAccelerated && bytes.Length >= 64)
        {
            ref byte start = ref MemoryMarshal.GetReference(bytes);
            int whole = bytes.Length & ~31;
            Vector256<ulong> total = Vector256<ulong>.Zero;
            for (int i = 0; i < whole; i += 32)
            {
                // Halves of 32 bits in lanes of 64: 65,535 bytes cannot overflow them.
                Vector256<uint> words = Vector256.LoadUnsafe(ref start, (nuint)i).AsUInt32();
                (Vector256<ulong> low, Vector256<ulong> high) = Vector256.Widen(words);
                total += low + high;
            }
            sum += Vector256.Sum(total);
            bytes = bytes[whole..];
        }
        for (; bytes.Length >= 4; bytes = bytes[4..])
            sum += Unsafe.ReadUnaligned<uint>(ref MemoryMarshal.GetReference(bytes));
        if (bytes.Length >= 2)
        {
            sum += Unsafe.ReadUnaligned<ushort>(ref MemoryMarshal.GetReference(bytes));
            bytes = bytes[2..];
        }
        if (bytes.Length == 1)
            sum += BitConverter.IsLittleEndian ? bytes[0] : (uint)(bytes[0] << 8);
        return sum;
    }

    /// <summary>The sum of what TCP and UDP add of the IP header (RFC 9293 §3.1, RFC 8200 §8.1).</summary>
    /// <param name="addresses">Source and destination as they lie in the header: 8 or 32 bytes.</param>
    /// <param name="protocol">6 or 17.</param>
    /// <param name="length">Bytes of transport header and payload.</param>
    public static ulong PseudoHeader(ReadOnlySpan<byte> addresses, byte protocol, int length) =>
        Add(0, addresses) + Swapped(protocol) + Swapped((ushort)length) + Swapped((ushort)(length >> 16));

    /// <summary>Folds a sum to 16 bits; not inverted.</summary>
    public static ushort Fold(ulong sum)
    {
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 16) + (ushort)sum;
        sum = (sum >> 16) + (ushort)sum;
        return (ushort)sum;
    }

    /// <summary>Mends a checksum after one of the words that it covers has changed (RFC 1624 §3, equation 3).</summary>
    /// <param name="field">The checksum.</param>
    /// <param name="before">The word as it was, in the order in which it is summed up: big-endian at an even offset.</param>
    /// <param name="after">The word as it is.</param>
    public static void Mend(Span<byte> field, ushort before, ushort after)
    {
        ulong sum = (ulong)(ushort)~BinaryPrimitives.ReadUInt16BigEndian(field) + (ushort)~before + after;
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)~Fold(sum));
    }

    /// <summary>Stores a folded value where a checksum belongs.</summary>
    public static void Store(Span<byte> field, ushort folded) => MemoryMarshal.Write(field, folded);

    // A number of the pseudo-header as it would lie in memory, big-endian.
    private static uint Swapped(ushort value) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
}
