using System.Numerics;
using System.Security.Cryptography;

namespace VibePN.Invites;

/// <summary>A public key on P-256 or P-384 as its curve and its point; signs and verifies with the smaller s only.</summary>
/// <remarks>Of the two valid signatures (r, s) and (r, n-s) only one is accepted, so that an invite has one form.</remarks>
public sealed class InviteKey : IEquatable<InviteKey>
{
    /// <summary>Data that is signed begins so: no other use of the key signs the same bytes.</summary>
    private static ReadOnlySpan<byte> Domain => "VibePN invite 2\0"u8;

    // SP 800-186 §3.2.1.3 and §3.2.1.4: the orders n.
    private static readonly BigInteger OrderP256 = Number("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");

    private static readonly BigInteger OrderP384 = Number(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973");

    private readonly byte[] _point;

    private InviteKey(byte[] point) => _point = point;

    /// <summary>The point's x and y, each as long as the curve's field.</summary>
    public ReadOnlySpan<byte> Point => _point;

    /// <summary>1 for P-256, 2 for P-384.</summary>
    public byte Curve => _point.Length == 64 ? (byte)1 : (byte)2;

    /// <summary>Bytes of a signature: r and s.</summary>
    public int SignatureLength => _point.Length;

    /// <summary>Bytes of a point on a curve; 0 for a curve that is not known.</summary>
    /// <param name="curve">1 or 2.</param>
    public static int PointLength(byte curve) => curve switch { 1 => 64, 2 => 96, _ => 0 };

    /// <summary>The public half of a key.</summary>
    /// <param name="key">On P-256 or P-384.</param>
    /// <returns>Null when it is on another curve.</returns>
    public static InviteKey? Of(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize is not (256 or 384))
            return null;
        ECParameters parameters = key.ExportParameters(includePrivateParameters: false);
        return new InviteKey([.. parameters.Q.X!, .. parameters.Q.Y!]);
    }

    /// <summary>A key from its point's bytes.</summary>
    /// <param name="point">64 or 96 bytes.</param>
    /// <returns>Null when the point is on neither curve.</returns>
    public static InviteKey? FromPoint(ReadOnlySpan<byte> point)
    {
        if (point.Length is not (64 or 96))
            return null;
        var key = new InviteKey(point.ToArray());
        try
        {
            using ECDsa check = key.Open();
            return key;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Signs with the private half.</summary>
    /// <param name="key">The private key that belongs to this public one.</param>
    /// <param name="body">What to sign.</param>
    public byte[] Sign(ECDsa key, ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(key);
        byte[] signature = key.SignData(
            [.. Domain, .. body], HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        int half = signature.Length / 2;
        var s = new BigInteger(signature.AsSpan(half), isUnsigned: true, isBigEndian: true);
        BigInteger low = BigInteger.Min(s, Order - s);
        signature.AsSpan(half).Clear();
        byte[] bytes = low.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(signature, signature.Length - bytes.Length);
        return signature;
    }

    /// <summary>Whether a signature is this key's, in the one form that is accepted.</summary>
    /// <param name="body">What was signed.</param>
    /// <param name="signature">r and s.</param>
    public bool Verify(ReadOnlySpan<byte> body, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureLength)
            return false;
        var s = new BigInteger(signature[(signature.Length / 2)..], isUnsigned: true, isBigEndian: true);
        if (s > Order / 2)
            return false;
        try
        {
            using ECDsa key = Open();
            return key.VerifyData(
                [.. Domain, .. body], signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public bool Equals(InviteKey? other) => other is not null && _point.AsSpan().SequenceEqual(other._point);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as InviteKey);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_point);

    private BigInteger Order => Curve == 1 ? OrderP256 : OrderP384;

    private ECDsa Open()
    {
        int half = _point.Length / 2;
        return ECDsa.Create(new ECParameters
        {
            Curve = Curve == 1 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
            Q = new ECPoint { X = _point[..half], Y = _point[half..] },
        });
    }

    private static BigInteger Number(string hex) => new(Convert.FromHexString(hex), isUnsigned: true, isBigEndian: true);
}
