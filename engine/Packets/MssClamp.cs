using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Offload;

namespace VibePN.Engine.Packets;

/// <summary>Lowers the maximum segment size that a TCP SYN asks for to what the network carries (RFC 9293 §3.7.1).</summary>
/// <remarks>
/// Pure, without exceptions or allocation, for hostile input. A value is never raised and an option never added. Left
/// alone is every packet that is not a whole segment, that cannot be read in one way only (options that reach beyond
/// the header or have a length they cannot have, two segment sizes), or whose headers are signed.
/// </remarks>
internal static class MssClamp
{
    /// <summary>The MTU of a network that leaves every TCP packet as it is.</summary>
    public const int NoLimit = int.MaxValue;

    private const int TcpHeader = 20;
    private const int ChecksumOffset = 16;
    private const byte Syn = 0x02;

    private const byte EndOfOptions = 0;
    private const byte NoOperation = 1;
    private const byte MaxSegmentSize = 2;
    private const byte MaxSegmentSizeLength = 4;
    private const byte Authentication = 29;

    /// <summary>Lowers the value in a packet that has one and says too much; any other packet stays as it is.</summary>
    /// <param name="packet">A packet with TCP in it, as <see cref="IpPacket.TryParse"/> accepts it.</param>
    /// <param name="facts">What was found in it.</param>
    /// <param name="mtu">The network's MTU in bytes, at least 576; or <see cref="NoLimit"/>.</param>
    /// <param name="checksum">Whether its checksum covers the options. A partial one does not, and stays.</param>
    public static void Apply(Span<byte> packet, in IpFacts facts, int mtu, ChecksumState checksum)
    {
        if (facts.Fragment != FragmentPart.Whole || facts.IsAuthenticated)
            return;
        Span<byte> tcp = packet[facts.TransportOffset..];
        if ((tcp[13] & Syn) == 0)
            return;
        int at = FindValue(tcp);
        if (at == 0)
            return;
        // RFC 6691 §2: the fixed headers count, options do not; who sends some makes its segments smaller itself.
        // Extension headers are counted: whatever the SYN needed them for may need them on the way back.
        int largest = mtu - TcpHeader - (facts.Family == IpFamily.V6 ? facts.TransportOffset : IpPacket.HeaderV4);
        ushort asked = BinaryPrimitives.ReadUInt16BigEndian(tcp[at..]);
        if (asked <= largest)
            return;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[at..], (ushort)largest);
        if (checksum == ChecksumState.Complete)
            MendChecksum(tcp[ChecksumOffset..], asked, (ushort)largest, isOdd: at % 2 != 0);
    }

    /// <summary>Finds the offset of the value behind the TCP header's start; 0 when there is none to change.</summary>
    private static int FindValue(ReadOnlySpan<byte> tcp)
    {
        int found = 0;
        int end = (tcp[12] >> 4) * 4;
        if (end > tcp.Length)
            return 0;
        for (int at = TcpHeader; at < end && tcp[at] != EndOfOptions;)
        {
            byte kind = tcp[at];
            if (kind == NoOperation)
            {
                at++;
                continue;
            }
            int length = at + 1 < end ? tcp[at + 1] : 0;
            // RFC 5925 §5.1: TCP-AO signs the other options, too; with another value the peer would refuse the SYN.
            if (length < 2 || at + length > end || kind == Authentication)
                return 0;
            if (kind == MaxSegmentSize)
            {
                if (length != MaxSegmentSizeLength || found != 0)
                    return 0;
                found = at + 2;
            }
            at += length;
        }
        return found;
    }

    // Padding can put the value across two of the words that are summed up; each of its bytes then counts for the other
    // half of a word.
    private static void MendChecksum(Span<byte> field, ushort before, ushort after, bool isOdd)
    {
        if (isOdd)
        {
            before = BinaryPrimitives.ReverseEndianness(before);
            after = BinaryPrimitives.ReverseEndianness(after);
        }
        TransportChecksum.Mend(field, before, after);
    }
}
