using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>A certificate pinned to a configured peer.</summary>
/// <param name="Peer">The peer's name in the configuration.</param>
/// <param name="Certificate">The certificate's fingerprint.</param>
/// <param name="PublicKey">The public key's fingerprint; the default value when it was never seen.</param>
/// <param name="Since">When it was pinned, UTC.</param>
/// <param name="How"><c>first use</c>, <c>operator</c> or <c>verified</c>.</param>
internal sealed record Pin(string Peer, Fingerprint Certificate, Fingerprint PublicKey, DateTimeOffset Since, string How);

/// <summary>A certificate or key that the operator denied.</summary>
/// <param name="Subject">The fingerprint that was named: of a certificate or of a public key.</param>
/// <param name="PublicKey">The named certificate's key, where it was known; the default value otherwise.</param>
/// <param name="Since">When, UTC.</param>
internal sealed record Denial(Fingerprint Subject, Fingerprint PublicKey, DateTimeOffset Since);

/// <summary>All that is durable. Immutable: every change is a new set.</summary>
internal sealed class PinSet
{
    /// <summary>Most pins, and most denials, that are kept.</summary>
    public const int MaxEach = 4_096;

    /// <summary>The longest peer name that can be pinned, in characters.</summary>
    public const int MaxNameLength = 128;

    private readonly Dictionary<string, Pin> _byPeer = new(StringComparer.Ordinal);
    private readonly HashSet<Fingerprint> _denied = [];

    public PinSet(IEnumerable<Pin> pins, IEnumerable<Denial> denials)
    {
        Pins = [.. pins.OrderBy(pin => pin.Peer, StringComparer.Ordinal)];
        Denials = [.. denials.OrderBy(denial => denial.Subject)];
        foreach (Pin pin in Pins)
            _byPeer.Add(pin.Peer, pin);
        foreach (Denial denial in Denials)
        {
            _denied.Add(denial.Subject);
            if (!denial.PublicKey.IsEmpty)
                _denied.Add(denial.PublicKey);
        }
    }

    public static PinSet Empty { get; } = new([], []);

    /// <summary>Sorted by peer.</summary>
    public ImmutableArray<Pin> Pins { get; }

    /// <summary>Sorted by fingerprint.</summary>
    public ImmutableArray<Denial> Denials { get; }

    public Pin? PinOf(string peer) => _byPeer.GetValueOrDefault(peer);

    /// <summary>A new certificate over the same key is denied too: ECDSA signatures can be altered by anyone.</summary>
    public bool IsDenied(Fingerprint certificate, Fingerprint publicKey) =>
        _denied.Contains(certificate) || _denied.Contains(publicKey);

    /// <summary>The set with the peer's pin set; a pin of the same certificate under another name goes.</summary>
    public PinSet With(Pin pin) =>
        new(Pins.Where(p => p.Peer != pin.Peer && p.Certificate != pin.Certificate).Append(pin), Denials);

    public PinSet With(Denial denial) => new(Pins, Denials.Where(d => d.Subject != denial.Subject).Append(denial));

    public PinSet Without(Func<Pin, bool> pins, Func<Denial, bool> denials) =>
        new(Pins.Where(p => !pins(p)), Denials.Where(d => !denials(d)));
}
