using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>The checksum of IP, ICMP, TCP and UDP (RFC 1071).</summary>
internal static class InternetChecksum
{
    /// <summary>Adds bytes to a running sum.</summary>
    /// <param name="sum">The sum so far; 0 at the start.</param>
    /// <param name="bytes">Any number; an odd one only in the last piece, which counts as padded with a zero.</param>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            ulong word = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            sum += word;
            if (sum < word)
                sum++; // one's complement: the carry comes back in at the bottom
        }
        if (bytes.IsEmpty)
            return sum;
        Span<byte> padded = stackalloc byte[8];
        padded.Clear();
        bytes.CopyTo(padded);
        ulong last = BinaryPrimitives.ReadUInt64BigEndian(padded);
        sum += last;
        return sum < last ? sum + 1 : sum;
    }

    /// <summary>Adds what ICMPv6, TCP and UDP sum up beside their own bytes (RFC 8200 §8.1).</summary>
    public static ulong AddPseudoHeader(
        ulong sum, IpAddress source, IpAddress destination, byte protocol, int transportLength)
    {
        Span<byte> addresses = stackalloc byte[32];
        int length = source.CopyTo(addresses);
        length += destination.CopyTo(addresses[length..]);
        Span<byte> tail = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(tail, transportLength);
        BinaryPrimitives.WriteInt32BigEndian(tail[4..], protocol);
        return Add(Add(sum, addresses[..length]), tail);
    }

    /// <summary>Folds a sum and inverts it: what goes into the checksum field.</summary>
    public static ushort Finish(ulong sum)
    {
        sum = (sum >> 32) + (sum & 0xFFFF_FFFF);
        sum = (sum >> 16) + (sum & 0xFFFF);
        sum = (sum >> 16) + (sum & 0xFFFF);
        sum = (sum >> 16) + (sum & 0xFFFF);
        return (ushort)~sum;
    }

    /// <summary>The checksum of some bytes in one piece; 0 when they hold their own right checksum.</summary>
    public static ushort Of(ReadOnlySpan<byte> bytes) => Finish(Add(0, bytes));
}
