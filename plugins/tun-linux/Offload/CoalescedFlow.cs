using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Segments of one TCP connection that follow each other without a gap, where they lie in their batch.</summary>
internal sealed unsafe class CoalescedFlow : IDisposable
{
    private const byte Ack = 0x10;
    private const byte Push = 0x08;
    private const int MaxSegments = 64;

    private readonly VirtioNetHdr* _header;
    private byte* _first;
    private int _firstLength;
    private IpSegment _parts;
    private int _segmentSize;
    private uint _nextSequence;
    private int _total;
    private byte _lastFlags;
    private Original _original;

    /// <summary>A flow without segments.</summary>
    public CoalescedFlow()
    {
        Pieces = (IoVec*)NativeMemory.AllocZeroed(MaxSegments + 1, (nuint)sizeof(IoVec));
        _header = (VirtioNetHdr*)NativeMemory.AllocZeroed(VirtioNetHdr.Size);
        Pieces[0] = new IoVec { iov_base = (byte*)_header, iov_len = VirtioNetHdr.Size };
    }

    /// <summary>The header, the first packet, and the payloads behind it.</summary>
    public IoVec* Pieces { get; private set; }

    /// <summary>How many pieces.</summary>
    public int PieceCount => Count + 1;

    /// <summary>Segments so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all of them, with their headers.</summary>
    public long Bytes => _total + ((Count - 1L) * _parts.Payload);

    /// <summary>Whether nothing can follow: the last one was short, or to be pushed.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether a TCP packet is an ordinary segment of data, without anything that must arrive by itself.</summary>
    public static bool IsCandidate(ReadOnlySpan<byte> packet, in IpSegment parts) =>
        packet.Length > parts.Payload && (parts.IsV6 || parts.Transport == 20)
        && (packet[parts.Transport + 13] & ~Push) == Ack;

    /// <summary>Whether nothing may be joined to this candidate.</summary>
    public static bool EndsFlow(ReadOnlySpan<byte> packet, in IpSegment parts) => (packet[parts.Transport + 13] & Push) != 0;

    /// <summary>Begins anew with a candidate.</summary>
    public void Begin(byte* packet, int length, in IpSegment parts)
    {
        _first = packet;
        _firstLength = length;
        _parts = parts;
        _segmentSize = length - parts.Payload;
        _nextSequence = Sequence(new ReadOnlySpan<byte>(packet, length)) + (uint)_segmentSize;
        _total = length;
        _lastFlags = Ack;
        Count = 1;
        IsComplete = false;
        Pieces[1] = new IoVec { iov_base = packet, iov_len = (nuint)length };
    }

    /// <summary>Whether a TCP packet is of the same connection and direction.</summary>
    public bool Carries(ReadOnlySpan<byte> packet, in IpSegment parts)
    {
        var first = new ReadOnlySpan<byte>(_first, _firstLength);
        return parts.IsV6 == _parts.IsV6 && parts.Addresses(packet).SequenceEqual(_parts.Addresses(first))
            && packet.Slice(parts.Transport, 4).SequenceEqual(first.Slice(_parts.Transport, 4));
    }

    /// <summary>Joins a candidate of the same connection, when it is what comes next and says the same in its headers.</summary>
    public bool TryJoin(byte* packet, int length, in IpSegment parts)
    {
        var bytes = new ReadOnlySpan<byte>(packet, length);
        int payload = length - parts.Payload;
        if (IsComplete || Count == MaxSegments || payload > _segmentSize || _total + payload > PacketBatch.MaxPacketSize
            || parts != _parts || Sequence(bytes) != _nextSequence || !HasSameHeaders(bytes))
            return false;
        _lastFlags = bytes[parts.Transport + 13];
        _nextSequence += (uint)payload;
        _total += payload;
        Count++;
        Pieces[Count] = new IoVec { iov_base = packet + parts.Payload, iov_len = (nuint)payload };
        IsComplete = payload < _segmentSize || (_lastFlags & Push) != 0;
        return true;
    }

    /// <summary>Makes the first packet's headers those of all together.</summary>
    public void Seal()
    {
        var packet = new Span<byte>(_first, _firstLength);
        Span<byte> transport = packet[_parts.Transport..];
        _original = new Original(transport[13], BinaryPrimitives.ReadUInt16BigEndian(transport[16..]));
        _parts.WriteIpLength(packet, _total);
        transport[13] = _lastFlags;
        // What the kernel goes on from: the pseudo-header's sum, folded and not inverted.
        TransportChecksum.Store(transport[16..], TransportChecksum.Fold(
            TransportChecksum.PseudoHeader(_parts.Addresses(packet), IpSegment.Tcp, _total - _parts.Transport)));
        *_header = new VirtioNetHdr
        {
            flags = VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM,
            gso_type = _parts.IsV6 ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV6 : VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV4,
            hdr_len = (ushort)_parts.Payload,
            gso_size = (ushort)_segmentSize,
            csum_start = (ushort)_parts.Transport,
            csum_offset = 16,
        };
    }

    /// <summary>Gives the first packet its own headers back.</summary>
    public void Unseal()
    {
        var packet = new Span<byte>(_first, _firstLength);
        Span<byte> transport = packet[_parts.Transport..];
        _parts.WriteIpLength(packet, _firstLength);
        transport[13] = _original.Flags;
        BinaryPrimitives.WriteUInt16BigEndian(transport[16..], _original.Checksum);
    }

    /// <summary>One of the segments as it came; the first only before <see cref="Seal"/> or after <see cref="Unseal"/>.</summary>
    public byte* PacketAt(int index, out int length)
    {
        IoVec piece = Pieces[index + 1];
        if (index == 0)
        {
            length = _firstLength;
            return _first;
        }
        length = (int)piece.iov_len + _parts.Payload;
        return piece.iov_base - _parts.Payload;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.Free(Pieces);
        NativeMemory.Free(_header);
        Pieces = null;
    }

    private uint Sequence(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt32BigEndian(packet[(_parts.Transport + 4)..]);

    // Everything but lengths, sequence, flags and checksums. An IPv4 packet's number has to be the next one: that is
    // what the kernel will write when it cuts.
    private bool HasSameHeaders(ReadOnlySpan<byte> packet)
    {
        var first = new ReadOnlySpan<byte>(_first, _firstLength);
        if (_parts.IsV6)
        {
            if (!packet[..4].SequenceEqual(first[..4]) || packet[7] != first[7])
                return false;
        }
        else
        {
            ushort number = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(first[4..]) + Count);
            if (packet[1] != first[1] || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != number
                || !packet.Slice(6, 3).SequenceEqual(first.Slice(6, 3)))
                return false;
        }
        int transport = _parts.Transport;
        return packet.Slice(transport + 8, 5).SequenceEqual(first.Slice(transport + 8, 5)) // acknowledgement, offset
            && packet.Slice(transport + 14, 2).SequenceEqual(first.Slice(transport + 14, 2)) // window
            && packet[(transport + 18).._parts.Payload].SequenceEqual(first[(transport + 18).._parts.Payload]); // options
    }

    private readonly record struct Original(byte Flags, ushort Checksum);
}
