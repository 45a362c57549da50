using VibePN.Contracts;
using VibePN.Offload;

namespace VibePN.Engine.Packets;

/// <summary>What can be said of a packet's offload facts from its own headers.</summary>
internal static class OffloadFacts
{
    /// <summary>How many packets a slot of a batch stands for.</summary>
    public static int PacketsOf(PacketBatch batch, int slot)
    {
        PacketOffload offload = batch.OffloadOf(slot);
        return offload.Kind != OffloadKind.None && SuperPacket.TryRead(batch.Packet(slot), offload, out SuperPacket super)
            ? super.Count
            : 1;
    }

    /// <summary>Where the checksum of a packet lies that has a partial one.</summary>
    /// <param name="key">The packet's key.</param>
    /// <param name="facts">Where its parts lie.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="offload">Its facts.</param>
    /// <returns>False when it has none that could be completed: neither whole TCP nor whole UDP.</returns>
    public static bool TryLocateChecksum(in PacketKey key, in IpFacts facts, int length, out PacketOffload offload)
    {
        int offset = key.Protocol switch { IpProtocol.Tcp => 16, IpProtocol.Udp => 6, _ => 0 };
        offload = new PacketOffload(OffloadKind.None, 0, ChecksumState.Partial, facts.TransportOffset, (ushort)offset);
        return offset > 0 && facts.Fragment == FragmentPart.Whole && PartialChecksum.Fits(offload, length);
    }
}
