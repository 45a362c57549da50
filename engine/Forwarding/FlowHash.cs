using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Forwarding;

/// <summary>Spreads flows over the hops of a group so that one flow's packets stay together.</summary>
/// <remarks>
/// Weighted rendezvous hashing: each hop draws a score from the flow and its own salt, and the highest wins.
/// When a hop goes, only its flows move; when it comes back, only those return.
/// </remarks>
internal static class FlowHash
{
    /// <summary>A number that all packets of a flow share.</summary>
    /// <param name="key">The packet's key.</param>
    /// <param name="fragment">A fragment counts without ports: later ones have none, and all must go one way.</param>
    public static ulong Of(in PacketKey key, FragmentPart fragment)
    {
        ulong ports = fragment == FragmentPart.Whole ? ((ulong)key.SourcePort << 16) | key.DestinationPort : 0;
        ulong hash = Mix(((ulong)key.Protocol << 32) | ports);
        hash = Mix(hash ^ (ulong)key.Source.Bits);
        hash = Mix(hash ^ (ulong)(key.Source.Bits >> 64));
        hash = Mix(hash ^ (ulong)key.Destination.Bits);
        return Mix(hash ^ (ulong)(key.Destination.Bits >> 64));
    }

    /// <summary>A hop's score for a flow: the highest of a group carries it.</summary>
    public static double Score(ulong flow, ulong salt, int weight)
    {
        // The upper 53 bits as a fraction strictly between 0 and 1; -w / ln(u) makes the shares follow the weights.
        double fraction = ((Mix(flow ^ salt) >> 11) + 0.5) * (1.0 / (1UL << 53));
        return weight / -Math.Log(fraction);
    }

    // The finaliser of SplitMix64: every input bit reaches every output bit.
    private static ulong Mix(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
