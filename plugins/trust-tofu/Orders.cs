using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>What an operator's order makes of the pins: a pure function.</summary>
internal static class Orders
{
    /// <summary>Works out an order.</summary>
    /// <param name="pins">The pins now.</param>
    /// <param name="order">The order.</param>
    /// <param name="publicKey">The key of the certificate meant, where it has been seen; the default value otherwise.</param>
    /// <param name="now">The wall clock.</param>
    /// <returns>The pins to make durable, or null when there is nothing to write; and what to tell the operator.</returns>
    public static (PinSet? Next, TrustResult Result) Plan(
        PinSet pins, TrustOrder order, Fingerprint publicKey, DateTimeOffset now) => order.Action switch
        {
            TrustAction.Accept => Accept(pins, order, publicKey, now),
            TrustAction.Replace => Replace(pins, order, publicKey, now),
            TrustAction.Deny => Deny(pins, order, publicKey, now),
            TrustAction.Forget => Forget(pins, order),
            TrustAction.Verify => Verify(pins, order, publicKey, now),
            _ => Not($"There is no order {(int)order.Action}."),
        };

    private static (PinSet?, TrustResult) Accept(PinSet pins, TrustOrder order, Fingerprint publicKey, DateTimeOffset now)
    {
        if (CannotPin(pins, order, publicKey) is { } why)
            return Not(why);
        Pin? known = pins.PinOf(order.Peer!);
        if (known?.Certificate == order.Fingerprint)
            return (null, new TrustResult(true, $"'{order.Peer}' is pinned to {order.Fingerprint} already."));
        if (known is not null)
        {
            return Not($"'{order.Peer}' is pinned to {known.Certificate}: replace that pin, naming both fingerprints "
                + $"(vpnctl trust replace {order.Peer} --from {known.Certificate} --to {order.Fingerprint}).");
        }
        return Done(pins.With(new Pin(order.Peer!, order.Fingerprint, publicKey, now, "operator")),
            $"'{order.Peer}' is pinned to {order.Fingerprint}. A fingerprint in config.toml would go before it.");
    }

    private static (PinSet?, TrustResult) Replace(PinSet pins, TrustOrder order, Fingerprint publicKey, DateTimeOffset now)
    {
        if (CannotPin(pins, order, publicKey) is { } why)
            return Not(why);
        Pin? known = pins.PinOf(order.Peer!);
        if (known is null)
            return Not($"'{order.Peer}' has no stored pin to replace.");
        if (order.Previous != known.Certificate)
            return Not($"'{order.Peer}' is pinned to {known.Certificate}, which is not the fingerprint given as the old one.");
        return Done(pins.With(new Pin(order.Peer!, order.Fingerprint, publicKey, now, "operator")),
            $"'{order.Peer}' is pinned to {order.Fingerprint} instead of {known.Certificate}.");
    }

    // Of a peer with a fingerprint in the configuration nothing is stored until then; its pin says the same thing.
    private static (PinSet?, TrustResult) Verify(PinSet pins, TrustOrder order, Fingerprint publicKey, DateTimeOffset now)
    {
        if (CannotPin(pins, order, publicKey) is { } why)
            return Not(why);
        Pin? known = pins.PinOf(order.Peer!);
        if (known is not null && known.Certificate != order.Fingerprint)
            return Not($"'{order.Peer}' is pinned to {known.Certificate}, which is not the certificate that was compared.");
        Fingerprint key = publicKey.IsEmpty && known is not null ? known.PublicKey : publicKey;
        return Done(pins.With(new Pin(order.Peer!, order.Fingerprint, key, known?.Since ?? now, "verified")),
            $"'{order.Peer}' is verified: its operator and you have read the same digits.");
    }

    private static (PinSet?, TrustResult) Deny(PinSet pins, TrustOrder order, Fingerprint publicKey, DateTimeOffset now)
    {
        if (order.Fingerprint.IsEmpty)
            return Not("A denial needs the fingerprint of a certificate or public key.");
        bool known = pins.Denials.Any(denial => denial.Subject == order.Fingerprint);
        if (!known && pins.Denials.Length >= PinSet.MaxEach)
            return Not($"{PinSet.MaxEach} fingerprints are denied already: forget some first.");
        return Done(pins.With(new Denial(order.Fingerprint, publicKey, now)), publicKey.IsEmpty
            ? $"{order.Fingerprint} is denied, as a certificate and as a public key."
            : $"{order.Fingerprint} and its public key {publicKey} are denied.");
    }

    private static (PinSet?, TrustResult) Forget(PinSet pins, TrustOrder order)
    {
        if (order.Peer is null && order.Fingerprint.IsEmpty)
            return Not("Say which peer or which fingerprint to forget.");
        PinSet next = pins.Without(
            pin => (order.Peer is null || pin.Peer == order.Peer)
                && (order.Fingerprint.IsEmpty || pin.Certificate == order.Fingerprint),
            denial => order.Peer is null && denial.Subject == order.Fingerprint);
        int gone = pins.Pins.Length - next.Pins.Length + pins.Denials.Length - next.Denials.Length;
        return gone == 0
            ? Not("Nothing is stored about it.")
            : Done(next, next.Denials.Length < pins.Denials.Length
                ? "Forgotten: it is denied no longer."
                : "Forgotten. A dialled peer without a pin is trusted at its next first contact, unless first_use is off.");
    }

    private static string? CannotPin(PinSet pins, TrustOrder order, Fingerprint publicKey)
    {
        if (string.IsNullOrEmpty(order.Peer) || order.Peer.Length > PinSet.MaxNameLength)
            return $"A pin needs a configured peer's name of at most {PinSet.MaxNameLength} characters.";
        if (order.Fingerprint.IsEmpty)
            return "A pin needs a certificate's fingerprint.";
        if (pins.IsDenied(order.Fingerprint, publicKey))
            return $"{order.Fingerprint} or its key is denied: forget the denial first.";
        if (pins.Pins.FirstOrDefault(pin => pin.Certificate == order.Fingerprint && pin.Peer != order.Peer) is { } other)
            return $"{order.Fingerprint} is pinned to '{other.Peer}': forget that pin first.";
        return pins.PinOf(order.Peer) is null && pins.Pins.Length >= PinSet.MaxEach
            ? $"{PinSet.MaxEach} peers are pinned already: forget some first."
            : null;
    }

    private static (PinSet?, TrustResult) Done(PinSet next, string text) => (next, new TrustResult(true, text));

    private static (PinSet?, TrustResult) Not(string text) => (null, new TrustResult(false, text));
}
