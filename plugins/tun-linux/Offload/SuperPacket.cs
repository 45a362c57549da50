using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>One read of the kernel, cut into the packets that it stands for. Goes on where a full batch made it stop.</summary>
/// <remarks>
/// The kernel hands TCP and UDP payload over in pieces of up to 64 KB with one header, and leaves checksums to the
/// device. What comes out are ordinary packets, complete in themselves (linux/virtio_net.h). Belongs to the reader's
/// thread; refers to the read buffer until it is empty.
/// </remarks>
internal unsafe struct SuperPacket
{
    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte CongestionWindowReduced = 0x80;

    private byte* _packet;
    private int _length;
    private IpSegment _parts;
    private int _segmentSize;
    private int _next; // offset of the payload that has not been cut yet

    /// <summary>Whether something of it is left.</summary>
    public readonly bool IsPending => _next < _length;

    /// <summary>Bytes of the largest of its packets.</summary>
    public readonly int LargestPacket => Math.Min(_length, _parts.Payload + _segmentSize);

    /// <summary>Takes a read over.</summary>
    /// <param name="header">What the kernel says of it.</param>
    /// <param name="packet">The IP packet, behind the header.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>False when header and packet do not fit together: it is dropped.</returns>
    public bool TryBegin(in VirtioNetHdr header, byte* packet, int length)
    {
        this = default;
        if (length <= 0 || !TryMeasure(header, new ReadOnlySpan<byte>(packet, length)))
            return false;
        _packet = packet;
        _length = length;
        _next = _parts.Payload;
        return true;
    }

    /// <summary>Cuts as many packets off as the batch has room for.</summary>
    /// <returns>How many.</returns>
    public int CutInto(PacketBatch batch)
    {
        int cut = 0;
        while (IsPending)
        {
            int payload = Math.Min(_segmentSize, _length - _next);
            int total = _parts.Payload + payload;
            if (!batch.TryReserve(total, out Span<byte> room))
                break;
            Span<byte> packet = room[..total];
            new ReadOnlySpan<byte>(_packet, _parts.Payload).CopyTo(packet);
            new ReadOnlySpan<byte>(_packet + _next, payload).CopyTo(packet[_parts.Payload..]);
            Finish(packet, isLast: _next + payload == _length);
            batch.Commit(total);
            _next += payload;
            cut++;
        }
        return cut;
    }

    /// <summary>Fills the checksum in that the kernel left to the device.</summary>
    /// <returns>False when the header points outside the packet.</returns>
    public static bool TryComplete(in VirtioNetHdr header, Span<byte> packet)
    {
        int field = header.csum_start + header.csum_offset;
        if (field + 2 > packet.Length || header.csum_start >= packet.Length)
            return false;
        // The field holds the pseudo-header's sum already.
        ushort checksum = (ushort)~TransportChecksum.Fold(TransportChecksum.Add(0, packet[header.csum_start..]));
        TransportChecksum.Store(packet[field..], checksum == 0 && header.csum_offset == 6 ? (ushort)0xFFFF : checksum);
        return true;
    }

    // hdr_len is a hint that may be wrong; the header's end follows from where the checksum starts.
    private bool TryMeasure(in VirtioNetHdr header, ReadOnlySpan<byte> packet)
    {
        bool isV6 = packet[0] >> 4 == 6;
        byte protocol = (header.gso_type & ~VirtioNetHdr.VIRTIO_NET_HDR_GSO_ECN) switch
        {
            VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV4 when !isV6 => IpSegment.Tcp,
            VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV6 when isV6 => IpSegment.Tcp,
            VirtioNetHdr.VIRTIO_NET_HDR_GSO_UDP_L4 => IpSegment.Udp,
            _ => 0,
        };
        _segmentSize = header.gso_size;
        return _segmentSize > 0 && (header.flags & VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0
            && IpSegment.TryRead(packet, isV6, protocol, header.csum_start, out _parts)
            && packet.Length > _parts.Payload;
    }

    private readonly void Finish(Span<byte> packet, bool isLast)
    {
        int done = _next - _parts.Payload;
        if (!_parts.IsV6)
        {
            ushort id = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(id + (done / _segmentSize)));
        }
        _parts.WriteIpLength(packet, packet.Length);
        Span<byte> transport = packet[_parts.Transport..];
        if (_parts.Protocol == IpSegment.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        }
        else
        {
            uint sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], sequence + (uint)done);
            if (!isLast)
                transport[13] &= unchecked((byte)~(Fin | Push));
            if (done > 0)
                transport[13] &= unchecked((byte)~CongestionWindowReduced);
        }
        _parts.WriteChecksum(packet);
    }
}
