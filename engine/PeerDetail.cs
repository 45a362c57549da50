using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>Everything about one peer.</summary>
/// <param name="Status">What the list of peers says of it too.</param>
public sealed record PeerDetail(PeerStatus Status)
{
    /// <summary>Since this connection agreed on its keys, or null when there is none.</summary>
    public TimeSpan? KeyAge { get; init; }

    /// <summary>Until this node renews the connection, or null when the peer does, or there is none.</summary>
    public TimeSpan? RenewsIn { get; init; }

    /// <summary>How long the peer is left alone because it went over its limits, or null.</summary>
    public TimeSpan? BarredFor { get; init; }

    /// <summary>Whether its routes are kept as a last choice although it is away.</summary>
    public bool RoutesHeld { get; init; }

    /// <summary>Why the last try or connection ended, or null.</summary>
    public CloseCode? LastCode { get; init; }

    /// <summary>The last errors, newest first; 8 at most.</summary>
    public ImmutableArray<PeerError> Errors { get; init; } = [];

    /// <summary>Its configured addresses, and what became of the last try of each.</summary>
    public ImmutableArray<AddressReport> Addresses { get; init; } = [];

    /// <summary>The networks it is configured for.</summary>
    public ImmutableArray<PeerNetwork> Networks { get; init; } = [];

    /// <summary>Routes accepted from it.</summary>
    public ImmutableArray<RouteStatus> Routes { get; init; } = [];
}

/// <summary>Something that went wrong with a peer.</summary>
/// <param name="Time">When, UTC.</param>
/// <param name="Text">What.</param>
public sealed record PeerError(DateTimeOffset Time, string Text);

/// <summary>One address of a peer.</summary>
/// <param name="Address">As configured.</param>
/// <param name="Time">When it was last tried, UTC, or null for never.</param>
/// <param name="Result">What became of that; empty when it was not tried.</param>
public sealed record AddressReport(string Address, DateTimeOffset? Time, string Result);

/// <summary>A peer in one of its networks.</summary>
/// <param name="Name">The network.</param>
/// <param name="Agreed">Whether packets of it pass: both ends are in it.</param>
public sealed record PeerNetwork(string Name, bool Agreed)
{
    /// <summary>Packets to the peer.</summary>
    public long PacketsOut { get; init; }

    /// <summary>Their bytes.</summary>
    public long BytesOut { get; init; }

    /// <summary>Packets from the peer.</summary>
    public long PacketsIn { get; init; }

    /// <summary>Their bytes.</summary>
    public long BytesIn { get; init; }

    /// <summary>Packets in both directions that were dropped, by reason; only reasons that occurred, sorted by code.</summary>
    public ImmutableArray<KeyValuePair<DropReason, long>> Drops { get; init; } = [];
}

/// <summary>What an order about a peer did, or why it could not.</summary>
/// <param name="Done">Whether it was carried out; otherwise there is no such peer, or it makes no sense for it.</param>
/// <param name="Text">One sentence.</param>
public sealed record PeerOrder(bool Done, string Text);

/// <summary>Why an announcement is not used.</summary>
/// <param name="By">Who refused it: <c>guard</c>, <c>rules</c>, <c>damping</c> or <c>plugin</c>.</param>
/// <param name="Reason">The stable code.</param>
/// <param name="Text">One sentence.</param>
/// <param name="Rule">What the configuration's rules said; empty when they were not asked.</param>
public sealed record RouteRefusal(string By, RouteReason Reason, string Text, string Rule);
