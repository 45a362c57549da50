using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>A kernel that keeps what it is given, cuts super packets, and completes checksums that are partial.</summary>
internal sealed unsafe class RecordingSink : IPacketSink
{
    // linux/udp.h: UDP_MAX_SEGMENTS, before 6.9.
    private const int MostDatagrams = 64;

    /// <summary>What comes of what was given, in its order.</summary>
    public List<byte[]> Packets { get; } = [];

    /// <summary>The facts of each super packet.</summary>
    public List<PacketOffload> Supers { get; } = [];

    public int Writes { get; private set; }

    /// <summary>What the kernel says to a super packet; 0 to take it.</summary>
    public int SuperErrno { get; set; }

    public int Give(IoVec* parts, int count)
    {
        Writes++;
        Assert.Equal((nuint)VirtioNetHdr.Size, parts[0].iov_len);
        VirtioNetHdr header = *(VirtioNetHdr*)parts[0].iov_base;
        PacketOffload offload = header.ToOffload();
        byte[] packet = [.. Enumerable.Range(1, count - 1).SelectMany(i => new ReadOnlySpan<byte>(parts[i].iov_base, (int)parts[i].iov_len).ToArray())];
        if (offload.Kind == OffloadKind.None)
        {
            Packets.Add(packet);
            if (offload.Checksum == ChecksumState.Partial)
                PartialChecksum.Complete(packet, offload.ChecksumStart, offload.ChecksumOffset);
            return 0;
        }
        if (SuperErrno != 0)
            return SuperErrno;
        Supers.Add(offload);
        Assert.True(SuperPacket.TryRead(packet, offload, out SuperPacket super));
        Assert.Equal(super.HeaderBytes, header.hdr_len);
        Assert.Equal(super.Parts.ChecksumOffset, offload.ChecksumOffset);
        Assert.True(IpSegment.TryRead(packet, out IpSegment whole), "Its lengths are not those of all together.");
        Assert.Equal(super.Parts, whole);
        if (offload.Kind == OffloadKind.Udp)
            Assert.InRange(super.Count, 2, MostDatagrams);
        Packets.AddRange(CutAll(packet, super));
        return 0;
    }

    /// <summary>The packets that a super packet stands for.</summary>
    public static IEnumerable<byte[]> CutAll(byte[] packet, SuperPacket super)
    {
        byte[] room = new byte[super.LargestPacket];
        return Enumerable.Range(0, super.Count).Select(i => room[..super.Cut(packet, i, room)]);
    }
}
