using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine.Forwarding;

/// <summary>What one connection's network numbers mean: immutable, made when the peer's Hello is known.</summary>
/// <remarks>Made anew when a reload changes which networks the peer is a member of.</remarks>
internal sealed class InboundPort
{
    private readonly PeerPort?[] _ports = new PeerPort?[byte.MaxValue + 1];
    private readonly bool[] _agreed = new bool[byte.MaxValue + 1];

    /// <summary>Takes the numbers of the peer's Hello.</summary>
    /// <param name="numbers">
    /// The sender's number of each network it named, with the peer's port there, or null where the peer is no
    /// member or the network does not exist here.
    /// </param>
    public InboundPort(ImmutableArray<(byte Number, PeerPort? Port)> numbers)
    {
        foreach ((byte number, PeerPort? port) in numbers)
        {
            _ports[number] = port;
            _agreed[number] = true;
        }
    }

    /// <summary>The port that knows no network, for a connection that has not said Hello.</summary>
    public static InboundPort None { get; } = new([]);

    /// <summary>The peer's port in a network.</summary>
    /// <param name="number">What stands before the packet.</param>
    /// <param name="reason">Why there is none.</param>
    public PeerPort? Find(ushort number, out DropReason reason)
    {
        PeerPort? port = number < _ports.Length ? _ports[number] : null;
        reason = port is not null ? DropReason.None
            : number < _agreed.Length && _agreed[number] ? DropReason.NotAMember
            : DropReason.UnknownNetwork;
        return port;
    }
}
