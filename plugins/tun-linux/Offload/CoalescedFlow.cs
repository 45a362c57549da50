using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>TCP segments, or UDP datagrams, of one connection that follow each other without a gap, where they lie in their batch.</summary>
internal sealed unsafe class CoalescedFlow : IDisposable
{
    private const byte Ack = 0x10;
    private const byte Push = 0x08;
    private const byte DontFragment = 0x40;
    private const int MaxSegments = 64;
    private const int MaxDatagrams = 60; // the kernel's limit (UDP_MAX_SEGMENTS) was 64 for long

    private readonly VirtioNetHdr* _header;
    private byte* _first;
    private int _firstLength;
    private IpSegment _parts;
    private int _segmentSize;
    private uint _nextSequence;
    private int _total;
    private byte _lastFlags;
    private bool _isPartial;
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
        && (parts.Protocol == IpSegment.Udp ? HasRightUdpLength(packet, parts) : (packet[parts.Transport + 13] & ~Push) == Ack);

    /// <summary>Whether nothing may be joined to this candidate.</summary>
    public static bool EndsFlow(ReadOnlySpan<byte> packet, in IpSegment parts) =>
        parts.Protocol == IpSegment.Tcp && (packet[parts.Transport + 13] & Push) != 0;

    /// <summary>Whether each of its packets has only a partial checksum.</summary>
    public bool IsPartial => _isPartial;

    /// <summary>Where the parts of each of its packets lie.</summary>
    public IpSegment Parts => _parts;

    /// <summary>Begins anew with a candidate.</summary>
    public void Begin(byte* packet, int length, in IpSegment parts, bool isPartial)
    {
        _first = packet;
        _firstLength = length;
        _parts = parts;
        _segmentSize = length - parts.Payload;
        _isPartial = isPartial;
        _nextSequence = Sequence(new ReadOnlySpan<byte>(packet, length)) + (uint)_segmentSize;
        _total = length;
        _lastFlags = Ack;
        Count = 1;
        IsComplete = false;
        Pieces[1] = new IoVec { iov_base = packet, iov_len = (nuint)length };
    }

    /// <summary>Whether a packet is of the same connection and direction.</summary>
    public bool Carries(ReadOnlySpan<byte> packet, in IpSegment parts)
    {
        var first = new ReadOnlySpan<byte>(_first, _firstLength);
        return parts.IsV6 == _parts.IsV6 && parts.Protocol == _parts.Protocol && parts.Addresses(packet).SequenceEqual(_parts.Addresses(first))
            && packet.Slice(parts.Transport, 4).SequenceEqual(first.Slice(_parts.Transport, 4));
    }

    /// <summary>Joins a candidate of the same connection, when it is what comes next and says the same in its headers.</summary>
    public bool TryJoin(byte* packet, int length, in IpSegment parts, bool isPartial)
    {
        var bytes = new ReadOnlySpan<byte>(packet, length);
        int payload = length - parts.Payload;
        bool isUdp = parts.Protocol == IpSegment.Udp;
        if (IsComplete || Count == (isUdp ? MaxDatagrams : MaxSegments) || payload > _segmentSize
            || _total + payload > PacketBatch.MaxPacketSize || parts != _parts || isPartial != _isPartial
            || (!isUdp && Sequence(bytes) != _nextSequence) || !HasSameHeaders(bytes))
            return false;
        _lastFlags = isUdp ? default : bytes[parts.Transport + 13];
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
        bool isUdp = _parts.Protocol == IpSegment.Udp;
        _original = new Original(
            isUdp ? default : transport[13], BinaryPrimitives.ReadUInt16BigEndian(transport[_parts.ChecksumOffset..]));
        _parts.WriteIpLength(packet, _total);
        if (isUdp)
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)(_total - _parts.Transport));
        else
            transport[13] = _lastFlags;
        _parts.WritePartialChecksum(packet, _total); // what the kernel goes on from
        OffloadKind kind = isUdp ? OffloadKind.Udp : _parts.IsV6 ? OffloadKind.TcpV6 : OffloadKind.TcpV4;
        *_header = VirtioNetHdr.From(
            new PacketOffload(
                kind, (ushort)_segmentSize, ChecksumState.Partial, (ushort)_parts.Transport, (ushort)_parts.ChecksumOffset),
            _parts.Payload);
    }

    /// <summary>Gives the first packet its own headers back.</summary>
    public void Unseal()
    {
        var packet = new Span<byte>(_first, _firstLength);
        Span<byte> transport = packet[_parts.Transport..];
        _parts.WriteIpLength(packet, _firstLength);
        if (_parts.Protocol == IpSegment.Udp)
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        else
            transport[13] = _original.Flags;
        BinaryPrimitives.WriteUInt16BigEndian(transport[_parts.ChecksumOffset..], _original.Checksum);
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

    private static bool HasRightUdpLength(ReadOnlySpan<byte> packet, in IpSegment parts) =>
        BinaryPrimitives.ReadUInt16BigEndian(packet[(parts.Transport + 4)..]) == packet.Length - parts.Transport;

    private uint Sequence(ReadOnlySpan<byte> packet) =>
        _parts.Protocol == IpSegment.Udp ? 0 : BinaryPrimitives.ReadUInt32BigEndian(packet[(_parts.Transport + 4)..]);

    // Everything but lengths, sequence, flags and checksums.
    private bool HasSameHeaders(ReadOnlySpan<byte> packet)
    {
        var first = new ReadOnlySpan<byte>(_first, _firstLength);
        if (!(_parts.IsV6 ? packet[..4].SequenceEqual(first[..4]) && packet[7] == first[7] : HasSameHeaderV4(packet, first)))
            return false;
        int transport = _parts.Transport;
        return _parts.Protocol == IpSegment.Udp
            || (packet.Slice(transport + 8, 5).SequenceEqual(first.Slice(transport + 8, 5)) // acknowledgement, offset
                && packet.Slice(transport + 14, 2).SequenceEqual(first.Slice(transport + 14, 2)) // window
                && packet[(transport + 18).._parts.Payload].SequenceEqual(first[(transport + 18).._parts.Payload])); // options
    }

    // The kernel numbers the packets that it cuts one after the other. A TCP segment has to have the number it will get;
    // a UDP datagram that nobody may fragment means nothing by its own (RFC 6864), and often all have the same.
    private bool HasSameHeaderV4(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> first)
    {
        bool isAtomic = _parts.Protocol == IpSegment.Udp && (first[6] & DontFragment) != 0;
        ushort number = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(first[4..]) + Count);
        return packet[1] == first[1] && (isAtomic || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) == number)
            && packet.Slice(6, 3).SequenceEqual(first.Slice(6, 3));
    }

    private readonly record struct Original(byte Flags, ushort Checksum);
}
