using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Configuration;
using VibePN.Host.Logging;

namespace VibePN.Host.Trust;

/// <summary>Makes plugin orders of what an operator said: finds who is meant, and refuses what would mean nothing. Pure.</summary>
internal static class TrustOrders
{
    /// <summary>The shortest beginning of a fingerprint that may stand for the whole when something is only shown.</summary>
    public const int ShortestPrefix = 16;

    private const int MaxNames = 20;

    /// <summary>The orders that carry out a wish.</summary>
    /// <param name="wish">What the operator said.</param>
    /// <param name="book">What there is.</param>
    /// <param name="self">This node.</param>
    /// <param name="problem">Why there are none.</param>
    public static ImmutableArray<TrustOrder> Of(TrustWish wish, TrustBook book, Fingerprint self, out TrustAnswer problem)
    {
        (ImmutableArray<TrustOrder> orders, TrustAnswer? why) = wish.Action switch
        {
            TrustAction.Accept => Accept(wish, book, self),
            TrustAction.Replace => Replace(wish, book, self),
            TrustAction.Deny => Deny(wish, book, self),
            _ => Forget(wish, book),
        };
        problem = why ?? new TrustAnswer(ControlError.None, "");
        return orders;
    }

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) Accept(TrustWish wish, TrustBook book, Fingerprint self)
    {
        if (!Fingerprint.TryParse(wish.Subject, out Fingerprint fingerprint))
            return No(ControlError.BadRequest, NotWhole(wish.Subject));
        if (fingerprint == self)
            return No(ControlError.BadRequest, "That is this node's own certificate.");
        string? name = wish.Peer ?? book.Entries
            .FirstOrDefault(entry => entry.State == TrustState.Pending && entry.Fingerprint == fingerprint && entry.Peer.Length > 0)?.Peer;
        if (name is null)
            return No(ControlError.BadRequest, $"Say which peer of config.toml this certificate belongs to (--peer NAME). {WithoutPin(book)}");
        if (book.FindPeer(name) is not { } peer)
            return No(ControlError.NotFound, NoPeer(name, book));
        if (Overruled(peer, fingerprint) is { } overruled)
            return No(ControlError.Conflict, overruled);
        return Yes(Order(TrustAction.Accept, name, fingerprint, book));
    }

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) Replace(TrustWish wish, TrustBook book, Fingerprint self)
    {
        if (!Fingerprint.TryParse(wish.To, out Fingerprint to))
            return No(ControlError.BadRequest, "'to': " + NotWhole(wish.To));
        if (!Fingerprint.TryParse(wish.From, out Fingerprint from))
            return No(ControlError.BadRequest, "'from': " + NotWhole(wish.From));
        if (to == self)
            return No(ControlError.BadRequest, "The new fingerprint is this node's own.");
        if (to == from)
            return No(ControlError.BadRequest, "Old and new fingerprint are the same.");
        if (book.FindPeer(wish.Subject) is not { } peer)
            return No(ControlError.NotFound, NoPeer(wish.Subject, book));
        if (Overruled(peer, to) is { } overruled)
            return No(ControlError.Conflict, overruled);
        return Yes(Order(TrustAction.Replace, peer.Name, to, book) with { Previous = from });
    }

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) Deny(TrustWish wish, TrustBook book, Fingerprint self)
    {
        if (Fingerprint.TryParse(wish.Subject, out Fingerprint fingerprint))
        {
            return fingerprint == self
                ? No(ControlError.BadRequest, "That is this node's own certificate.")
                : Yes(Order(TrustAction.Deny, null, fingerprint, book));
        }
        if (book.FindPeer(wish.Subject) is not { } peer)
            return No(ControlError.NotFound, NeitherNameNorWhole(wish.Subject, book));
        ImmutableArray<Fingerprint> certificates = book.CertificatesOf(peer);
        return certificates.IsEmpty
            ? No(ControlError.NotFound, $"'{peer.Name}' has no pin and is not connected, so there is nothing to deny. "
                + "Deny its fingerprint, or take the peer out of config.toml.")
            : ([.. certificates.Select(certificate => Order(TrustAction.Deny, peer.Name, certificate, book))], null);
    }

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) Forget(TrustWish wish, TrustBook book)
    {
        if (Fingerprint.TryParse(wish.Subject, out Fingerprint fingerprint))
            return Yes(new TrustOrder(TrustAction.Forget, null, fingerprint));
        TrustEntry[] stored = [.. book.Entries.Where(entry => entry.Peer == wish.Subject && entry.State != TrustState.Denied && entry.Plugins.Length > 0)];
        if (stored.Length == 0 && book.FindPeer(wish.Subject) is { } peer)
        {
            return No(ControlError.NotFound, peer.Configured is null
                ? $"Nothing is stored about '{peer.Name}'."
                : $"Nothing is stored about '{peer.Name}': its fingerprint stands in config.toml, and is removed there.");
        }
        if (stored.Length == 0)
            return No(ControlError.NotFound, NeitherNameNorWhole(wish.Subject, book));
        return
        (
            [
                .. stored.Where(entry => entry.State == TrustState.Pinned).Take(1).Select(entry => new TrustOrder(TrustAction.Forget, entry.Peer, default)),
                .. stored.Where(entry => entry.State != TrustState.Pinned).Select(entry => new TrustOrder(TrustAction.Forget, null, entry.Fingerprint)),
            ],
            null
        );
    }

    /// <summary>The entries that a name, a fingerprint or the beginning of one stands for.</summary>
    /// <param name="text">What the operator said.</param>
    /// <param name="book">What there is.</param>
    /// <param name="problem">Why there is none.</param>
    public static ImmutableArray<TrustEntry> Find(string text, TrustBook book, out TrustAnswer problem)
    {
        problem = new TrustAnswer(ControlError.None, "");
        ImmutableArray<TrustEntry> named = [.. book.Entries.Where(entry => entry.Peer == text && text.Length > 0)];
        if (!named.IsEmpty)
            return named;
        if (book.FindPeer(text) is { } peer)
        {
            problem = new TrustAnswer(ControlError.NotFound, peer.Dialable
                ? $"Nothing is known about '{peer.Name}' yet: it has no fingerprint in config.toml and has not been met."
                : $"Nothing is known about '{peer.Name}' yet, and it is not dialled: accept its certificate when it is pending.");
            return [];
        }
        string digits = text.ToLowerInvariant();
        if (digits.Length is < ShortestPrefix or > 2 * Fingerprint.Length || !digits.All(char.IsAsciiHexDigitLower))
        {
            problem = new TrustAnswer(ControlError.NotFound,
                $"'{Shorten(text)}' is neither a peer's name nor a fingerprint of at least {ShortestPrefix} digits. {Names(book)}");
            return [];
        }
        ImmutableArray<TrustEntry> found = [.. book.Entries.Where(entry => Begins(entry.Fingerprint, digits) || Begins(entry.PublicKey, digits))];
        Fingerprint[] different = [.. found.Select(entry => entry.Fingerprint).Distinct()];
        if (different.Length == 1)
            return found;
        problem = different.Length == 0
            ? new TrustAnswer(ControlError.NotFound, $"No certificate or key is known that begins with {digits}.")
            : new TrustAnswer(ControlError.Conflict, $"{different.Length} certificates begin with {digits}: {string.Join(", ", different.Take(MaxNames))}.");
        return [];
    }

    /// <summary>Why a name stands for no peer, with those that there are; null when it stands for one.</summary>
    public static string? WhyNoPeer(string name, TrustBook book) => book.FindPeer(name) is null ? NoPeer(name, book) : null;

    private static bool Begins(Fingerprint fingerprint, string digits) =>
        !fingerprint.IsEmpty && fingerprint.ToString().StartsWith(digits, StringComparison.Ordinal);

    private static TrustOrder Order(TrustAction action, string? peer, Fingerprint fingerprint, TrustBook book) =>
        new(action, peer, fingerprint) { PublicKey = book.KeyOf(fingerprint) };

    // A stored pin beside it would never count, and an operator who sees it would think that it does.
    private static string? Overruled(PeerIdentity peer, Fingerprint fingerprint) => peer.Configured is not { } pin ? null
        : pin == fingerprint
            ? $"'{peer.Name}' has this fingerprint in config.toml already."
            : $"'{peer.Name}' has the fingerprint {pin} in config.toml, which goes before any stored pin. "
                + $"Set fingerprint = \"{fingerprint}\" there and reload.";

    private static string NotWhole(string text) =>
        $"'{Shorten(text)}' is no fingerprint: all {2 * Fingerprint.Length} lower-case hexadecimal digits are needed, "
        + "because shorter ones can be made to match.";

    private static string NeitherNameNorWhole(string text, TrustBook book) =>
        $"'{Shorten(text)}' is neither a peer's name nor a whole fingerprint of {2 * Fingerprint.Length} lower-case digits. {Names(book)}";

    private static string NoPeer(string name, TrustBook book) =>
        $"config.toml has no peer '{Shorten(name)}'" + Suggestion.For(Shorten(name), [.. book.Facts.Peers.Select(peer => peer.Name)]) + " " + Names(book);

    private static string Names(TrustBook book) => book.Facts.Peers.IsEmpty
        ? "No peer is configured."
        : $"The peers are: {Listed([.. book.Facts.Peers.Select(peer => peer.Name)])}.";

    private static string WithoutPin(TrustBook book)
    {
        string[] names = [.. book.Facts.Peers.Where(peer => book.CertificatesOf(peer).IsEmpty).Select(peer => peer.Name)];
        return names.Length == 0
            ? "Every peer has a pin already: add a [[peers]] table for it, or replace a pin."
            : $"Peers without a pin: {Listed(names)}.";
    }

    private static string Listed(string[] names) => names.Length <= MaxNames
        ? string.Join(", ", names)
        : $"{string.Join(", ", names.Take(MaxNames))} and {names.Length - MaxNames} more";

    private static string Shorten(string text) => LogText.Escape(text, longest: 80);

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) Yes(TrustOrder order) => ([order], null);

    private static (ImmutableArray<TrustOrder>, TrustAnswer?) No(ControlError error, string text) => ([], new TrustAnswer(error, text));
}
