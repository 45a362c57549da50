using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Trust;

/// <summary>All that is known about trust, of the configuration and of every trust plugin, in one sorted list.</summary>
/// <param name="Problems">Why a store cannot be used and what to do, one sentence each; empty when all are well.</param>
/// <param name="Entries">Sorted by state, then name, then fingerprint.</param>
/// <param name="Facts">What the engine knew at that moment.</param>
internal sealed record TrustBook(ImmutableArray<string> Problems, ImmutableArray<TrustEntry> Entries, TrustFacts Facts)
{
    /// <summary>Merges. A configured pin goes before a stored one, and what several plugins list is one entry.</summary>
    /// <param name="facts">The configured peers, and what the engine has seen of them.</param>
    /// <param name="listings">What each trust plugin lists, by its name, in order.</param>
    public static TrustBook Of(TrustFacts facts, ImmutableArray<(string Plugin, TrustListing Listing)> listings)
    {
        var entries = new Dictionary<(TrustState, string, Fingerprint), TrustEntry>();
        foreach (PeerIdentity peer in facts.Peers.Where(peer => peer.Configured is not null))
            Add(entries, Configured(peer));
        foreach ((string plugin, TrustListing listing) in listings)
        {
            foreach (TrustRecord record in listing.Records)
                Add(entries, Recorded(record, plugin, facts));
        }
        return new TrustBook(
            [.. listings.Where(each => !each.Listing.Healthy).Select(each => $"{each.Plugin}: {each.Listing.HealthText}")],
            [
                .. entries.Values.Select(entry => Label(entry, entries.Values))
                    .OrderBy(entry => entry.State).ThenBy(entry => entry.Peer, StringComparer.Ordinal).ThenBy(entry => entry.Fingerprint),
            ],
            facts);
    }

    /// <summary>The configured peer of this name, or null.</summary>
    public PeerIdentity? FindPeer(string name) => Facts.Peers.FirstOrDefault(peer => peer.Name == name);

    /// <summary>The certificates that a peer is known by now: by the configuration, by a pin, or by its present session.</summary>
    public ImmutableArray<Fingerprint> CertificatesOf(PeerIdentity peer) =>
    [
        .. Entries.Where(entry => entry.State == TrustState.Pinned && entry.Peer == peer.Name && !entry.IsVoid).Select(entry => entry.Fingerprint)
            .Concat(peer is { Shown: { } shown, Sessions: > 0 } ? [shown] : []).Distinct(),
    ];

    /// <summary>The public key of a certificate, where anybody has seen it; the default value otherwise.</summary>
    public Fingerprint KeyOf(Fingerprint certificate) =>
        Entries.FirstOrDefault(entry => entry.Fingerprint == certificate && !entry.PublicKey.IsEmpty)?.PublicKey
        ?? Facts.Peers.FirstOrDefault(peer => peer.Shown == certificate)?.PublicKey ?? default;

    private static void Add(Dictionary<(TrustState, string, Fingerprint), TrustEntry> entries, TrustEntry entry)
    {
        var key = (entry.State, entry.Peer, entry.Fingerprint);
        entries[key] = entries.TryGetValue(key, out TrustEntry? known) ? known.Join(entry) : entry;
    }

    private static TrustEntry Configured(PeerIdentity peer) => Seen(
        new TrustEntry(TrustState.Pinned, peer.Name, peer.Configured!.Value) { How = TrustEntry.ByConfiguration }, peer);

    private static TrustEntry Recorded(TrustRecord record, string plugin, TrustFacts facts)
    {
        var entry = new TrustEntry(record.State, record.Peer, record.Fingerprint)
        {
            PublicKey = record.PublicKey,
            FirstSeen = record.FirstSeen,
            LastSeen = record.LastSeen,
            How = record.How,
            Remote = record.Remote,
            Plugins = [plugin],
        };
        if (record.State != TrustState.Pinned)
            return entry;
        PeerIdentity? peer = facts.Peers.FirstOrDefault(each => each.Name == record.Peer);
        if (peer is null)
            return entry with { Void = "config.toml has no such peer" };
        return peer.Configured is { } pin && pin != record.Fingerprint
            ? entry with { Void = "config.toml has another fingerprint for it" }
            : Seen(entry, peer);
    }

    private static TrustEntry Seen(TrustEntry entry, PeerIdentity peer) => peer.Shown != entry.Fingerprint ? entry : entry with
    {
        PublicKey = entry.PublicKey.IsEmpty ? peer.PublicKey : entry.PublicKey,
        LastSeen = TrustEntry.Later(entry.LastSeen, peer.LastSeen),
        Remote = peer.Remote,
        Sessions = peer.Sessions,
    };

    // Denials have no name of their own: that of the peer whose certificate or key is denied says more than digits.
    private static TrustEntry Label(TrustEntry entry, IEnumerable<TrustEntry> all)
    {
        if (entry.State == TrustState.Conflict)
        {
            return entry with
            {
                Pinned = all.FirstOrDefault(each => each is { State: TrustState.Pinned, IsVoid: false } && each.Peer == entry.Peer)?.Fingerprint,
            };
        }
        return entry is not { State: TrustState.Denied, Peer: "" } ? entry : entry with
        {
            Peer = all.FirstOrDefault(each => each.State == TrustState.Pinned
                && (each.Fingerprint == entry.Fingerprint || each.PublicKey == entry.Fingerprint))?.Peer ?? "",
        };
    }
}

/// <summary>One certificate and where it stands.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Peer">The configured peer's name, or empty.</param>
/// <param name="Fingerprint">The certificate's fingerprint; of a denial perhaps the public key's.</param>
internal sealed record TrustEntry(TrustState State, string Peer, Fingerprint Fingerprint)
{
    /// <summary><see cref="How"/> of a pin in config.toml.</summary>
    public const string ByConfiguration = "configured";

    /// <summary>The public key's fingerprint; the default value where it was never seen.</summary>
    public Fingerprint PublicKey { get; init; }

    /// <summary>When it was first seen, or null where nobody notes it.</summary>
    public DateTimeOffset? FirstSeen { get; init; }

    /// <summary>When it was last seen, or null for never.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>How it came to be so.</summary>
    public required string How { get; init; }

    /// <summary>Where it is, or was last seen from; empty when it was not.</summary>
    public string Remote { get; init; } = "";

    /// <summary>The trust plugins that have it; none for a pin of config.toml alone.</summary>
    public ImmutableArray<string> Plugins { get; init; } = [];

    /// <summary>Connections open with it now.</summary>
    public int Sessions { get; init; }

    /// <summary>Of a conflict: what its peer is pinned to.</summary>
    public Fingerprint? Pinned { get; init; }

    /// <summary>Why a stored pin counts for nothing, or empty.</summary>
    public string Void { get; init; } = "";

    /// <summary>Whether it counts for nothing.</summary>
    public bool IsVoid => Void.Length > 0;

    /// <summary>The later of two moments.</summary>
    public static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) =>
        one is null || other > one ? other : one;

    /// <summary>The same certificate in the same place, of another source.</summary>
    public TrustEntry Join(TrustEntry other) => this with
    {
        PublicKey = PublicKey.IsEmpty ? other.PublicKey : PublicKey,
        FirstSeen = FirstSeen is null || other.FirstSeen < FirstSeen ? other.FirstSeen : FirstSeen,
        LastSeen = Later(LastSeen, other.LastSeen),
        How = How == other.How ? How : $"{How}, {other.How}",
        Remote = Remote.Length > 0 ? Remote : other.Remote,
        Plugins = [.. Plugins.Union(other.Plugins)],
    };
}
