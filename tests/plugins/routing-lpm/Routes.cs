using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm.Tests;

/// <summary>Short ways to write peers, routes and snapshots.</summary>
internal static class Routes
{
    public static readonly Fingerprint A = Id(1);
    public static readonly Fingerprint B = Id(2);
    public static readonly Fingerprint C = Id(3);

    public static Fingerprint Id(byte first)
    {
        byte[] bytes = new byte[Fingerprint.Length];
        bytes[0] = first;
        return new Fingerprint(bytes);
    }

    public static PeerFacts Peer(Fingerprint id, string name, bool connected = true) =>
        new() { Id = id, Name = name, Connected = connected };

    public static RouteCandidate Route(string prefix, Fingerprint via) =>
        new() { Prefix = IpPrefix.Parse(prefix), NextHop = via, Origin = via };

    /// <summary>Routes among the connected peers A, B and C.</summary>
    public static RouteSnapshot Snapshot(params RouteCandidate[] routes) =>
        new(1, "corp", [.. routes], [Peer(A, "a"), Peer(B, "b"), Peer(C, "c")]);

    /// <summary>The same routes among other peers.</summary>
    public static RouteSnapshot Among(this RouteSnapshot snapshot, params PeerFacts[] peers) =>
        snapshot with { Peers = [.. peers] };

    public static async Task<LpmRoutePolicy> StartedAsync()
    {
        var policy = new LpmRoutePolicy(new FakeContext());
        await policy.StartAsync(CancellationToken.None);
        return policy;
    }

    public static PacketKey To(IpAddress destination) => new(default, destination, 6, 1, 2, 0);

    public static PacketKey To(string destination) => To(IpAddress.Parse(destination));

    /// <summary>The one next hop for a destination, or null.</summary>
    public static Fingerprint? HopFor(IRouteLookup lookup, PacketKey key)
    {
        ushort[] groups = [ushort.MaxValue];
        lookup.Find([key], groups);
        ImmutableArray<NextHop> hops = lookup.Groups[groups[0]].Hops;
        return hops.IsEmpty ? null : Assert.Single(hops).Peer;
    }
}
