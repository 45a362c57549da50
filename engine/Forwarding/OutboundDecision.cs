using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Forwarding;

/// <summary>Where one packet from the kernel goes: the peer and its connection, or why there is none.</summary>
/// <remarks>Decides for packets and for <c>route explain</c> alike. Allocates nothing; any thread.</remarks>
/// <param name="Port">The peer, or null.</param>
/// <param name="Active">Its connection, or null.</param>
/// <param name="Reason">Why there is none, or none.</param>
internal readonly record struct OutboundDecision(PeerPort? Port, ActiveConnection? Active, DropReason Reason)
{
    /// <summary>Whether a packet is looked up at all.</summary>
    /// <returns>Why not, or none.</returns>
    public static DropReason Admit(in PacketKey key, ForwardingTable table)
    {
        AddressClass destination = AddressClasses.Classify(key.Destination);
        if (destination is AddressClass.Multicast or AddressClass.Broadcast)
            return DropReason.NotUnicast;
        // The kernel keeps packets to its own addresses; one that comes out here would come straight back.
        return table.IsOwn(key.Destination) ? DropReason.BackToSender : DropReason.None;
    }

    /// <summary>Chooses among the hops that the lookup found.</summary>
    /// <param name="hops">The group's hops.</param>
    /// <param name="key">The packet.</param>
    /// <param name="fragment">Which part of a datagram it is.</param>
    public static OutboundDecision Choose(ReadOnlySpan<ForwardingTable.Hop> hops, in PacketKey key, FragmentPart fragment)
    {
        if (hops.IsEmpty)
            return new OutboundDecision(null, null, DropReason.NoRoute);
        if (hops.Length > 1)
            return ChooseByFlow(hops, FlowHash.Of(key, fragment));
        PeerPort port = hops[0].Port;
        return To(port, port.Active);
    }

    private static OutboundDecision ChooseByFlow(ReadOnlySpan<ForwardingTable.Hop> hops, ulong flow)
    {
        PeerPort? best = null;
        ActiveConnection? active = null;
        double highest = double.NegativeInfinity;
        foreach (ref readonly ForwardingTable.Hop hop in hops)
        {
            ActiveConnection? candidate = hop.Port.Active;
            if (candidate is null)
                continue; // its flows go to the others while it is away
            double score = FlowHash.Score(flow, hop.Salt, hop.Weight);
            if (score <= highest)
                continue;
            (best, active, highest) = (hop.Port, candidate, score);
        }
        return To(best, active);
    }

    private static OutboundDecision To(PeerPort? port, ActiveConnection? active) =>
        new(port, active, active is null ? DropReason.NoSession : DropReason.None);
}
