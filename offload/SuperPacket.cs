using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Offload;

/// <summary>A super packet, and how each of the packets that it stands for is made of it.</summary>
/// <remarks>
/// <para>
/// The kernel hands TCP and UDP payload over in pieces of up to 64 KB behind one header (linux/virtio_net.h), with the
/// pseudo-header's sum in the checksum field. Each packet is a header of its own, which <see cref="WriteHeader"/>
/// writes, and a slice of that payload, which need not be copied.
/// </para>
/// <para>A value of a few numbers; refers to no memory. Any thread.</para>
/// </remarks>
public readonly struct SuperPacket
{
    /// <summary>The longest header, in bytes: IPv4 with all its options, or IPv6 with extension headers, and TCP with all of its.</summary>
    public const int MaxHeader = 256;

    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte CongestionWindowReduced = 0x80;

    private readonly IpSegment _parts;
    private readonly int _length;
    private readonly int _segmentSize;

    private SuperPacket(in IpSegment parts, int length, int segmentSize)
    {
        _parts = parts;
        _length = length;
        _segmentSize = segmentSize;
    }

    /// <summary>How many packets it stands for; 0 for the default value.</summary>
    public int Count => _segmentSize == 0 ? 0 : (_length - _parts.Payload + _segmentSize - 1) / _segmentSize;

    /// <summary>Bytes of the header of each packet.</summary>
    public int HeaderBytes => _parts.Payload;

    /// <summary>Bytes of the largest of its packets.</summary>
    public int LargestPacket => Math.Min(_length, _parts.Payload + _segmentSize);

    /// <summary>Where the parts of each packet lie.</summary>
    public IpSegment Parts => _parts;

    /// <summary>Takes the measure of a super packet.</summary>
    /// <param name="packet">The whole of it; its IP lengths are not looked at.</param>
    /// <param name="offload">What it says of itself.</param>
    /// <param name="super">Its measure.</param>
    /// <returns>False when packet and facts do not fit together, or it is no super packet.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, in PacketOffload offload, out SuperPacket super)
    {
        super = default;
        if (packet.IsEmpty || offload.SegmentSize == 0 || offload.Checksum != ChecksumState.Partial)
            return false;
        bool isV6 = packet[0] >> 4 == 6;
        byte protocol = offload.Kind switch
        {
            OffloadKind.TcpV4 when !isV6 => IpSegment.Tcp,
            OffloadKind.TcpV6 when isV6 => IpSegment.Tcp,
            OffloadKind.Udp => IpSegment.Udp,
            _ => 0,
        };
        // The header's end follows from where the checksum starts: what the kernel says of it is only a hint.
        if (!IpSegment.TryRead(packet, isV6, protocol, offload.ChecksumStart, out IpSegment parts)
            || offload.ChecksumOffset != parts.ChecksumOffset || packet.Length <= parts.Payload || parts.Payload > MaxHeader)
            return false;
        super = new SuperPacket(parts, packet.Length, offload.SegmentSize);
        return true;
    }

    /// <summary>Where the payload of one packet lies in the super packet.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="offset">Its first byte.</param>
    /// <param name="length">Its bytes, at least 1.</param>
    public void Payload(int index, out int offset, out int length)
    {
        offset = _parts.Payload + (index * _segmentSize);
        length = Math.Min(_segmentSize, _length - offset);
    }

    /// <summary>Writes the header of one packet, its transport checksum partial: the pseudo-header's sum.</summary>
    /// <param name="packet">The super packet.</param>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="header">Room for <see cref="HeaderBytes"/> bytes.</param>
    public void WriteHeader(ReadOnlySpan<byte> packet, int index, Span<byte> header)
    {
        Payload(index, out int offset, out int payload);
        header = header[.._parts.Payload];
        packet[.._parts.Payload].CopyTo(header);
        if (!_parts.IsV6)
        {
            ushort id = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(id + index));
        }
        int length = _parts.Payload + payload;
        _parts.WriteIpLength(header, length);
        Span<byte> transport = header[_parts.Transport..];
        if (_parts.Protocol == IpSegment.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)(length - _parts.Transport));
        }
        else
        {
            uint sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], sequence + (uint)(offset - _parts.Payload));
            if (offset + payload != _length)
                transport[13] &= unchecked((byte)~(Fin | Push));
            if (index > 0)
                transport[13] &= unchecked((byte)~CongestionWindowReduced);
        }
        _parts.WritePartialChecksum(header, length);
    }

    /// <summary>Makes one packet, complete in itself.</summary>
    /// <param name="packet">The super packet.</param>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="destination">Room for <see cref="LargestPacket"/> bytes.</param>
    /// <returns>The packet's bytes.</returns>
    public int Cut(ReadOnlySpan<byte> packet, int index, Span<byte> destination)
    {
        Payload(index, out int offset, out int payload);
        int length = _parts.Payload + payload;
        WriteHeader(packet, index, destination);
        packet.Slice(offset, payload).CopyTo(destination[_parts.Payload..]);
        PartialChecksum.Complete(destination[..length], _parts.Transport, _parts.ChecksumOffset);
        return length;
    }
}
