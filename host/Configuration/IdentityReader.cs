using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;
using VibePN.Host.Native;

namespace VibePN.Host.Configuration;

/// <summary>Reads <c>[identity]</c>: our certificate and key, checked against each other and against the configured fingerprint.</summary>
internal static class IdentityReader
{
    /// <summary>The identity, or null with errors added.</summary>
    /// <param name="reader">The table.</param>
    /// <param name="folder">What relative paths are relative to.</param>
    /// <param name="errors">Where errors go.</param>
    public static NodeIdentity? Read(TableReader reader, string folder, ConfigErrors errors)
    {
        TomlText? cert = Required(reader, "cert", "the path of this node's certificate; 'vpnctl init' makes one.", errors);
        TomlText? key = Required(reader, "key", "the path of this node's private key; 'vpnctl init' makes one.", errors);
        TomlText? wanted = reader.Text("fingerprint");
        Fingerprint? pin = Pin(wanted, errors);
        reader.RejectUnknown();
        if (cert is null || key is null)
            return null;
        if (Load(cert, key, folder, errors) is not { } identity)
            return null;
        if (pin is { } expected && expected != identity.Fingerprint)
            errors.Add(wanted!.Position, ErrorCodes.IdentityMismatch,
                $"the certificate {cert.Value} has fingerprint {identity.Fingerprint}, not {expected}. "
                + "Point 'cert' at the right certificate, or put its fingerprint here.");
        return identity;
    }

    /// <summary>A configured fingerprint: null when absent, empty or wrong (which is reported).</summary>
    public static Fingerprint? Pin(TomlText? text, ConfigErrors errors)
    {
        if (text is null || text.Value.Length == 0)
            return null; // the predecessor's tools write an empty string for "none"
        if (Fingerprint.TryParse(text.Value, out Fingerprint value) && !value.IsEmpty)
            return value;
        errors.Add(text.Position, ErrorCodes.BadFingerprint,
            $"a fingerprint is 64 hexadecimal digits, and this is {text.Value.Length} characters that are not all of them. "
            + "'vpnctl fingerprint' on that node prints it.");
        return null;
    }

    private static TomlText? Required(TableReader reader, string key, string remedy, ConfigErrors errors)
    {
        TomlText? text = reader.Text(key);
        if (text is null)
        {
            reader.Missing(key, remedy);
            return null;
        }

        if (text.Value.Length > 0)
            return text;
        errors.Add(text.Position, ErrorCodes.BadValue, $"'{key}' in [identity] is empty: write {remedy}");
        return null;
    }

    private static NodeIdentity? Load(TomlText cert, TomlText key, string folder, ConfigErrors errors)
    {
        string certPath = Path.GetFullPath(cert.Value, folder);
        string keyPath = Path.GetFullPath(key.Value, folder);
        string? certPem = ReadPem(cert, certPath, errors);
        string? keyPem = ReadPem(key, keyPath, errors);
        if (keyPem is not null && FileGuard.WhyExposed(keyPath) is { } reason)
            errors.Add(key.Position, ErrorCodes.KeyExposed, "the private key is not safe: " + reason);
        if (certPem is null || keyPem is null)
            return null;
        return Match(cert, certPem, key, keyPem, errors);
    }

    private static NodeIdentity? Match(TomlText cert, string certPem, TomlText key, string keyPem, ConfigErrors errors)
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(certPem);
        }
        catch (CryptographicException exception)
        {
            errors.Add(cert.Position, ErrorCodes.IdentityUnreadable,
                $"{cert.Value} holds no readable PEM certificate: {exception.Message}");
            return null;
        }

        using (certificate)
        {
            try
            {
                // Importing checks that the key is the certificate's.
                using X509Certificate2 pair = X509Certificate2.CreateFromPem(certPem, keyPem);
                string pkcs8 = Pkcs8(pair) ?? keyPem;
                return new NodeIdentity(Fingerprint.Of(certificate.RawData), certificate.ExportCertificatePem(), pkcs8);
            }
            catch (ArgumentException)
            {
                errors.Add(key.Position, ErrorCodes.IdentityUnreadable,
                    $"{key.Value} is not the private key of {cert.Value}: name the two files that belong together, "
                    + "or make a new pair with vpnctl init.");
                return null;
            }
            catch (CryptographicException exception)
            {
                errors.Add(key.Position, ErrorCodes.IdentityUnreadable,
                    $"{key.Value} holds no private key in PEM form that can be read: {exception.Message}");
                return null;
            }
        }
    }

    // Transports are promised PKCS#8, whatever PEM form the operator's file has.
    private static string? Pkcs8(X509Certificate2 pair)
    {
        using ECDsa? ecdsa = pair.GetECDsaPrivateKey();
        if (ecdsa is not null)
            return ecdsa.ExportPkcs8PrivateKeyPem();
        using RSA? rsa = pair.GetRSAPrivateKey();
        return rsa?.ExportPkcs8PrivateKeyPem();
    }

    private static string? ReadPem(TomlText path, string fullPath, ConfigErrors errors)
    {
        const int MaxBytes = 65_536;
        try
        {
            using FileStream stream = File.OpenRead(fullPath);
            if (stream.Length <= MaxBytes)
            {
                using var reader = new StreamReader(stream);
                return reader.ReadToEnd();
            }

            errors.Add(path.Position, ErrorCodes.IdentityUnreadable, $"{fullPath} is too long for a PEM file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add(path.Position, ErrorCodes.IdentityUnreadable,
                $"cannot read {fullPath}: {exception.Message} 'vpnctl init' makes an identity.");
        }

        return null;
    }
}
