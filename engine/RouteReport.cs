using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>Where would a packet go, and why?</summary>
/// <param name="Destination">Where to.</param>
/// <param name="Network">In which network, or null: the one whose subnet or routes cover the destination most closely.</param>
/// <param name="Source">From where, or null: from this node. An address behind a peer asks about a packet from that peer.</param>
public sealed record RouteQuestion(IpAddress Destination, string? Network = null, IpAddress? Source = null);

/// <summary>The answer to a <see cref="RouteQuestion"/>.</summary>
/// <param name="Report">The explanation, or null when there can be none.</param>
/// <param name="Problem">Why there can be none, and what to do; empty otherwise.</param>
public sealed record RouteAnswer(RouteReport? Report, string Problem = "");

/// <summary>Why a packet goes where it goes, made by the code that decides it.</summary>
public sealed record RouteReport
{
    /// <summary>The destination.</summary>
    public required IpAddress Destination { get; init; }

    /// <summary>The source that the decision was made for.</summary>
    public required IpAddress Source { get; init; }

    /// <summary>The network.</summary>
    public required string Network { get; init; }

    /// <summary>Whether the packet was taken to come from a peer, and not from this node.</summary>
    public bool Inbound { get; init; }

    /// <summary>Version of the routes that the table in use was compiled from.</summary>
    public long TableVersion { get; init; }

    /// <summary>How old the table is.</summary>
    public TimeSpan TableAge { get; init; }

    /// <summary>The prefix that decided, or null.</summary>
    public IpPrefix? Matched { get; init; }

    /// <summary>Other prefixes that hold the destination, longest first: announced to us, refused ones too.</summary>
    public ImmutableArray<IpPrefix> Covering { get; init; } = [];

    /// <summary>Every announcement that holds the destination: the chosen first, then the losers, then what was refused.</summary>
    public ImmutableArray<RouteCandidateReport> Candidates { get; init; } = [];

    /// <summary>The routing policy's sentence.</summary>
    public string PolicyText { get; init; } = "";

    /// <summary>The check on the source, or null when none was asked for.</summary>
    public SourceReport? SourceCheck { get; init; }

    /// <summary>The next hops of the table's group, in its order.</summary>
    public ImmutableArray<EgressReport> Egress { get; init; } = [];

    /// <summary>Who gets the packet, or null.</summary>
    public Fingerprint? Peer { get; init; }

    /// <summary>Why it would be dropped, or none.</summary>
    public DropReason Drop { get; init; }

    /// <summary>Why the destination is this node's own business; empty when it is not.</summary>
    public string Local { get; init; } = "";

    /// <summary>The outcome in one sentence.</summary>
    public string Verdict { get; init; } = "";

    /// <summary>What does not fit together: the table and the policy's words disagree, or the table is out of date. Empty when all is well.</summary>
    public string Fault { get; init; } = "";
}

/// <summary>One announcement and what became of it.</summary>
public sealed record RouteCandidateReport
{
    /// <summary>What was announced.</summary>
    public required IpPrefix Prefix { get; init; }

    /// <summary>By whom.</summary>
    public required Fingerprint Peer { get; init; }

    /// <summary>The peer's label, or its fingerprint's first digits.</summary>
    public required string PeerName { get; init; }

    /// <summary>The metric as announced.</summary>
    public uint Announced { get; init; }

    /// <summary>The candidate with what rules and policy made of it, or null when it was refused.</summary>
    public RouteCandidate? Candidate { get; init; }

    /// <summary>Whether packets take it.</summary>
    public bool Chosen { get; init; }

    /// <summary>The step that decided.</summary>
    public RouteReason Reason { get; init; }

    /// <summary>The step in one sentence.</summary>
    public string Text { get; init; } = "";

    /// <summary>Who refused it: <c>guard</c>, <c>rules</c>, <c>damping</c> or <c>plugin</c>; empty when it was accepted.</summary>
    public string RefusedBy { get; init; } = "";

    /// <summary>What the configuration's rules said; empty when they were not asked.</summary>
    public string Rule { get; init; } = "";

    /// <summary>Its penalty for coming and going; 0 when it is quiet.</summary>
    public double Penalty { get; init; }

    /// <summary>How long it still is left unused for that, or null.</summary>
    public TimeSpan? DampedFor { get; init; }
}

/// <summary>Whether a packet with a source would be let in, were it to come from a peer.</summary>
/// <param name="Source">The source.</param>
/// <param name="Peers">Labels of the peers that may use it in this network; empty when none may.</param>
/// <param name="Own">Whether it is this node's own, or lies behind it: then no peer may.</param>
/// <param name="Text">The check in one sentence.</param>
public sealed record SourceReport(IpAddress Source, ImmutableArray<string> Peers, bool Own, string Text);

/// <summary>One next hop of the group that the table holds.</summary>
/// <param name="Peer">Who.</param>
/// <param name="PeerName">Its label.</param>
/// <param name="Weight">Its share of the group.</param>
/// <param name="State"><c>up</c> when it carries packets of this network now, or what the peer is doing instead.</param>
/// <param name="Path">The connection's path, or null.</param>
/// <param name="Taken">Whether this packet goes there.</param>
public sealed record EgressReport(
    Fingerprint Peer, string PeerName, int Weight, string State, PathFacts? Path, bool Taken);
