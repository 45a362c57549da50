using System.Collections.Immutable;
using System.Net;

namespace VibePN.Contracts;

/// <summary>Role <c>trust</c>: decides whose certificates are believed.</summary>
/// <remarks>
/// Several trust plugins compose with AND. A fault or an overrun means refuse. Nothing is ever widened without
/// the operator: what a plugin has not accepted explicitly is refused.
/// </remarks>
public interface ITrustPlugin : IPlugin
{
    /// <summary>Judges a certificate inside the TLS handshake.</summary>
    /// <remarks>
    /// Any thread, several at once, microseconds, no I/O and no exception. A pure function of the request and of
    /// what <see cref="CommitAsync"/> and <see cref="ApplyAsync"/> made durable; listing a stranger as pending is
    /// the only trace it leaves, and that list is bounded.
    /// </remarks>
    TrustVerdict Decide(TrustRequest request);

    /// <summary>Makes a verdict with <see cref="TrustVerdict.NeedsCommit"/> durable. The engine awaits it before any traffic flows.</summary>
    /// <returns>A sentence saying why it could not be made durable, or null when it was: otherwise the connection is closed.</returns>
    ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken);

    /// <summary>What is pinned, pending and denied, and the store's health. Any thread.</summary>
    TrustListing List();

    /// <summary>Carries out an operator's order. Called one at a time.</summary>
    /// <remarks>Every trust plugin gets every order; one that cannot carry it out says so and changes nothing.</remarks>
    /// <returns>Whether it was done, in one sentence.</returns>
    ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken);

    /// <summary>Says what <see cref="ApplyAsync"/> would do with an order, and changes nothing. Any thread.</summary>
    /// <returns>Whether it would be done, in one sentence.</returns>
    TrustResult Plan(TrustOrder order) => new(Done: false, "This plugin cannot say beforehand what it would do.");

    /// <summary>Raised on any thread when verdicts may have changed: the engine judges its live sessions again.</summary>
    event Action? Changed;
}

/// <summary>A peer as the configuration has it.</summary>
/// <param name="Name">The operator's label, unique in the configuration.</param>
/// <param name="Fingerprint">The enforced pin, or null.</param>
/// <param name="Dialable">Whether the configuration gives an address: whether we dial it.</param>
public sealed record ConfiguredPeer(string Name, Fingerprint? Fingerprint, bool Dialable);

/// <summary>A certificate to judge, with all a judge may look at. Immutable.</summary>
public sealed record TrustRequest
{
    /// <summary>SHA-256 of the certificate: who the peer would be.</summary>
    public required Fingerprint Fingerprint { get; init; }

    /// <summary>SHA-256 of the certificate's SubjectPublicKeyInfo: denials match it too.</summary>
    public required Fingerprint PublicKey { get; init; }

    /// <summary>The whole leaf certificate, DER.</summary>
    public required ReadOnlyMemory<byte> CertificateDer { get; init; }

    /// <summary>First instant of the certificate's validity.</summary>
    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>Last instant of the certificate's validity.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Which end we are.</summary>
    public required ConnectionRole Role { get; init; }

    /// <summary>The configured peer that we dialled; null when the peer dialled us.</summary>
    public ConfiguredPeer? Dialled { get; init; }

    /// <summary>All configured peers.</summary>
    public required ImmutableArray<ConfiguredPeer> Peers { get; init; }

    /// <summary>The ALPN agreed on.</summary>
    public required string Protocol { get; init; }

    /// <summary>Where the peer's packets come from.</summary>
    public required IPEndPoint Remote { get; init; }

    /// <summary>The wall clock now; while it cannot be trusted, the time that must have passed at least.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>
    /// False when the clock stands before the build or before a time it has shown already, or leapt ahead by more
    /// than a year: nothing new is trusted then.
    /// </summary>
    public bool ClockTrusted { get; init; } = true;

    /// <summary>
    /// Whether the certificate was not shown just now: a peer that was accepted is judged again. A refusal ends its
    /// session and lists no stranger.
    /// </summary>
    public bool IsReview { get; init; }
}

/// <summary>How a judgement ends.</summary>
public enum TrustOutcome
{
    /// <summary>The handshake fails.</summary>
    Refuse = 0,

