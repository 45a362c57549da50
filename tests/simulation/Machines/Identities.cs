using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Simulation.Machines;

/// <summary>A node's certificate, in both forms that are needed.</summary>
/// <param name="Node">What the engine gets.</param>
/// <param name="Der">What peers are shown.</param>
internal sealed record Identity(NodeIdentity Node, byte[] Der)
{
    public Fingerprint Id => Node.Fingerprint;
}

/// <summary>Real certificates that are the same in every process, made when first asked for.</summary>
/// <remarks>
/// Fingerprints decide ties, so a run repeats only with equal certificates. Key n is the scalar n + 1 on P-256, and
/// the signature is a constant: pins speak for all bytes of a certificate, and nobody looks at its signature.
/// </remarks>
internal static class Identities
{
    private static readonly ConcurrentDictionary<int, Identity> s_made = new();

    public static Identity Of(int number) => s_made.GetOrAdd(number, Make);

    private static Identity Make(int number)
    {
        byte[] scalar = new byte[32];
        BitConverter.TryWriteBytes(scalar.AsSpan(28), System.Net.IPAddress.HostToNetworkOrder(number + 1));
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
        var name = new X500DistinguishedName($"CN=simulated {number}");
        var request = new CertificateRequest(name, new PublicKey(key), HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.Create(
            name, new ConstantSignature(new PublicKey(key)), new DateTimeOffset(1990, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero), scalar.AsSpan(24));
        return new Identity(
            new NodeIdentity(Fingerprint.Of(certificate.RawData), certificate.ExportCertificatePem(), "simulated: no key is used"),
            certificate.RawData);
    }

    private sealed class ConstantSignature(PublicKey key) : X509SignatureGenerator
    {
        protected override PublicKey BuildPublicKey() => key;

        // ecdsa-with-SHA256, RFC 5758 §3.2.
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

        // SEQUENCE { INTEGER 1, INTEGER 1 }
        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01];
    }
}
