using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Host.Tests;

/// <summary>A node's identity in files.</summary>
/// <param name="CertificatePem">The certificate.</param>
/// <param name="KeyPem">Its key.</param>
/// <param name="Fingerprint">Its fingerprint.</param>
internal sealed record Identity(string CertificatePem, string KeyPem, Fingerprint Fingerprint)
{
    /// <summary>One identity for all tests that do not care which.</summary>
    public static Identity Shared { get; } = Make();

    /// <summary>Makes a new one.</summary>
    public static Identity Make() => Make(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddDays(365));

    /// <summary>Makes a new one for a time.</summary>
    public static Identity Make(DateTimeOffset from, DateTimeOffset to)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(from, to);
        return new Identity(
            certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), Fingerprint.Of(certificate.RawData));
    }

    /// <summary>Writes <c>node.crt</c> and <c>node.key</c>.</summary>
    public void WriteTo(Scratch scratch)
    {
        scratch.Write("node.crt", CertificatePem);
        scratch.Write("node.key", KeyPem);
    }
}
