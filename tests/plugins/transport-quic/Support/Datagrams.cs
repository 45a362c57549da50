using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>A connection's sending side without a connection, and the other end's reading of its datagrams.</summary>
internal sealed unsafe class Datagrams : IDisposable
{
    private readonly HalfTable _halves = new(2_000);
    private readonly byte[] _room = new byte[4_001];

    public Datagrams(int limitBytes, int datagramBytes, int largestDatagram = 2_000)
    {
        Queue = new PacketQueue(limitBytes);
        Outbound = new OutboundDatagrams(Queue, largestDatagram) { DatagramBytes = datagramBytes };
    }

    public PacketQueue Queue { get; }

    public OutboundDatagrams Outbound { get; }

    /// <summary>What arrived, by network number, checksums complete.</summary>
    public Dictionary<int, List<byte[]>> Arrived { get; } = [];

    /// <summary>Datagrams of each kind that arrived.</summary>
    public int Partial { get; private set; }

    public int Halves { get; private set; }

    /// <summary>Puts packets of one flow, which has the network's number, into the queue.</summary>
    public void Append(ushort flow, long now, params (byte[] Packet, PacketOffload Facts)[] packets)
    {
        using var batch = new PacketBatch(packets.Length, packets.Sum(packet => packet.Packet.Length + 160));
        foreach ((byte[] packet, PacketOffload facts) in packets)
        {
            Assert.True(batch.TryAdd(packet, flow, facts));
            batch.SetFlow(batch.Count - 1, flow);
        }
        Assert.Equal(
            new SendResult(packets.Length, DropReason.None),
            Queue.Append(batch, 0, packets.Length, DatagramFraming.MaxPacket(Outbound.DatagramBytes), now));
    }

    /// <summary>The datagram whose turn it is, not yet accepted; null when nothing waits.</summary>
    public byte[]? Next(long now)
    {
        if (!Outbound.TryNext((ulong)now))
            return null;
        NgVec* parts = stackalloc NgVec[2];
        int length = Outbound.Frame(parts);
        byte[] datagram =
        [
            .. new ReadOnlySpan<byte>(parts[0].Base, (int)parts[0].Length), .. new ReadOnlySpan<byte>(parts[1].Base, (int)parts[1].Length),
        ];
        Assert.Equal(length, datagram.Length);
        Assert.InRange(length, 2, Outbound.DatagramBytes);
        return datagram;
    }

    /// <summary>Sends one datagram, which the other end reads.</summary>
    /// <returns>False when nothing waits.</returns>
    public bool Send(long now)
    {
        if (Next(now) is not { } datagram)
            return false;
        Outbound.OnAccepted();
        Receive(datagram);
        return true;
    }

    /// <summary>Completes the checksum of a packet that was marked as partial.</summary>
    /// <returns>1.</returns>
    public static int Complete(byte[] packet)
    {
        Assert.True(IpSegment.TryRead(packet, out IpSegment parts));
        PartialChecksum.Complete(packet, parts.Transport, parts.ChecksumOffset);
        return 1;
    }

    public void Dispose()
    {
        Outbound.Dispose();
        Queue.Dispose();
        _halves.Dispose();
    }

    private void Receive(byte[] datagram)
    {
        Assert.True(DatagramFraming.TryRead(datagram, out DatagramHeader header));
        byte[] packet = datagram[header.Length..];
        if (header.Part != DatagramPart.Whole)
        {
            Halves++;
            int length = _halves.Add(header, packet, _room);
            if (length == 0)
                return;
            packet = _room[..length];
        }
        if (header.IsPartial)
            Partial += Complete(packet);
        if (!Arrived.TryGetValue(header.Network, out List<byte[]>? list))
            Arrived.Add(header.Network, list = []);
        list.Add(packet);
    }
}
