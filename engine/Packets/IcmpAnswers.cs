using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>Why a packet cannot be delivered, as ICMP can say it.</summary>
internal enum UnreachableCause
{
    /// <summary>No route: IPv4 "network unreachable" (3/0), IPv6 "no route to destination" (1/0).</summary>
    NoRoute = 0,

    /// <summary>A route but nobody there: IPv4 "host unreachable" (3/1), IPv6 "address unreachable" (1/3).</summary>
    PeerDown = 1,
}

/// <summary>Builds the ICMP errors that tell a sender at once what became of its packet.</summary>
/// <remarks>
/// RFC 792, RFC 1191, RFC 4443.
/// Pure, without exceptions or allocation. Never an answer to an ICMP error or an IPv6 redirect, to a later fragment,
/// or to a packet whose source or destination is anything but one host (RFC 1122 §3.2.2): an answer must not
/// cause another, nor reach more than one. The rate is the caller's to limit.
/// </remarks>
internal static class IcmpAnswers
{
    /// <summary>Bytes that hold every answer: IPv6's smallest MTU, which an error must not exceed.</summary>
    public const int MaxAnswer = 1280;

    // RFC 1812 §4.3.2.3: as much of the packet as fits without the answer exceeding 576 bytes.
    private const int MaxAnswerV4 = 576;
    private const int IcmpHeader = 8;
    private const int SmallestMtuV4 = 68; // RFC 791: every link carries that much
    private const int SmallestMtuV6 = 1280; // RFC 8200 §5
    private const byte HopLimit = 64;
    private const byte InternetworkControl = 0xC0; // RFC 1812 §4.3.2.5: the precedence of errors

    private const byte UnreachableV4 = 3;
    private const byte FragmentationNeededV4 = 4;
    private const byte UnreachableV6 = 1;
    private const byte TooBigV6 = 2;

    /// <summary>Builds "too big": IPv4's 3/4 when the packet must not be cut, IPv6's Packet Too Big.</summary>
    /// <param name="offending">The packet that was too big.</param>
    /// <param name="mtu">What the way does carry, in bytes; IPv6 is never told less than 1,280.</param>
    /// <param name="from">Our address, of the packet's family.</param>
    /// <param name="destination">Receives the answer; <see cref="MaxAnswer"/> bytes always suffice.</param>
    /// <param name="length">Bytes of the answer; 0 when there is none.</param>
    /// <returns>False when no answer may be given, or there is no room.</returns>
    public static bool TryBuildTooBig(
        ReadOnlySpan<byte> offending, int mtu, IpAddress from, Span<byte> destination, out int length)
    {
        length = 0;
        if (!MayAnswer(offending, from, out PacketKey key, out IpFacts facts) || !facts.DontFragment)
            return false;
        if (facts.Family == IpFamily.V6)
        {
            uint told = (uint)Math.Max(mtu, SmallestMtuV6);
            return TryBuildV6(offending, key.Source, from, TooBigV6, 0, told, destination, out length);
        }
        uint nextHopMtu = (uint)Math.Clamp(mtu, SmallestMtuV4, ushort.MaxValue);
        return TryBuildV4(offending, key.Source, from, FragmentationNeededV4, nextHopMtu, destination, out length);
    }

    /// <summary>Builds "unreachable".</summary>
    /// <param name="offending">The packet that could not be delivered.</param>
    /// <param name="cause">Why.</param>
    /// <param name="from">Our address, of the packet's family.</param>
    /// <param name="destination">Receives the answer; <see cref="MaxAnswer"/> bytes always suffice.</param>
    /// <param name="length">Bytes of the answer; 0 when there is none.</param>
    /// <returns>False when no answer may be given, or there is no room.</returns>
    public static bool TryBuildUnreachable(
        ReadOnlySpan<byte> offending, UnreachableCause cause, IpAddress from, Span<byte> destination, out int length)
    {
        length = 0;
        if (!MayAnswer(offending, from, out PacketKey key, out IpFacts facts))
            return false;
        bool noRoute = cause == UnreachableCause.NoRoute;
        byte code = (byte)(noRoute ? 0 : facts.Family == IpFamily.V6 ? 3 : 1);
        return facts.Family == IpFamily.V6
            ? TryBuildV6(offending, key.Source, from, UnreachableV6, code, 0, destination, out length)
            : TryBuildV4(offending, key.Source, from, code, 0, destination, out length);
    }

