using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;
using VibePN.Engine.Joining;
using VibePN.Invites;

namespace VibePN.Engine.Trust;

// Certificates at both ends of a redemption. Nothing is admitted here: such a connection is never a peer's.
internal sealed partial class TrustGate
{
    // No configured peer can have this name: it has a blank.
    private const string Candidate = "an invited node";

    private HandshakeVerdict JudgeJoin(in HandshakeQuestion question)
    {
        bool isOurs = question.Role == ConnectionRole.Initiator;
        InviterPin? pin = isOurs ? Door.PinOf(question.DialId) : null;
        if (isOurs && pin is null)
            return Refuse(default, TrustReason.WrongPeer, "the dial belongs to no invite any more", question.Remote);
        if (!isOurs && !Door.TryEnter(question.Remote))
            return Refuse(default, TrustReason.Unknown, "no invite is open, or too many came from this address", question.Remote);
        if (FaultOfForm(question) is { Length: > 0 } fault)
            return Refuse(default, TrustReason.UnacceptableCertificate, fault, question.Remote);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(question.CertificateDer);
        if (certificate.RawDataMemory.Length != question.CertificateDer.Length)
            return Refuse(default, TrustReason.UnacceptableCertificate, TrailingBytes, question.Remote);
        var fingerprint = Fingerprint.Of(question.CertificateDer);
        if (pin is not null && Mismatch(pin, fingerprint, certificate) is { } mismatch)
            return Refuse(fingerprint, TrustReason.WrongPeer, mismatch, question.Remote);
        return JudgeCandidate(question, certificate, fingerprint);
    }

    // What the plugins would say, were it configured with this very fingerprint: denials, form and validity count.
    private HandshakeVerdict JudgeCandidate(in HandshakeQuestion question, X509Certificate2 certificate, Fingerprint fingerprint)
    {
        ImmutableArray<ConfiguredPeer> known = _book.Configured;
        ConfiguredPeer peer = known.FirstOrDefault(each => each.Fingerprint == fingerprint)
            ?? new ConfiguredPeer(Candidate, fingerprint, Dialable: question.Role == ConnectionRole.Initiator);
        ImmutableArray<ConfiguredPeer> peers = known.Contains(peer) ? known : known.Add(peer);
        ConfiguredPeer? dialled = question.Role == ConnectionRole.Initiator ? peer : null;
        TrustRequest request = RequestOf(question, certificate, dialled, peers);
        if (!request.ClockTrusted)
        {
            return Refuse(fingerprint, TrustReason.ClockUntrusted,
                "the clock is wrong, so nobody can say whether the invite has expired: set the clock", question.Remote);
        }
        (TrustVerdict verdict, _) = Judge(_model, request);
        return verdict.Outcome == TrustOutcome.Accept
            ? new HandshakeVerdict(true, fingerprint, verdict.Reason, "let in to redeem an invite, and for nothing else")
            : Refuse(fingerprint, verdict.Reason, verdict.Text, question.Remote);
    }

    private static string? Mismatch(InviterPin pin, Fingerprint shown, X509Certificate2 certificate)
    {
        if (shown != pin.Fingerprint)
            return $"the invite is from {pin.Fingerprint}, but {shown} answers at its address";
        using ECDsa? key = certificate.GetECDsaPublicKey();
        return key is not null && pin.Key.Equals(InviteKey.Of(key))
            ? null
            : "the invite was signed by another key than that of the inviter's certificate";
    }
}
