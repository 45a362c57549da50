using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>A packet as it lies in a batch, and as it is to be once its checksum is complete.</summary>
/// <param name="Bytes">The packet.</param>
/// <param name="Facts">What it is.</param>
/// <param name="Expected">What the other end is to see.</param>
internal sealed record Given(byte[] Bytes, PacketOffload Facts, byte[] Expected)
{
    /// <summary>Version, protocol, addresses and ports.</summary>
    public string Flow => FlowOf(Bytes);

    /// <summary>A packet that is complete.</summary>
    public static Given Complete(Segments segment) => Complete(segment.Build());

    /// <summary>Bytes that come out as they went in.</summary>
    public static Given Complete(byte[] packet) => new(packet, default, packet);

    /// <summary>A packet whose checksum is left to whoever sends it.</summary>
    public static Given Partial(Segments segment) => new(segment.BuildPartial(), segment.Facts(), segment.Build());

    /// <summary>A batch of them.</summary>
    public static PacketBatch BatchOf(IReadOnlyCollection<Given> packets)
    {
        var batch = new PacketBatch(packets.Count, packets.Sum(packet => packet.Bytes.Length + 64) + 256, headroom: 0);
        foreach (Given packet in packets)
            Assert.True(batch.TryAdd(packet.Bytes, offload: packet.Facts));
        return batch;
    }

    /// <summary>Version, protocol, addresses and ports.</summary>
    public static string FlowOf(byte[] packet) => packet[0] >> 4 == 6
        ? $"6 {packet[6]} {Convert.ToHexString(packet, 8, 36)}"
        : $"4 {packet[9]} {Convert.ToHexString(packet, 12, 12)}";

    /// <summary>
    /// The packet without what an IPv4 datagram that nobody may fragment is free to have: its number, and the header
    /// checksum that depends on it.
    /// </summary>
    public static byte[] WithoutFreeNumber(byte[] packet)
    {
        if (packet[0] >> 4 != 4 || packet[9] != 17 || (packet[6] & 0x40) == 0)
            return packet;
        Assert.Equal(0, Segments.Checksum(packet.AsSpan(0, (packet[0] & 0xF) * 4), 0));
        byte[] plain = [.. packet];
        plain[4] = plain[5] = plain[10] = plain[11] = 0;
        return plain;
    }
}
