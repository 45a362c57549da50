using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>What waits for one connection, one datagram after the other.</summary>
/// <remarks>
/// Belongs to the loop's thread. A super packet is cut here, at the last moment: of each datagram only the headers are
/// written, and its payload is taken from where it lies in the queue. A packet that is larger than a datagram goes in
/// two halves. What has waited too long is marked (RFC 3168) if its ends know what that means, and dropped otherwise.
/// </remarks>
internal sealed unsafe class OutboundDatagrams : IDisposable
{
    // The frame's own header and the packet's, one behind the other.
    private const int HeaderRoom = DatagramFraming.MaxHeader + SuperPacket.MaxHeader;

    private readonly PacketQueue _queue;
    private readonly int _scratchBytes;
    private byte* _header = (byte*)NativeMemory.Alloc(HeaderRoom);
    private byte* _scratch;
    private SendFlow? _flow;
    private QueuedPacket _packet;
    private SuperPacket _super;
    private int _headerBytes;
    private byte* _payload;
    private int _payloadBytes;
    private bool _isJudged;
    private bool _isPartial;
    private bool _isSplit;
    private bool _secondHalf;
    private byte _splitId;

    /// <param name="queue">What waits; not owned.</param>
    /// <param name="largestDatagram">Bytes of the largest datagram there will ever be.</param>
    public OutboundDatagrams(PacketQueue queue, int largestDatagram)
    {
        _queue = queue;
        _scratchBytes = DatagramFraming.MaxPacket(largestDatagram);
    }

    /// <summary>Inner packets sent.</summary>
    public long Packets;

    /// <summary>Their bytes.</summary>
    public long Bytes;

    /// <summary>Inner packets dropped because they waited too long, or no longer fitted the path.</summary>
    public long Dropped;

    /// <summary>Inner packets marked as having met congestion, instead of being dropped.</summary>
    public long Marked;

    /// <summary>How long inner packets have waited before they were sent or dropped, in nanoseconds.</summary>
    public long Waited;

    /// <summary>Datagrams sent.</summary>
    public long Datagrams;

    /// <summary>Bytes of a datagram that the path carries now.</summary>
    public int DatagramBytes { get; set; }

    /// <summary>Whether a packet can never be sent as it is.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="offload">What it is.</param>
    /// <param name="largest">The largest packet that may be sent.</param>
    /// <returns>Why, or none.</returns>
    public static DropReason WhyUnfit(ReadOnlySpan<byte> packet, in PacketOffload offload, int largest)
    {
        if (offload.Kind == OffloadKind.None)
        {
            return packet.Length > largest ? DropReason.TooBig
                : offload.Checksum == ChecksumState.Partial && !PartialChecksum.Fits(offload, packet.Length) ? DropReason.Malformed
                : DropReason.None;
        }
        return !SuperPacket.TryRead(packet, offload, out SuperPacket super) ? DropReason.Malformed
            : super.LargestPacket > largest ? DropReason.TooBig
            : DropReason.None;
    }

    /// <summary>Goes to the datagram whose turn it is.</summary>
    /// <param name="now">The time, in nanoseconds.</param>
    /// <returns>False when nothing waits.</returns>
    public bool TryNext(ulong now)
    {
        if (_secondHalf)
        {
            int half = (_headerBytes + _payloadBytes) / 2;
            if (DatagramFraming.HeaderLength(_packet.Network, DatagramPart.SecondHalf) + half <= DatagramBytes)
                return true; // a half is of no use without the other
            _secondHalf = false; // the path has shrunk in between
            _splitId++;
            Dropped++;
            Advance();
        }
        while (_queue.Next(out QueuedPacket packet) is { } flow)
        {
            // Offered before and not taken: it is judged, and marked, once.
            if (_isJudged && ReferenceEquals(flow, _flow))
                return true;
            Begin(flow, packet);
            if (_headerBytes + _payloadBytes <= DatagramFraming.MaxPacket(DatagramBytes) && !IsOverdue(flow, packet, now))
            {
                _isJudged = true;
                return true;
            }
            Dropped++;
            Advance();
        }
        _flow = null;
        _isJudged = false;
        return false;
    }

    /// <summary>The bytes of the datagram, in two parts that stay where they are until <see cref="OnAccepted"/>.</summary>
    /// <returns>Its length.</returns>
    public int Frame(NgVec* parts)
    {
        int bytes = _headerBytes + _payloadBytes;
        int front = DatagramFraming.HeaderLength(_packet.Network, DatagramPart.Whole);
        if (!_secondHalf && front + bytes <= DatagramBytes)
        {
            byte* start = _header + DatagramFraming.MaxHeader - front;
            DatagramFraming.Write(new Span<byte>(start, front), DatagramPart.Whole, _packet.Network, 0, _isPartial);
            parts[0] = new NgVec { Base = start, Length = (nuint)(front + _headerBytes) };
            parts[1] = new NgVec { Base = _payload, Length = (nuint)_payloadBytes };
            _isSplit = false;
            return front + bytes;
        }
        if (!_secondHalf)
            Complete();
        _isSplit = true;
        int half = (bytes + 1) / 2;
        DatagramPart part = _secondHalf ? DatagramPart.SecondHalf : DatagramPart.FirstHalf;
        int length = DatagramFraming.Write(new Span<byte>(_header, DatagramFraming.MaxHeader), part, _packet.Network, _splitId);
        parts[0] = new NgVec { Base = _header, Length = (nuint)length };
        parts[1] = _secondHalf
            ? new NgVec { Base = _scratch + half, Length = (nuint)(bytes - half) }
            : new NgVec { Base = _scratch, Length = (nuint)half };
        return length + (int)parts[1].Length;
    }

