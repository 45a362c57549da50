using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>Short ways to write and draw peers, routes and snapshots, for tests of routing policies.</summary>
public static class SampleRoutes
{
    /// <summary>The peer whose fingerprint begins with 1.</summary>
    public static readonly Fingerprint A = Id(1);

    /// <summary>The peer whose fingerprint begins with 2.</summary>
    public static readonly Fingerprint B = Id(2);

    /// <summary>The peer whose fingerprint begins with 3.</summary>
    public static readonly Fingerprint C = Id(3);

    /// <summary>A fingerprint by its first byte; the others are zero.</summary>
    public static Fingerprint Id(byte first)
    {
        byte[] bytes = new byte[Fingerprint.Length];
        bytes[0] = first;
        return new Fingerprint(bytes);
    }

    /// <summary>A peer.</summary>
    public static PeerFacts Peer(Fingerprint id, string name, bool connected = true) =>
        new() { Id = id, Name = name, Connected = connected };

    /// <summary>A direct route.</summary>
    public static RouteCandidate Route(string prefix, Fingerprint via) =>
        new() { Prefix = IpPrefix.Parse(prefix), NextHop = via, Origin = via };

    /// <summary>Routes among the connected peers A, B and C.</summary>
    public static RouteSnapshot Snapshot(params RouteCandidate[] routes) =>
        new(1, "corp", [.. routes], [Peer(A, "a"), Peer(B, "b"), Peer(C, "c")]);

    /// <summary>The same routes among other peers.</summary>
    public static RouteSnapshot Among(this RouteSnapshot snapshot, params PeerFacts[] peers) =>
        snapshot is null ? throw new ArgumentNullException(nameof(snapshot)) : snapshot with { Peers = [.. peers] };

    /// <summary>A candidate for one prefix out of few values, so that ties at every step come about.</summary>
    public static RouteCandidate Draw(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return Route("10.42.0.5/32", B) with
        {
            Source = (RouteSource)random.Next(4),
            Stale = random.Next(2) == 0,
            Preference = 100 + random.Next(2),
            Metric = 256 + (uint)random.Next(2),
            Relayed = random.Next(2) == 0,
            Path = random.Next(2) == 0 ? [] : [A],
            Origin = Id((byte)random.Next(3)),
            OriginSequence = (ulong)random.Next(2),
            NextHop = Id((byte)random.Next(1, 4)),
        };
    }

    /// <summary>The key of a TCP packet to an address.</summary>
    public static PacketKey To(IpAddress destination) => new(default, destination, 6, 1, 2, 0);

    /// <summary>As above, from text.</summary>
    public static PacketKey To(string destination) => To(IpAddress.Parse(destination));

    /// <summary>The one next hop for a destination, or null.</summary>
    public static Fingerprint? HopFor(IRouteLookup lookup, PacketKey key)
    {
        ImmutableArray<NextHop> hops = HopsFor(lookup, key);
        return hops.IsEmpty ? null : hops.Single().Peer;
    }

    /// <summary>All next hops for a packet.</summary>
    public static ImmutableArray<NextHop> HopsFor(IRouteLookup lookup, PacketKey key)
    {
        ArgumentNullException.ThrowIfNull(lookup);
        ushort[] groups = [ushort.MaxValue];
        lookup.Find([key], groups);
        return lookup.Groups[groups[0]].Hops;
    }
}
