using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>Echo questions of this node's own, and the answers to them (RFC 792, RFC 4443 §4).</summary>
/// <remarks>Pure, without exceptions or allocation.</remarks>
internal static class IcmpEcho
{
    /// <summary>Bytes before the payload in an ICMP echo message.</summary>
    public const int Header = 8;

    private const byte HopLimit = 64;
    private const byte RequestV4 = 8;
    private const byte AnswerV4 = 0;
    private const byte RequestV6 = 128;
    private const byte AnswerV6 = 129;

    /// <summary>Bytes of a packet with so much payload.</summary>
    public static int LengthOf(IpFamily family, int payload) =>
        (family == IpFamily.V6 ? IpPacket.HeaderV6 : IpPacket.HeaderV4) + Header + payload;

    /// <summary>Builds a question.</summary>
    /// <param name="source">Ours.</param>
    /// <param name="destination">Of the same family.</param>
    /// <param name="identifier">Tells runs apart.</param>
    /// <param name="sequence">The question's number.</param>
    /// <param name="payload">Comes back in the answer.</param>
    /// <param name="packet">Exactly <see cref="LengthOf"/> bytes.</param>
    public static void Build(
        IpAddress source, IpAddress destination, ushort identifier, ushort sequence, ReadOnlySpan<byte> payload, Span<byte> packet)
    {
        packet.Clear();
        bool isV6 = destination.Family == IpFamily.V6;
        Span<byte> icmp = packet[(isV6 ? IpPacket.HeaderV6 : IpPacket.HeaderV4)..];
        icmp[0] = isV6 ? RequestV6 : RequestV4;
        BinaryPrimitives.WriteUInt16BigEndian(icmp[4..], identifier);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[6..], sequence);
        payload.CopyTo(icmp[Header..]);
        if (isV6)
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)icmp.Length);
            packet[6] = IpProtocol.IcmpV6;
            packet[7] = HopLimit;
            source.CopyTo(packet[8..]);
            destination.CopyTo(packet[24..]);
            ulong sum = InternetChecksum.AddPseudoHeader(0, source, destination, IpProtocol.IcmpV6, icmp.Length);
            BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Finish(InternetChecksum.Add(sum, icmp)));
            return;
        }
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        packet[6] = 0x40; // don't fragment: what is asked is whether one packet of this size passes
        packet[8] = HopLimit;
        packet[9] = IpProtocol.Icmp;
        source.CopyTo(packet[12..]);
        destination.CopyTo(packet[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Of(packet[..IpPacket.HeaderV4]));
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Of(icmp));
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="packet">A packet that <see cref="IpPacket.TryParse"/> took.</param>
    /// <param name="key">What it found.</param>
    /// <param name="facts">What else it found.</param>
    /// <param name="answer">The answer.</param>
    /// <returns>False when it is none, or a fragment.</returns>
    public static bool TryReadAnswer(ReadOnlySpan<byte> packet, in PacketKey key, in IpFacts facts, out EchoMessage answer)
    {
        answer = default;
        bool isV6 = facts.Family == IpFamily.V6;
        if (key.Protocol != (isV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp) || facts.Fragment != FragmentPart.Whole)
            return false;
        ReadOnlySpan<byte> icmp = packet[facts.TransportOffset..];
        if (icmp.Length < Header || icmp[0] != (isV6 ? AnswerV6 : AnswerV4) || icmp[1] != 0)
            return false;
        answer = new EchoMessage(
            BinaryPrimitives.ReadUInt16BigEndian(icmp[4..]), BinaryPrimitives.ReadUInt16BigEndian(icmp[6..]), isV6 ? packet[7] : packet[8],
            icmp[Header..]);
        return true;
    }
}

/// <summary>An echo message.</summary>
/// <param name="identifier">Which run.</param>
/// <param name="sequence">Which question.</param>
/// <param name="hopLimit">What is left of the hop limit.</param>
/// <param name="payload">The payload; borrowed.</param>
internal readonly ref struct EchoMessage(ushort identifier, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload)
{
    public ushort Identifier { get; } = identifier;

    public ushort Sequence { get; } = sequence;

    public byte HopLimit { get; } = hopLimit;

    public ReadOnlySpan<byte> Payload { get; } = payload;
}