    /// <summary>Whether another datagram of some bytes, at most, may well follow in the same QUIC packet.</summary>
    /// <param name="room">Bytes left behind this one.</param>
    public bool MayFollow(int room)
    {
        if (room <= DatagramFraming.PacketOverhead)
            return false;
        if (_isSplit)
            return false;
        if (_flow!.Segment + 1 < _super.Count)
        {
            _super.Payload(_flow.Segment + 1, out _, out int payload);
            return DatagramFraming.MaxHeader + _super.HeaderBytes + payload <= room;
        }
        int behind = _flow.Ring.LengthBehind(_packet);
        // With nothing behind it in its flow, the next one is another flow's, of which nothing is known.
        return behind == 0 ? _queue.Count > 1 : DatagramFraming.MaxHeader + behind <= room;
    }

    /// <summary>The datagram is on its way.</summary>
    public void OnAccepted()
    {
        Datagrams++;
        if (_isSplit && !_secondHalf)
        {
            _secondHalf = true;
            return;
        }
        if (_secondHalf)
            _splitId++;
        _secondHalf = false;
        Packets++;
        Bytes += _headerBytes + _payloadBytes;
        _flow!.Deficit -= _headerBytes + _payloadBytes;
        Advance();
    }

    public void Dispose()
    {
        NativeMemory.Free(_header);
        NativeMemory.Free(_scratch);
        _header = null;
        _scratch = null;
    }

    // Makes one of the packets that the oldest of a flow stands for the current one.
    private void Begin(SendFlow flow, in QueuedPacket packet)
    {
        bool isSame = ReferenceEquals(flow, _flow); // only its oldest packet's end, which forgets the flow, brings another
        _flow = flow;
        _packet = packet;
        _isPartial = packet.Offload.Checksum == ChecksumState.Partial;
        if (packet.Offload.Kind == OffloadKind.None)
        {
            _super = default;
            _headerBytes = 0;
            _payload = (byte*)packet.Data;
            _payloadBytes = packet.Length;
            return;
        }
        var whole = new ReadOnlySpan<byte>((byte*)packet.Data, packet.Length);
        if (!isSame)
            _ = SuperPacket.TryRead(whole, packet.Offload, out _super); // read once before, when it was queued
        _headerBytes = _super.HeaderBytes;
        _super.Payload(flow.Segment, out int offset, out _payloadBytes);
        _payload = (byte*)packet.Data + offset;
        _super.WriteHeader(whole, flow.Segment, new Span<byte>(_header + DatagramFraming.MaxHeader, _headerBytes));
    }

    private bool IsOverdue(SendFlow flow, in QueuedPacket packet, ulong now)
    {
        Waited += Math.Max(0, (long)now - packet.Since);
        if (!flow.Sojourn.ShouldDrop((long)now - packet.Since, flow.Ring.QueuedBytes, (long)now))
            return false;
        Span<byte> header = _headerBytes > 0
            ? new Span<byte>(_header + DatagramFraming.MaxHeader, _headerBytes)
            : new Span<byte>(_payload, _payloadBytes);
        if (SojournControl.IsTooOld((long)now - packet.Since) || !CongestionMark.TryMark(header))
            return true;
        Marked++;
        return false;
    }

    private void Advance()
    {
        SendFlow flow = _flow!;
        _isJudged = false;
        if (++flow.Segment < _super.Count)
            return;
        flow.Segment = 0;
        _queue.Pop(flow, _packet);
        _flow = null;
    }

    // Halves are cut from a copy whose checksum is complete: a half says nothing of checksums.
    private void Complete()
    {
        if (_scratch is null)
            _scratch = (byte*)NativeMemory.Alloc((nuint)_scratchBytes);
        var packet = new Span<byte>(_scratch, _headerBytes + _payloadBytes);
        new ReadOnlySpan<byte>(_header + DatagramFraming.MaxHeader, _headerBytes).CopyTo(packet);
        new ReadOnlySpan<byte>(_payload, _payloadBytes).CopyTo(packet[_headerBytes..]);
        if (_isPartial)
            PartialChecksum.Complete(packet, _packet.Offload.ChecksumStart, _packet.Offload.ChecksumOffset);
    }
}
