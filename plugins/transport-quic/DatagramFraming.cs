namespace VibePN.Plugins.TransportQuic;

/// <summary>Which part of an inner packet a datagram carries.</summary>
internal enum DatagramPart
{
    Whole = 0,
    FirstHalf = 1,
    SecondHalf = 2,
}

/// <summary>A datagram's own header.</summary>
/// <param name="Part">Whole packet or half.</param>
/// <param name="Network">The sender's number of the network, 0 to 255.</param>
/// <param name="SplitId">Which packet the half belongs to; 0 for a whole one.</param>
/// <param name="Length">Bytes of the header.</param>
/// <param name="IsPartial">Whether the packet's transport checksum is partial.</param>
internal readonly record struct DatagramHeader(DatagramPart Part, int Network, byte SplitId, int Length, bool IsPartial = false);

/// <summary>The bytes in front of an inner packet in a DATAGRAM frame (RFC 9221).</summary>
/// <remarks>
/// <code>
/// byte 0   bit 7     checksum partial: the TCP or UDP checksum field holds the pseudo-header's sum only; whole packets
///          bits 6-5  part: 00 whole packet, 01 first half, 10 second half, 11 never
///          bits 4-0  network number 0 to 30; 31 means that the number, 31 to 255, is the next byte
/// byte 1   network number, only when the bits above are 31
/// next     split id, only in a half: both halves of one packet carry the same
/// rest     the packet or its half; the first half is the longer one when the length is odd
/// </code>
/// </remarks>
internal static class DatagramFraming
{
    /// <summary>The longest header: flags, long network number, split id.</summary>
    public const int MaxHeader = 3;

    /// <summary>Networks are numbered 0 to this.</summary>
    public const int MaxNetwork = 255;

    /// <summary>
    /// QUIC's own bytes around a datagram: short header 1, connection ID 8, packet number 4, frame type 1 and
    /// length 2, AEAD tag 16.
    /// </summary>
    public const int PacketOverhead = 1 + 8 + 4 + 3 + 16;

    private const int ChecksumPartial = 0x80;
    private const int LongNetwork = 31;

    /// <summary>Bytes that <see cref="Write"/> takes.</summary>
    public static int HeaderLength(int network, DatagramPart part) =>
        1 + (network >= LongNetwork ? 1 : 0) + (part == DatagramPart.Whole ? 0 : 1);

    /// <summary>The largest inner packet that two datagrams on such a path carry.</summary>
    /// <param name="datagramBytes">The largest datagram payload of the path.</param>
    public static int MaxPacket(int datagramBytes) => 2 * (datagramBytes - MaxHeader);

    /// <summary>Writes the header.</summary>
    /// <param name="destination">As many bytes as <see cref="HeaderLength"/> says.</param>
    /// <param name="part">Whole packet or half.</param>
    /// <param name="network">The sender's number of the network.</param>
    /// <param name="splitId">Which packet the half belongs to.</param>
    /// <param name="isPartial">Whether the transport checksum is partial; whole packets only.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, DatagramPart part, int network, byte splitId, bool isPartial = false)
    {
        int length = 0;
        int shortNetwork = Math.Min(network, LongNetwork);
        destination[length++] = (byte)((isPartial ? ChecksumPartial : 0) | ((int)part << 5) | shortNetwork);
        if (shortNetwork == LongNetwork)
            destination[length++] = (byte)network;
        if (part != DatagramPart.Whole)
            destination[length++] = splitId;
        return length;
    }

    /// <summary>Reads the header.</summary>
    /// <returns>False when it is malformed or no packet byte follows it.</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out DatagramHeader header)
    {
        header = default;
        if (datagram.IsEmpty)
            return false;
        bool isPartial = (datagram[0] & ChecksumPartial) != 0;
        int part = (datagram[0] >> 5) & 3;
        int network = datagram[0] & 0x1f;
        int length = 1;
        if (part > (int)DatagramPart.SecondHalf || (isPartial && part != (int)DatagramPart.Whole))
            return false;
        if (network == LongNetwork)
        {
            if (datagram.Length <= length || datagram[length] < LongNetwork)
                return false;
            network = datagram[length++];
        }
        byte splitId = 0;
        if (part != (int)DatagramPart.Whole)
        {
            if (datagram.Length <= length)
                return false;
            splitId = datagram[length++];
        }
        header = new DatagramHeader((DatagramPart)part, network, splitId, length, isPartial);
        return datagram.Length > length;
    }
}
