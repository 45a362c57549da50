using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine;

/// <summary>What is to change in a running engine, all of it or nothing.</summary>
public sealed record EngineChange
{
    /// <summary>Another configuration, or null to keep the present one.</summary>
    public EngineConfiguration? Configuration { get; init; }

    /// <summary>Another routing policy, started, or null.</summary>
    public IRoutePolicyPlugin? Routing { get; init; }

    /// <summary>All trust plugins from now on, started, or null.</summary>
    public ImmutableArray<ITrustPlugin>? Trust { get; init; }

    /// <summary>Gives running plugins their new settings; called on the control thread in the moment of the change.</summary>
    public Action? OnCommit { get; init; }
}

/// <summary>A change that has opened all it needs and waits for its commit.</summary>
public sealed class PreparedChange
{
    internal PreparedChange(EngineChange change) => Change = change;

    internal EngineChange Change { get; }

    internal Node.PreparedReload? Reload { get; set; }
}

/// <summary>What a change did beyond what its plan says.</summary>
/// <param name="Took">How long the control thread was busy with it.</param>
/// <param name="EndedSessions">The peers whose sessions the trust plugins no longer accept, with why; sorted.</param>
public sealed record ChangeResult(TimeSpan Took, ImmutableArray<SessionEnd> EndedSessions);

/// <summary>What a change would do.</summary>
/// <param name="Routes">Destinations that would take another way.</param>
/// <param name="EndedSessions">Sessions that would end.</param>
public sealed record ChangePreview(ImmutableArray<RouteChange> Routes, ImmutableArray<SessionEnd> EndedSessions);

/// <summary>A destination that takes another way.</summary>
/// <param name="Network">The network.</param>
/// <param name="Prefix">The destination: this prefix without the longer ones that are known.</param>
/// <param name="Before">The names of its next hops, or <c>unreachable</c>.</param>
/// <param name="After">The same, after the change.</param>
public sealed record RouteChange(string Network, IpPrefix Prefix, string Before, string After);

/// <summary>A session that ends.</summary>
/// <param name="Peer">The peer's name.</param>
/// <param name="Reason">Why, in one clause.</param>
public sealed record SessionEnd(string Peer, string Reason);
