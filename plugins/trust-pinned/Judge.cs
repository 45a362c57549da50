using VibePN.Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustPinned;

/// <summary>Decides over a certificate: a pure function of the request.</summary>
internal static class Judge
{
    /// <summary>In this order: form, validity, and whose fingerprint it is.</summary>
    public static TrustVerdict Decide(TrustRequest request)
    {
        if (CertificateForm.Fault(request.CertificateDer.Span) is { } fault)
            return Refuse(TrustReason.UnacceptableCertificate, $"The certificate {fault}.");
        if (CertificateValidity.Fault(request) is { } outside)
            return Refuse(TrustReason.OutsideValidity, outside);
        string? owner = OwnerOf(request);
        if (request.Role == ConnectionRole.Initiator && request.Dialled is { } dialled && owner != dialled.Name)
            return Misplaced(request, dialled, owner);
        return owner is null
            ? Pending($"Certificate {request.Fingerprint} is no configured peer's fingerprint. If it should be, set it.")
            : new TrustVerdict(TrustOutcome.Accept, owner, TrustReason.ConfiguredPin,
                $"'{owner}' is known by its fingerprint in the configuration.");
    }

    // We dialled a peer, and what it showed is not its fingerprint.
    private static TrustVerdict Misplaced(TrustRequest request, ConfiguredPeer dialled, string? owner)
    {
        if (owner is not null)
        {
            return Refuse(TrustReason.WrongPeer,
                $"The address of '{dialled.Name}' is answered by '{owner}': check both peers' addresses.");
        }
        return dialled.Fingerprint is { } pin
            ? Refuse(TrustReason.Conflict,
                $"'{dialled.Name}' shows certificate {request.Fingerprint} but is configured with {pin}. "
                + "If it was renewed on purpose, set the peer's fingerprint in config.toml to the new one.")
            : Pending($"'{dialled.Name}' has no fingerprint in config.toml, and nothing else is believed. "
                + $"It shows {request.Fingerprint}: compare that on its own machine, then set it.");
    }

    private static string? OwnerOf(TrustRequest request)
    {
        foreach (ConfiguredPeer peer in request.Peers)
        {
            if (peer.Fingerprint == request.Fingerprint)
                return peer.Name;
        }
        return null;
    }

    private static TrustVerdict Pending(string text) => new(TrustOutcome.Pending, null, TrustReason.Unknown, text);

    private static TrustVerdict Refuse(TrustReason reason, string text) => new(TrustOutcome.Refuse, null, reason, text);
}
