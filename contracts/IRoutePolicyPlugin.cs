using System.Collections.Immutable;

namespace VibePN.Contracts;

/// <summary>Role <c>routing</c>: decides which routes are taken, given and used. Pure over values.</summary>
/// <remarks>
/// Called on the engine's control thread, and before it is put in place also on another, one call at a time, never per
/// packet; it may be asked for things that then do not happen. Equal input gives equal output;
/// there is no I/O. <see cref="Compile"/> may take 50 ms at 10,000 routes; on overrun or exception the last good
/// lookup stays. Membership, sender-scoped withdraw, the inner source check, protection of our own addresses and
/// the hard caps are the engine's: it checks them before and after, whatever a policy says.
/// </remarks>
public interface IRoutePolicyPlugin : IPlugin
{
    /// <summary>Whether a peer's announcement is taken, and with which attributes.</summary>
    ImportVerdict Import(ImportRequest request);

    /// <summary>Whether one of our routes is announced to a peer, and with which metric.</summary>
    ExportVerdict Export(ExportRequest request);

    /// <summary>Turns all accepted candidates of one network into the table that packets use.</summary>
    /// <returns>Immutable, and safe for any number of threads.</returns>
    IRouteLookup Compile(RouteSnapshot snapshot);

    /// <summary>Which candidates of exactly this prefix carry packets and why the others do not, from the same code as <see cref="Compile"/>.</summary>
    /// <param name="snapshot">All that is known.</param>
    /// <param name="prefix">One of the snapshot's prefixes.</param>
    RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix);

    /// <summary>Why a packet goes where it goes, from the same code as <see cref="Compile"/>.</summary>
    RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet);
}

/// <summary>What a route's existence rests on. Lower is better in the total order.</summary>
public enum RouteSource
{
    /// <summary>Our own address or subnet.</summary>
    Connected = 0,

    /// <summary>Written in the configuration.</summary>
    Static = 1,

    /// <summary>Announced by a peer.</summary>
    Learned = 2,

    /// <summary>Announced by a peer of the predecessor's protocol.</summary>
    Legacy = 3,
}

/// <summary>One way to reach a prefix in one network.</summary>
public sealed record RouteCandidate
{
    /// <summary>What is reached.</summary>
    public required IpPrefix Prefix { get; init; }

    /// <summary>The peer to send to.</summary>
    public required Fingerprint NextHop { get; init; }

    /// <summary>The node that announced the prefix first; equal to the next hop on direct routes.</summary>
    public required Fingerprint Origin { get; init; }

    /// <summary>The origin's sequence number; newer is larger.</summary>
    public ulong OriginSequence { get; init; }

    /// <summary>Advertised metric plus link cost; 4,294,967,295 is infinity.</summary>
    public uint Metric { get; init; } = 256;

    /// <summary>Nodes between the origin and the next hop, at most 16.</summary>
    public ImmutableArray<Fingerprint> Path { get; init; } = [];

    /// <summary>Whether packets pass a relay.</summary>
    public bool Relayed { get; init; }

    /// <summary>What the route rests on.</summary>
    public RouteSource Source { get; init; } = RouteSource.Learned;

    /// <summary>The policy's own ranking; higher is better, 100 by default.</summary>
    public int Preference { get; init; } = 100;

    /// <summary>Kept after its session ended, for a peer that said it would be back.</summary>
    public bool Stale { get; init; }

    /// <summary>Labels that policies put on it, at most 8.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>How long it has been known, in whole seconds.</summary>
    public TimeSpan Age { get; init; }
}

/// <summary>A peer as policies see it. Link facts are quantised already: they change in steps, so a policy needs no clock.</summary>
public sealed record PeerFacts
{
    /// <summary>Who it is.</summary>
    public required Fingerprint Id { get; init; }

    /// <summary>The operator's label.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it has a connection that carries traffic.</summary>
    public bool Connected { get; init; }

    /// <summary>How long it has been connected without a break, in whole seconds; zero while it is not.</summary>
    public TimeSpan ConnectedFor { get; init; }

    /// <summary>How long ago its last break began, in whole seconds; null when it has not been lost since the daemon started.</summary>
    public TimeSpan? LostAgo { get; init; }

    /// <summary>Round trip in steps of 1 ms; zero when unknown.</summary>
    public TimeSpan RoundTrip { get; init; }

    /// <summary>Loss in steps of 5 of 1,000.</summary>
    public int LossPermille { get; init; }
}

/// <summary>Everything known about one network at one instant. Immutable.</summary>
/// <param name="Version">Grows with each change of the network.</param>
/// <param name="Network">The network's name.</param>
/// <param name="Candidates">All accepted candidates, sorted by prefix, then next hop.</param>
/// <param name="Peers">The members among the peers, sorted by fingerprint.</param>
/// <param name="MaxPaths">Most next hops of equal standing that one prefix may use at once, 1 to 8: the operator's <c>multipath</c>.</param>
public sealed record RouteSnapshot(
    long Version, string Network, ImmutableArray<RouteCandidate> Candidates, ImmutableArray<PeerFacts> Peers,
    int MaxPaths = 1);

