using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Node identities: self-signed ECDSA P-256 certificates.</summary>
internal static class Identities
{
    public static NodeIdentity Create(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10));
        return new NodeIdentity(
            Fingerprint.Of(certificate.RawData), certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
