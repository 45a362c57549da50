using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VibePN.Vpnctl.Identity;

/// <summary>Signs with P-256 so that of the two valid signatures always the one with the smaller s is used.</summary>
/// <remarks>
/// (r, s) and (r, n-s) both verify. Since a fingerprint covers the signature, anybody could make a second
/// certificate of the same key with another fingerprint; with one agreed form the second is recognisable.
/// </remarks>
internal sealed class LowSGenerator(ECDsa key) : X509SignatureGenerator
{
    // FIPS 186-5, SP 800-186 §3.2.1.3: the order n of P-256.
    private static readonly BigInteger Order = BigInteger.Parse(
        "115792089210356248762697446949407573529996955224135760342422259061068512044369",
        System.Globalization.CultureInfo.InvariantCulture);

    private readonly X509SignatureGenerator _inner = CreateForECDsa(key);

    /// <inheritdoc/>
    public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
        _inner.GetSignatureAlgorithmIdentifier(hashAlgorithm);

    /// <inheritdoc/>
    public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
        Normalise(_inner.SignData(data, hashAlgorithm));

    /// <summary>Rewrites a DER signature to the smaller s.</summary>
    public static byte[] Normalise(byte[] signature)
    {
        AsnReader sequence = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        BigInteger r = sequence.ReadInteger();
        BigInteger s = sequence.ReadInteger();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(BigInteger.Min(s, Order - s));
        }
        return writer.Encode();
    }

    /// <inheritdoc/>
    protected override PublicKey BuildPublicKey() => _inner.PublicKey;
}
