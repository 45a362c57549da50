using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Packets;
using VibePN.Prefixes;

namespace VibePN.Engine.Forwarding;

/// <summary>Everything that decides where a network's packets go and how large they get, as one immutable value. Any thread.</summary>
/// <remarks>Made on the control thread whenever routes, members, addresses or the MTU changed.</remarks>
internal sealed class ForwardingTable
{
    private const ushort Behind = 1;
    private const ushort Own = 2;

    private readonly Hop[][] _groups;
    private readonly PrefixTable _local;

    private ForwardingTable(IRouteLookup lookup, Hop[][] groups, PrefixTable local, int tcpMtu)
    {
        Lookup = lookup;
        _groups = groups;
        _local = local;
        TcpMtu = tcpMtu;
    }

    /// <summary>The table that knows no route and no address.</summary>
    public static ForwardingTable Empty { get; } =
        Create(new NoRoutes(), FrozenDictionary<Fingerprint, PeerPort>.Empty, [], []);

    /// <summary>The policy's compiled lookup.</summary>
    public IRouteLookup Lookup { get; }

    /// <summary>The MTU that TCP is held to by <see cref="MssClamp"/>, in bytes.</summary>
    public int TcpMtu { get; }

    /// <summary>Builds a table.</summary>
    /// <param name="lookup">The policy's compiled lookup.</param>
    /// <param name="ports">The network's members. A next hop that is none of them is left out of its group.</param>
    /// <param name="ownAddresses">Our addresses in this network.</param>
    /// <param name="localPrefixes">What lies behind us: the prefixes we originate.</param>
    /// <param name="tcpMtu">The MTU that TCP is held to, in bytes.</param>
    public static ForwardingTable Create(
        IRouteLookup lookup,
        IReadOnlyDictionary<Fingerprint, PeerPort> ports,
        ImmutableArray<IpAddress> ownAddresses,
        ImmutableArray<IpPrefix> localPrefixes,
        int tcpMtu = MssClamp.NoLimit)
    {
        // The later of two equal entries counts: a prefix of one address that is our own stays our own.
        PrefixEntry[] local =
        [
            .. localPrefixes.Select(prefix => new PrefixEntry(prefix, Behind)),
            .. ownAddresses.Select(address => new PrefixEntry(IpPrefix.Host(address), Own)),
        ];
        Hop[][] groups = [.. lookup.Groups.Select(group => Resolve(group, ports))];
        return new ForwardingTable(lookup, groups, PrefixTable.Build(local), tcpMtu);
    }

    /// <summary>Whether the address is one of ours.</summary>
    public bool IsOwn(IpAddress address) => _local.Find(address) == Own;

    /// <summary>Whether the address is one of ours or lies behind us.</summary>
    public bool IsLocal(IpAddress address) => _local.Find(address) != 0;

    /// <summary>The hops of a group.</summary>
    /// <param name="group">What the lookup found; a number it has no group for is "no route".</param>
    public ReadOnlySpan<Hop> HopsOf(ushort group) => group < _groups.Length ? _groups[group] : [];

    private static Hop[] Resolve(NextHopGroup group, IReadOnlyDictionary<Fingerprint, PeerPort> ports)
    {
        var hops = new List<Hop>(group.Hops.Length);
        foreach (NextHop hop in group.Hops)
        {
            if (ports.TryGetValue(hop.Peer, out PeerPort? port))
                hops.Add(new Hop(port, Math.Clamp(hop.Weight, 1, 256), SaltOf(hop.Peer)));
        }
        return [.. hops];
    }

    // A fingerprint is a hash already: its first bytes are as good as any.
    private static ulong SaltOf(Fingerprint peer)
    {
        Span<byte> bytes = stackalloc byte[Fingerprint.Length];
        peer.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    /// <summary>One way within a group.</summary>
    /// <param name="Port">The peer to send to.</param>
    /// <param name="Weight">Its share, 1 to 256.</param>
    /// <param name="Salt">A number that is the peer's own, for the hash.</param>
    internal readonly record struct Hop(PeerPort Port, int Weight, ulong Salt);

    private sealed class NoRoutes : IRouteLookup
    {
        public ImmutableArray<NextHopGroup> Groups { get; } = [new NextHopGroup([])];

        public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups) => groups[..keys.Length].Clear();
    }
}
