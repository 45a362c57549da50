using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

// Towards the kernel: packets of one batch → as few writes as possible.
//   1. read     is it a TCP segment, or a UDP datagram, that could be joined to others?
//   2. find     the flow that it belongs to, among those that are open
//   3. join     its payload, when it is exactly what comes next; else the flow is written first
//   4. write    flows in the order in which they began, at the end of the batch at the latest

/// <summary>Joins packets that follow each other into super packets, the inverse of what a sender's kernel did.</summary>
/// <remarks>
/// Nothing outlives a batch, and no packet overtakes another of its flow. A joined packet tells the kernel that its
/// checksums are good, so each segment's are verified before it is joined: a bad one is written as it came, for the kernel
/// to refuse; a partial one has no claim to verify, and the kernel itself vouches for what it completes. What the kernel will
/// cut again is, byte for byte, what came in, but for the number of IPv4 datagrams that nobody may fragment. Belongs to the writing thread; allocates nothing
/// after construction.
/// </remarks>
internal sealed unsafe class SegmentCoalescer : IDisposable
{
    private const int MaxFlows = 16;

    private readonly IPacketSink _sink;
    private readonly CoalescedFlow[] _flows = new CoalescedFlow[MaxFlows];
    private IoVec* _alone;
    private VirtioNetHdr* _plain;
    private int _open;

    /// <summary>A coalescer with no flow open.</summary>
    /// <param name="sink">Where packets go.</param>
    /// <param name="whyNotUdp">Why UDP is not joined; empty when it is.</param>
    public SegmentCoalescer(IPacketSink sink, string whyNotUdp)
    {
        _sink = sink;
        WhyNotUdp = whyNotUdp;
        for (int i = 0; i < MaxFlows; i++)
            _flows[i] = new CoalescedFlow();
        _alone = (IoVec*)NativeMemory.AllocZeroed(2, (nuint)sizeof(IoVec));
        _plain = (VirtioNetHdr*)NativeMemory.AllocZeroed(VirtioNetHdr.Size);
        _alone[0] = new IoVec { iov_base = (byte*)_plain, iov_len = VirtioNetHdr.Size };
    }

    /// <summary>Whether UDP datagrams are joined.</summary>
    public bool JoinsUdp => WhyNotUdp.Length == 0;

    /// <summary>Why they are not, in a clause; empty when they are.</summary>
    public string WhyNotUdp { get; }

    /// <summary>False once the kernel refused a joined packet as invalid: from then on every packet goes alone.</summary>
    public bool IsJoining { get; private set; } = true;

    /// <summary>Super packets that the kernel took.</summary>
    public long Joined { get; private set; }

    /// <summary>Writes packets of a batch.</summary>
    /// <param name="batch">Borrowed; headers of packets that others are joined to are overwritten.</param>
    /// <param name="first">The first packet.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Bytes of the packets that the kernel took.</param>
    /// <returns>How many the kernel took.</returns>
    public int Write(PacketBatch batch, int first, int count, out long bytes)
    {
        var taken = default(Taken);
        for (int slot = first; slot < first + count; slot++)
        {
            byte* packet = (byte*)batch.AddressOf(slot);
            int length = batch.LengthOf(slot);
            PacketOffload offload = batch.OffloadOf(slot);
            if (IsJoining)
                Take(packet, length, offload, ref taken);
            else
                WriteAlone(packet, length, offload, ref taken);
        }
        FlushAll(ref taken);
        bytes = taken.Bytes;
        return taken.Packets;
    }

