using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>What the engine knows of who its peers are.</summary>
/// <param name="Peers">The configured peers, by name.</param>
/// <param name="Ends">How many sessions have ended because trust in the peer did; for <see cref="OverlayEngine.JudgeTrustAsync"/>.</param>
public sealed record TrustFacts(ImmutableArray<PeerIdentity> Peers, long Ends);

/// <summary>Who a configured peer is.</summary>
/// <param name="Name">The operator's label.</param>
/// <param name="Configured">The fingerprint that the configuration enforces, or null.</param>
/// <param name="Dialable">Whether we dial it.</param>
public sealed record PeerIdentity(string Name, Fingerprint? Configured, bool Dialable)
{
    /// <summary>The certificate it was let in with since this start; null before.</summary>
    public Fingerprint? Shown { get; init; }

    /// <summary>That certificate's public key; the default value before.</summary>
    public Fingerprint PublicKey { get; init; }

    /// <summary>Connections open now.</summary>
    public int Sessions { get; init; }

    /// <summary>When it was last heard, UTC, or null for never.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Where it is, or was let in from last; empty before.</summary>
    public string Remote { get; init; } = "";
}