    private static bool MayAnswer(
        ReadOnlySpan<byte> offending, IpAddress from, out PacketKey key, out IpFacts facts) =>
        IpPacket.TryParse(offending, out key, out facts)
        && facts.Family == from.Family
        && facts.Fragment != FragmentPart.Later
        && AddressClasses.IsUnicast(from)
        && AddressClasses.IsUnicast(key.Source)
        && AddressClasses.IsUnicast(key.Destination)
        && !IsIcmpError(key.Protocol, offending[facts.TransportOffset..]);

    // Of IPv4's types only the known questions and their answers are certainly no errors; IPv6 marks errors by the
    // high bit, and RFC 4443 §2.4 (e.2) puts redirects (137) beside them.
    private static bool IsIcmpError(byte protocol, ReadOnlySpan<byte> transport) => protocol switch
    {
        IpProtocol.Icmp => transport[0] is not (0 or 8 or 13 or 14),
        IpProtocol.IcmpV6 => transport[0] is < 128 or 137,
        _ => false,
    };

    private static bool TryBuildV4(
        ReadOnlySpan<byte> offending, IpAddress to, IpAddress from, byte code, uint rest,
        Span<byte> destination, out int length)
    {
        const int Headers = IpPacket.HeaderV4 + IcmpHeader;
        length = Headers + Math.Min(offending.Length, MaxAnswerV4 - Headers);
        if (!TryTake(ref destination, ref length))
            return false;
        destination[0] = 0x45;
        destination[1] = InternetworkControl;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)length);
        destination[8] = HopLimit;
        destination[9] = IpProtocol.Icmp;
        from.CopyTo(destination[12..]);
        to.CopyTo(destination[16..]);
        Span<byte> header = destination[..IpPacket.HeaderV4];
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Of(header));

        Span<byte> icmp = destination[IpPacket.HeaderV4..];
        FillIcmp(icmp, UnreachableV4, code, rest, offending);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Of(icmp));
        return true;
    }

    private static bool TryBuildV6(
        ReadOnlySpan<byte> offending, IpAddress to, IpAddress from, byte type, byte code, uint rest,
        Span<byte> destination, out int length)
    {
        const int Headers = IpPacket.HeaderV6 + IcmpHeader;
        length = Headers + Math.Min(offending.Length, MaxAnswer - Headers);
        if (!TryTake(ref destination, ref length))
            return false;
        Span<byte> icmp = destination[IpPacket.HeaderV6..];
        destination[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)icmp.Length);
        destination[6] = IpProtocol.IcmpV6;
        destination[7] = HopLimit;
        from.CopyTo(destination[8..]);
        to.CopyTo(destination[24..]);

        FillIcmp(icmp, type, code, rest, offending);
        ulong sum = InternetChecksum.AddPseudoHeader(0, from, to, IpProtocol.IcmpV6, icmp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Finish(InternetChecksum.Add(sum, icmp)));
        return true;
    }

    private static bool TryTake(ref Span<byte> destination, ref int length)
    {
        if (destination.Length < length)
        {
            length = 0;
            return false;
        }
        destination = destination[..length];
        destination.Clear();
        return true;
    }

    private static void FillIcmp(Span<byte> icmp, byte type, byte code, uint rest, ReadOnlySpan<byte> offending)
    {
        icmp[0] = type;
        icmp[1] = code;
        BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], rest);
        offending[..(icmp.Length - IcmpHeader)].CopyTo(icmp[IcmpHeader..]);
    }
}
