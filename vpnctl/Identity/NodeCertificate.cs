using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Identity;

/// <summary>A node's identity: a P-256 key and the certificate it signed for itself.</summary>
internal sealed class NodeCertificate : IDisposable
{
    private const int SerialBytes = 16;
    private const int Years = 10;

    // Certificates of nodes are below 1 KiB; a file that is much longer is not one.
    private const int MaxFileBytes = 1 << 20;

    private const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuth = "1.3.6.1.5.5.7.3.2";

    // A peer whose clock is a little behind must not find the certificate not yet valid.
    private static readonly TimeSpan Backdating = TimeSpan.FromMinutes(5);

    private readonly ECDsa _key;
    private readonly X509Certificate2 _certificate;

    private NodeCertificate(ECDsa key, X509Certificate2 certificate)
    {
        _key = key;
        _certificate = certificate;
    }

    /// <summary>SHA-256 over the certificate's DER bytes, 64 lower-case hexadecimal digits.</summary>
    public string Fingerprint => FingerprintOf(_certificate.RawDataMemory.Span);

    /// <summary>Makes a new identity.</summary>
    /// <param name="commonName">A label; peers know the node by its fingerprint.</param>
    /// <param name="now">The certificate is valid from a little earlier, for ten years.</param>
    public static NodeCertificate Create(string commonName, DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            var name = new X500DistinguishedNameBuilder();
            name.AddCommonName(commonName);
            X500DistinguishedName subject = name.Build();
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509KeyUsageExtension(
                X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
                [new Oid(ClientAuth), new Oid(ServerAuth)], critical: false));
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
                certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
            return new NodeCertificate(key, request.Create(
                subject, new LowSGenerator(key), now - Backdating, now.AddYears(Years), Serial()));
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Hashes the first certificate in a file.</summary>
    /// <param name="path">PEM or DER.</param>
    /// <exception cref="CommandException">The file cannot be read, or holds no certificate.</exception>
    public static string FingerprintOfFile(string path)
    {
        string shown = Escape.Controls(path);
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxFileBytes)
                throw new CommandException($"{shown} is longer than {MaxFileBytes >> 20} MiB, so it is no certificate.");
            byte[] content = new byte[file.Length];
            file.ReadExactly(content);
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(FirstCertificate(content));
            return FingerprintOf(certificate.RawDataMemory.Span);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException($"The certificate {shown} cannot be read: {Escape.Controls(error.Message)}");
        }
        catch (CryptographicException)
        {
            throw new CommandException($"{shown} holds no X.509 certificate in PEM or DER form.");
        }
    }

    /// <summary>The certificate as PEM text.</summary>
    public string CertificatePem() => _certificate.ExportCertificatePem() + "\n";

    /// <summary>The private key as PKCS#8 PEM. The caller zeroes it when it is written.</summary>
    public byte[] KeyPem()
    {
        byte[] der = _key.ExportPkcs8PrivateKey();
        char[] pem = PemEncoding.Write("PRIVATE KEY", der);
        byte[] bytes = new byte[pem.Length + 1];
        Encoding.ASCII.GetBytes(pem, bytes);
        bytes[^1] = (byte)'\n';
        CryptographicOperations.ZeroMemory(der);
        Array.Clear(pem);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static string FingerprintOf(ReadOnlySpan<byte> der) => Convert.ToHexStringLower(SHA256.HashData(der));

    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(SerialBytes);
        // RFC 5280 §4.1.2.2: positive, and DER wants no needless leading zero byte.
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }

    /// <summary>The DER bytes of the first CERTIFICATE block, or the content itself when it is not PEM.</summary>
    private static byte[] FirstCertificate(byte[] content)
    {
        ReadOnlySpan<char> text = Encoding.ASCII.GetString(content);
        while (PemEncoding.TryFind(text, out PemFields fields))
        {
            if (text[fields.Label] is "CERTIFICATE")
                return Convert.FromBase64String(text[fields.Base64Data].ToString());
            text = text[fields.Location.End..];
        }
        return content;
    }
}
