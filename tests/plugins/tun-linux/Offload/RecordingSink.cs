using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>A kernel that keeps what it is given, and cuts super packets as the sending side of the plugin does.</summary>
internal sealed unsafe class RecordingSink : IPacketSink
{
    /// <summary>What comes of what was given, in its order.</summary>
    public List<byte[]> Packets { get; } = [];

    /// <summary>Writes that were super packets.</summary>
    public int Supers { get; private set; }

    public int Writes { get; private set; }

    /// <summary>What the kernel says to a super packet; 0 to take it.</summary>
    public int SuperErrno { get; set; }

    public int Give(IoVec* parts, int count)
    {
        Writes++;
        Assert.Equal((nuint)VirtioNetHdr.Size, parts[0].iov_len);
        VirtioNetHdr header = *(VirtioNetHdr*)parts[0].iov_base;
        byte[] packet = [.. Enumerable.Range(1, count - 1).SelectMany(i => new ReadOnlySpan<byte>(parts[i].iov_base, (int)parts[i].iov_len).ToArray())];
        if (header.gso_type == VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE)
        {
            Packets.Add(packet);
            return 0;
        }
        if (SuperErrno != 0)
            return SuperErrno;
        Supers++;
        Packets.AddRange(Cut(header, packet));
        return 0;
    }

    /// <summary>The packets that a super packet stands for.</summary>
    public static List<byte[]> Cut(VirtioNetHdr header, byte[] packet, int batchPackets = 64)
    {
        var found = new List<byte[]>();
        using var batch = new PacketBatch(batchPackets, 1 << 20);
        fixed (byte* bytes = packet)
        {
            var super = default(SuperPacket);
            Assert.True(super.TryBegin(header, bytes, packet.Length));
            while (super.IsPending)
            {
                batch.Clear();
                Assert.True(super.CutInto(batch) > 0);
                for (int i = 0; i < batch.Count; i++)
                    found.Add(batch.Packet(i).ToArray());
            }
        }
        return found;
    }
}