    /// <summary>Frees the memory. No write may be under way.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_alone);
        NativeMemory.Free(_plain);
        _alone = null;
        _plain = null;
        foreach (CoalescedFlow flow in _flows)
            flow.Dispose();
    }

    private void Take(byte* packet, int length, in PacketOffload offload, ref Taken taken)
    {
        var bytes = new ReadOnlySpan<byte>(packet, length);
        if (!IpSegment.TryRead(bytes, out IpSegment parts))
        {
            // A fragment may be of any flow. The rest is rare enough to be treated alike.
            FlushAll(ref taken);
            WriteAlone(packet, length, offload, ref taken);
            return;
        }
        if (parts.Protocol == IpSegment.Udp && !JoinsUdp)
        {
            WriteAlone(packet, length, offload, ref taken);
            return;
        }
        int index = IndexOf(bytes, parts);
        bool isPartial = offload.Checksum == ChecksumState.Partial;
        bool isCandidate = offload.Kind == OffloadKind.None && CoalescedFlow.IsCandidate(bytes, parts)
            && parts.HasRightHeader(bytes) && (isPartial || parts.HasRightChecksum(bytes));
        if (index >= 0 && isCandidate && _flows[index].TryJoin(packet, length, parts, isPartial))
        {
            if (_flows[index].IsComplete)
                Flush(index, ref taken);
            return;
        }
        if (index >= 0)
            Flush(index, ref taken);
        if (!isCandidate || CoalescedFlow.EndsFlow(bytes, parts))
        {
            WriteAlone(packet, length, offload, ref taken);
            return;
        }
        if (_open == MaxFlows)
            Flush(0, ref taken);
        _flows[_open++].Begin(packet, length, parts, isPartial);
    }

    private int IndexOf(ReadOnlySpan<byte> packet, in IpSegment parts)
    {
        for (int i = 0; i < _open; i++)
        {
            if (_flows[i].Carries(packet, parts))
                return i;
        }
        return -1;
    }

    private void FlushAll(ref Taken taken)
    {
        while (_open > 0)
            Flush(0, ref taken);
    }

    private void Flush(int index, ref Taken taken)
    {
        CoalescedFlow flow = _flows[index];
        _open--;
        // The others keep their order; the one that is free now goes behind them.
        for (int i = index; i < _open; i++)
            _flows[i] = _flows[i + 1];
        _flows[_open] = flow;
        if (flow.Count == 1)
        {
            WriteAlone(flow.PacketAt(0, out int length), length, OffloadOf(flow), ref taken);
            return;
        }
        flow.Seal();
        int errno = _sink.Give(flow.Pieces, flow.PieceCount);
        if (errno == 0)
        {
            Joined++;
            taken.Add(flow.Count, flow.Bytes);
            return;
        }
        if (errno != KernelError.EINVAL)
            return; // the interface is down or its queue full: the same would meet each of them
        // Some kernels refuse what others take: nothing is lost by it but speed.
        IsJoining = false;
        flow.Unseal();
        for (int i = 0; i < flow.Count; i++)
            WriteAlone(flow.PacketAt(i, out int length), length, OffloadOf(flow), ref taken);
    }

    // Of each packet of the flow by itself.
    private static PacketOffload OffloadOf(CoalescedFlow flow) => flow.IsPartial
        ? new PacketOffload(
            OffloadKind.None, 0, ChecksumState.Partial, (ushort)flow.Parts.Transport, (ushort)flow.Parts.ChecksumOffset)
        : default;

    private void WriteAlone(byte* packet, int length, in PacketOffload offload, ref Taken taken)
    {
        int headerBytes = offload.Kind == OffloadKind.None ? 0 : HeaderBytes(new ReadOnlySpan<byte>(packet, length), offload);
        *_plain = VirtioNetHdr.From(offload, headerBytes);
        _alone[1] = new IoVec { iov_base = packet, iov_len = (nuint)length };
        if (_sink.Give(_alone, 2) == 0)
            taken.Add(1, length);
    }

    // 0 for one whose facts do not fit it, which the kernel refuses.
    private static int HeaderBytes(ReadOnlySpan<byte> packet, in PacketOffload offload) =>
        SuperPacket.TryRead(packet, offload, out SuperPacket super) ? super.HeaderBytes : 0;

    private struct Taken
    {
        public int Packets;
        public long Bytes;

        public void Add(int packets, long bytes)
        {
            Packets += packets;
            Bytes += bytes;
        }
    }
}
