using VibePN.Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>What a judgement rests on besides the request.</summary>
/// <param name="Pins">What is durable.</param>
/// <param name="StoreFault">Why the store cannot be used, or null.</param>
internal sealed record Grounds(PinSet Pins, string? StoreFault);

/// <summary>Decides over a certificate: a pure function.</summary>
/// <remarks>
/// In this order: form, denials, validity; then, for a peer that we dialled, its configured pin, its stored pin,
/// first use; for one that dialled us, any peer's configured pin, then any peer's stored pin. A configured pin
/// makes a stored one of the same peer void. Names of peers that left the configuration mean nothing.
/// </remarks>
internal static class Judge
{
    public static TrustVerdict Decide(TrustRequest request, Grounds grounds, bool firstUse)
    {
        if (CertificateForm.Fault(request.CertificateDer.Span) is { } fault)
            return Refuse(TrustReason.UnacceptableCertificate, $"The certificate {fault}.");
        if (grounds.Pins.IsDenied(request.Fingerprint, request.PublicKey))
            return Refuse(TrustReason.Denied, $"Certificate {request.Fingerprint} or its key is denied by the operator.");
        if (CertificateValidity.Fault(request) is { } outside)
            return Refuse(TrustReason.OutsideValidity, outside);
        string? owner = OwnerOf(request, grounds.Pins, out bool configured);
        return request.Role == ConnectionRole.Initiator && request.Dialled is { } dialled
            ? DecideDialled(request, dialled, owner, grounds, firstUse)
            : DecideInbound(request, owner, configured);
    }

    private static TrustVerdict DecideDialled(
        TrustRequest request, ConfiguredPeer dialled, string? owner, Grounds grounds, bool firstUse)
    {
        Fingerprint? pinned = dialled.Fingerprint ?? grounds.Pins.PinOf(dialled.Name)?.Certificate;
        if (owner is not null && owner != dialled.Name)
        {
            return Refuse(TrustReason.WrongPeer,
                $"The address of '{dialled.Name}' is answered by '{owner}': check both peers' addresses.");
        }
        if (pinned == request.Fingerprint)
        {
            return dialled.Fingerprint is null
                ? Accept(dialled.Name, TrustReason.StoredPin, "the pin stored for it")
                : Accept(dialled.Name, TrustReason.ConfiguredPin, "its fingerprint in the configuration");
        }
        if (pinned is { } other)
        {
            return Refuse(TrustReason.Conflict,
                $"'{dialled.Name}' shows certificate {request.Fingerprint} but is pinned to {other}. "
                + (dialled.Fingerprint is null
                    ? $"If it was renewed on purpose: vpnctl trust replace {dialled.Name} --from {other} --to {request.Fingerprint}"
                    : "If it was renewed on purpose, set the peer's fingerprint in config.toml to the new one."));
        }
        return FirstUse(request, dialled, grounds, firstUse);
    }

    private static TrustVerdict FirstUse(TrustRequest request, ConfiguredPeer dialled, Grounds grounds, bool firstUse)
    {
        if (!firstUse)
            return Pending(request);
        if (grounds.StoreFault is { } fault)
            return Refuse(TrustReason.StoreUnavailable, fault);
        if (!request.ClockTrusted)
        {
            return Refuse(TrustReason.ClockUntrusted,
                $"'{dialled.Name}' is not known yet, and the clock is wrong: set the clock, or the peer's fingerprint.");
        }
        if (dialled.Name.Length > PinSet.MaxNameLength || grounds.Pins.Pins.Length >= PinSet.MaxEach)
        {
            return Refuse(TrustReason.StoreUnavailable,
                $"'{dialled.Name}' cannot be pinned: its name is too long, or {PinSet.MaxEach} peers are pinned already.");
        }
        return new TrustVerdict(TrustOutcome.Accept, dialled.Name, TrustReason.FirstUse,
            $"First contact with '{dialled.Name}': certificate {request.Fingerprint} is to be pinned.", NeedsCommit: true);
    }

    private static TrustVerdict DecideInbound(TrustRequest request, string? owner, bool configured)
    {
        if (owner is null)
            return Pending(request);
        return configured
            ? Accept(owner, TrustReason.ConfiguredPin, "its fingerprint in the configuration")
            : Accept(owner, TrustReason.StoredPin, "the pin stored for it");
    }

    // The configured peer that the certificate belongs to by a pin, or null.
    private static string? OwnerOf(TrustRequest request, PinSet pins, out bool configured)
    {
        configured = true;
        foreach (ConfiguredPeer peer in request.Peers)
        {
            if (peer.Fingerprint == request.Fingerprint)
                return peer.Name;
        }
        configured = false;
        foreach (ConfiguredPeer peer in request.Peers)
        {
            if (peer.Fingerprint is null && pins.PinOf(peer.Name)?.Certificate == request.Fingerprint)
                return peer.Name;
        }
        return null;
    }

    private static TrustVerdict Pending(TrustRequest request) => new(TrustOutcome.Pending, null, TrustReason.Unknown,
        $"Certificate {request.Fingerprint} belongs to no configured peer. If it should: vpnctl trust accept {request.Fingerprint} --peer NAME");

    private static TrustVerdict Accept(string peer, TrustReason reason, string by) =>
        new(TrustOutcome.Accept, peer, reason, $"'{peer}' is known by {by}.");

    private static TrustVerdict Refuse(TrustReason reason, string text) => new(TrustOutcome.Refuse, null, reason, text);
}