/// <summary>What becomes of the candidates of one prefix.</summary>
/// <param name="Group">The next hops that carry packets; empty when none may.</param>
/// <param name="Verdicts">Every candidate of the prefix with why it was chosen or not, best first.</param>
public sealed record RouteSelection(NextHopGroup Group, ImmutableArray<CandidateVerdict> Verdicts);

/// <summary>A peer offers a route.</summary>
/// <param name="Network">The network's name.</param>
/// <param name="Peer">Who offers it.</param>
/// <param name="Candidate">What is offered.</param>
/// <param name="AcceptedFromPeer">Routes already accepted from this peer in this network.</param>
public sealed record ImportRequest(string Network, PeerFacts Peer, RouteCandidate Candidate, int AcceptedFromPeer);

/// <summary>The answer to an <see cref="ImportRequest"/>.</summary>
/// <param name="Candidate">The candidate with changed attributes, or null when refused. Prefix, next hop and origin must be unchanged.</param>
/// <param name="Reason">The stable code.</param>
/// <param name="Text">The verdict in one sentence.</param>
public sealed record ImportVerdict(RouteCandidate? Candidate, RouteReason Reason, string Text);

/// <summary>One of our own routes could be announced to a peer.</summary>
/// <param name="Network">The network's name.</param>
/// <param name="Peer">Who would learn it.</param>
/// <param name="Candidate">What would be announced.</param>
/// <param name="ConfiguredExport">Whether the configuration asks for it (own address with <c>export</c>, or <c>originate</c>).</param>
public sealed record ExportRequest(string Network, PeerFacts Peer, RouteCandidate Candidate, bool ConfiguredExport);

/// <summary>The answer to an <see cref="ExportRequest"/>.</summary>
/// <param name="Accepted">Whether the peer is told.</param>
/// <param name="Metric">The metric it is told.</param>
/// <param name="Reason">The stable code.</param>
/// <param name="Text">The verdict in one sentence.</param>
public sealed record ExportVerdict(bool Accepted, uint Metric, RouteReason Reason, string Text);

/// <summary>What a forwarding decision may look at: enough for policies per flow.</summary>
/// <param name="Source">Inner source address.</param>
/// <param name="Destination">Inner destination address.</param>
/// <param name="Protocol">IP protocol after extension headers, such as 6 for TCP.</param>
/// <param name="SourcePort">Source port of TCP or UDP; 0 when there is none or the packet is a later fragment.</param>
/// <param name="DestinationPort">Destination port, as above.</param>
/// <param name="TrafficClass">IPv4's TOS or IPv6's traffic class, all 8 bits.</param>
public readonly record struct PacketKey(
    IpAddress Source, IpAddress Destination, byte Protocol, ushort SourcePort, ushort DestinationPort, byte TrafficClass);

/// <summary>A compiled, immutable forwarding table of one network.</summary>
public interface IRouteLookup
{
    /// <summary>The groups that results index. The first (index 0) is empty and means "no route". At most 65,535.</summary>
    ImmutableArray<NextHopGroup> Groups { get; }

    /// <summary>
    /// How long the table is right when nothing else changes, from the snapshot it was compiled from; null for ever.
    /// A policy that waits for something (a hold-down, a fail-back delay) says here when it wants to compile again.
    /// </summary>
    TimeSpan? Lifetime => null;

    /// <summary>Looks up a batch of packets. Any thread, any number at once; no allocation, no exception.</summary>
    /// <param name="keys">The packets.</param>
    /// <param name="groups">Receives an index into <see cref="Groups"/> for each key; at least as long as <paramref name="keys"/>.</param>
    void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups);
}

/// <summary>Next hops of equal standing. The engine spreads flows over them by weight, never a flow's packets.</summary>
/// <param name="Hops">At most 8; empty means "no route".</param>
public sealed record NextHopGroup(ImmutableArray<NextHop> Hops);

/// <summary>A peer to send to.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Weight">Share among its group, 1 to 256.</param>
public readonly record struct NextHop(Fingerprint Peer, int Weight = 1);

/// <summary>A decision with all that led to it.</summary>
/// <param name="Chosen">The winning candidates; empty when there is no route.</param>
/// <param name="Considered">Every covering candidate with why it won or lost, best first.</param>
/// <param name="Text">The decision in one sentence.</param>
public sealed record RouteExplanation(
    ImmutableArray<RouteCandidate> Chosen, ImmutableArray<CandidateVerdict> Considered, string Text);

/// <summary>Why one candidate won or lost.</summary>
/// <param name="Candidate">The candidate.</param>
/// <param name="Reason">The step that decided.</param>
/// <param name="Text">The step in one sentence, with both values.</param>
public sealed record CandidateVerdict(RouteCandidate Candidate, RouteReason Reason, string Text);
