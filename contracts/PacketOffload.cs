namespace VibePN.Contracts;

/// <summary>What a packet in a <see cref="PacketBatch"/> is, as far as segmentation goes.</summary>
public enum OffloadKind : byte
{
    /// <summary>One ordinary IP packet.</summary>
    None = 0,

    /// <summary>A super packet: TCP over IPv4, to be cut into segments of <see cref="PacketOffload.SegmentSize"/>.</summary>
    TcpV4 = 1,

    /// <summary>A super packet: TCP over IPv6.</summary>
    TcpV6 = 4,

    /// <summary>A super packet: UDP over either family, each segment a datagram of its own.</summary>
    Udp = 5,
}

/// <summary>Who still has to fill in a packet's transport checksum.</summary>
public enum ChecksumState : byte
{
    /// <summary>The checksum stands in the packet.</summary>
    Complete = 0,

    /// <summary>
    /// The checksum field holds only the pseudo-header's sum; the sum from
    /// <see cref="PacketOffload.ChecksumStart"/> to the packet's end is still to be folded in.
    /// </summary>
    Partial = 1,
}

/// <summary>The offload facts that travel beside a packet, as the kernel's virtio header states them.</summary>
/// <remarks>The default value is an ordinary packet with its checksum complete.</remarks>
/// <param name="Kind">Whether, and as what, the packet is to be cut.</param>
/// <param name="SegmentSize">Payload bytes of each segment but the last; 0 for an ordinary packet.</param>
/// <param name="Checksum">Whether the transport checksum is still partial.</param>
/// <param name="ChecksumStart">Offset in bytes, from the packet's first, of the transport header.</param>
/// <param name="ChecksumOffset">Offset in bytes, from <paramref name="ChecksumStart"/>, of the checksum field.</param>
public readonly record struct PacketOffload(
    OffloadKind Kind,
    ushort SegmentSize,
    ChecksumState Checksum,
    ushort ChecksumStart,
    ushort ChecksumOffset);

/// <summary>Which offloads an implementation can take. Two sides use what both declare.</summary>
[Flags]
public enum OffloadCapabilities
{
    /// <summary>Ordinary packets with complete checksums only.</summary>
    None = 0,

    /// <summary>Packets whose transport checksum is partial.</summary>
    PartialChecksum = 1,

    /// <summary>TCP super packets of both families.</summary>
    TcpSegmentation = 2,

    /// <summary>UDP super packets of both families.</summary>
    UdpSegmentation = 4,
}
