using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>A certificate as a peer shows it, and short ways to ask about it.</summary>
public sealed class Shown
{
    /// <summary>When everything is shown: the middle of every certificate's two days.</summary>
    public static DateTimeOffset Now { get; } = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static Shown A { get; } = P256();

    public static Shown B { get; } = P256();

    public static Shown C { get; } = P256();

    private Shown(byte[] der)
    {
        Der = der;
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
        Id = Fingerprint.Of(der);
        Key = Fingerprint.Of(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    public byte[] Der { get; }

    public Fingerprint Id { get; }

    public Fingerprint Key { get; }

    public static Shown P256() => Ec(ECCurve.NamedCurves.nistP256);

    public static Shown Ec(ECCurve curve)
    {
        using ECDsa key = ECDsa.Create(curve);
        return Of(new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256));
    }

    public static Shown Of(CertificateRequest request)
    {
        using X509Certificate2 certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        return new Shown(certificate.RawData);
    }

    public static ConfiguredPeer Peer(string name, Shown? pinned = null) => new(name, pinned?.Id, Dialable: true);

    /// <summary>The peer dials us.</summary>
    public TrustRequest Inbound(params ConfiguredPeer[] peers) => new()
    {
        Fingerprint = Id,
        PublicKey = Key,
        CertificateDer = Der,
        NotBefore = Now.AddDays(-1),
        NotAfter = Now.AddDays(1),
        Role = ConnectionRole.Responder,
        Peers = [.. peers],
        Protocol = "vibepn/1",
        Remote = new IPEndPoint(IPAddress.Parse("203.0.113.42"), 51820),
        Now = Now,
    };

    /// <summary>We dialled the first of the peers.</summary>
    public TrustRequest Dialled(params ConfiguredPeer[] peers) =>
        Inbound(peers) with { Role = ConnectionRole.Initiator, Dialled = peers[0] };
}
