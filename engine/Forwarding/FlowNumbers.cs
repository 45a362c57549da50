using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Forwarding;

/// <summary>Numbers the flows of a network for queues that are fair to them: packets of one flow have one number.</summary>
/// <remarks>
/// Later fragments have no ports, so a flow that sends whole datagrams and fragments would have two numbers, and its
/// packets could overtake each other. Between two hosts that fragment, ports therefore do not count any more, except
/// for TCP, which does not fragment. Owned by the device's reader thread; remembers 256 bits, and never forgets one.
/// </remarks>
internal sealed class FlowNumbers
{
    private readonly bool[] _fragments = new bool[256];

    /// <summary>The number of a packet's flow.</summary>
    public ushort Of(in PacketKey key, FragmentPart fragment)
    {
        if (key.Protocol == IpProtocol.Tcp && fragment == FragmentPart.Whole)
            return (ushort)FlowHash.Of(key, fragment);
        ulong hosts = FlowHash.Of(key, FragmentPart.Later);
        ref bool fragments = ref _fragments[hosts & 0xFF];
        fragments |= fragment != FragmentPart.Whole;
        return (ushort)(fragments ? hosts : FlowHash.Of(key, fragment));
    }
}