    /// <summary>The peer is who it should be.</summary>
    Accept = 1,

    /// <summary>Refused for now, and listed for the operator.</summary>
    Pending = 2,
}

/// <summary>A judgement.</summary>
/// <param name="Outcome">Accept, refuse or pending; pending fails the handshake too.</param>
/// <param name="Peer">The name of the configured peer this certificate belongs to, when accepted.</param>
/// <param name="Reason">The stable code.</param>
/// <param name="Text">The judgement in one sentence.</param>
/// <param name="Until">When the engine must ask again; null for the certificate's own end.</param>
/// <param name="NeedsCommit">Whether <see cref="ITrustPlugin.CommitAsync"/> must succeed before traffic flows.</param>
public sealed record TrustVerdict(
    TrustOutcome Outcome, string? Peer, TrustReason Reason, string Text,
    DateTimeOffset? Until = null, bool NeedsCommit = false);

/// <summary>What a trust plugin knows. Immutable, sorted.</summary>
/// <param name="Healthy">False when the store cannot be read or written: nothing new is trusted.</param>
/// <param name="HealthText">Why not healthy and what to do, or a plain "ok".</param>
/// <param name="Records">Pins, pending strangers and denials, sorted by state, then name, then fingerprint.</param>
public sealed record TrustListing(bool Healthy, string HealthText, ImmutableArray<TrustRecord> Records);

/// <summary>Where a certificate stands.</summary>
public enum TrustState
{
    /// <summary>Accepted.</summary>
    Pinned = 0,

    /// <summary>Shown by a stranger, refused, waiting for the operator.</summary>
    Pending = 1,

    /// <summary>Shown by a peer that is pinned to another one: refused.</summary>
    Conflict = 2,

    /// <summary>Denied by the operator.</summary>
    Denied = 3,
}

/// <summary>One line of a <see cref="TrustListing"/>.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Peer">The configured peer's name, or empty for a stranger.</param>
/// <param name="Fingerprint">The certificate's fingerprint.</param>
/// <param name="PublicKey">The public key's fingerprint.</param>
/// <param name="FirstSeen">When it was first seen, UTC.</param>
/// <param name="LastSeen">When it was last seen, UTC.</param>
/// <param name="How">How it came to be so: <c>configured</c>, <c>first use</c>, <c>operator</c>, <c>verified</c>, <c>inbound</c>, <c>dialled</c>.</param>
/// <param name="Remote">Where it was last seen from, or empty.</param>
public sealed record TrustRecord(
    TrustState State, string Peer, Fingerprint Fingerprint, Fingerprint PublicKey,
    DateTimeOffset FirstSeen, DateTimeOffset LastSeen, string How, string Remote);

/// <summary>What an operator can order.</summary>
public enum TrustAction
{
    /// <summary>Pin this certificate to this configured peer.</summary>
    Accept = 0,

    /// <summary>Never accept this certificate or its key.</summary>
    Deny = 1,

    /// <summary>Replace the peer's pin: both old and new fingerprint must be given.</summary>
    Replace = 2,

    /// <summary>Forget what is stored about it.</summary>
    Forget = 3,

    /// <summary>Note that both operators have compared this certificate, which the named peer is known by already.</summary>
    Verify = 4,
}

/// <summary>An operator's order.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Peer">The configured peer's name, where the action needs one.</param>
/// <param name="Fingerprint">The certificate (or for a denial the public key) meant.</param>
/// <param name="Previous">The pin being replaced, for <see cref="TrustAction.Replace"/>.</param>
public sealed record TrustOrder(TrustAction Action, string? Peer, Fingerprint Fingerprint, Fingerprint? Previous = null)
{
    /// <summary>The certificate's public key where the node has seen it, so that a denial holds for every copy; the default value otherwise.</summary>
    public Fingerprint PublicKey { get; init; }
}

/// <summary>What became of a <see cref="TrustOrder"/>.</summary>
/// <param name="Done">Whether it is done and durable.</param>
/// <param name="Text">What happened, or why not and what to do.</param>
public sealed record TrustResult(bool Done, string Text);
