using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>Which part of a fragmented datagram a packet is.</summary>
internal enum FragmentPart : byte
{
    /// <summary>A whole datagram.</summary>
    Whole = 0,

    /// <summary>The first fragment, which holds the transport header.</summary>
    First = 1,

    /// <summary>A later fragment, which holds none: it has no ports.</summary>
    Later = 2,
}

/// <summary>What <see cref="IpPacket.TryParse"/> finds beside the <see cref="PacketKey"/>.</summary>
/// <param name="Family">IPv4 or IPv6.</param>
/// <param name="Fragment">Which part of a datagram it is.</param>
/// <param name="DontFragment">Whether it must not be cut on its way: IPv4's DF; always true for IPv6.</param>
/// <param name="TransportOffset">Bytes before the transport header: IP header, options, extension headers.</param>
internal readonly record struct IpFacts(
    IpFamily Family, FragmentPart Fragment, bool DontFragment, ushort TransportOffset)
{
    /// <summary>Whether an authentication header stands before the transport header: no byte behind it may change (RFC 4302).</summary>
    public bool IsAuthenticated { get; init; }
}
