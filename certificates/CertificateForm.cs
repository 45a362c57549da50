namespace VibePN.Certificates;

/// <summary>Whether bytes have the form of a certificate this node accepts, read without allocation.</summary>
/// <remarks>
/// RFC 5280 §4.1: one certificate in DER, nothing behind it, at most 4 KiB, with an uncompressed P-256 or P-384
/// key (RFC 5480). Signatures, extensions and names are not looked at: the pin speaks for all of the bytes.
/// </remarks>
public static class CertificateForm
{
    /// <summary>The longest certificate accepted, in bytes.</summary>
    public const int MaxBytes = 4_096;

    private const byte Integer = 0x02;
    private const byte BitString = 0x03;
    private const byte ObjectIdentifier = 0x06;
    private const byte Sequence = 0x30;
    private const byte Version = 0xA0;

    private static ReadOnlySpan<byte> EcPublicKey => [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];

    private static ReadOnlySpan<byte> P256 => [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

    private static ReadOnlySpan<byte> P384 => [0x2B, 0x81, 0x04, 0x00, 0x22];

    /// <summary>What is wrong with the bytes, as the end of a sentence; null when nothing is.</summary>
    /// <param name="der">Any bytes.</param>
    public static string? Fault(ReadOnlySpan<byte> der)
    {
        if (der.Length > MaxBytes)
            return "is longer than 4,096 bytes";
        if (!TryReadKey(der, out ReadOnlySpan<byte> algorithm, out ReadOnlySpan<byte> key))
            return "is not one DER certificate with nothing behind it";
        return IsAcceptedKey(algorithm, key) ? null : "has a key other than P-256 or P-384";
    }

    private static bool TryReadKey(
        ReadOnlySpan<byte> der, out ReadOnlySpan<byte> algorithm, out ReadOnlySpan<byte> key)
    {
        algorithm = key = default;
        if (!TryRead(ref der, Sequence, out ReadOnlySpan<byte> certificate) || !der.IsEmpty)
            return false;
        if (!TryRead(ref certificate, Sequence, out ReadOnlySpan<byte> body)
            || !TryRead(ref certificate, Sequence, out _)
            || !TryRead(ref certificate, BitString, out _)
            || !certificate.IsEmpty)
            return false;
        if (!body.IsEmpty && body[0] == Version && !TryRead(ref body, Version, out _))
            return false;
        return TryRead(ref body, Integer, out _) // serial number
            && TryRead(ref body, Sequence, out _) // signature algorithm
            && TryRead(ref body, Sequence, out _) // issuer
            && TryRead(ref body, Sequence, out _) // validity
            && TryRead(ref body, Sequence, out _) // subject
            && TryRead(ref body, Sequence, out ReadOnlySpan<byte> info)
            && TryRead(ref info, Sequence, out algorithm)
            && TryRead(ref info, BitString, out key)
            && info.IsEmpty;
    }

    private static bool IsAcceptedKey(ReadOnlySpan<byte> algorithm, ReadOnlySpan<byte> key)
    {
        if (!TryRead(ref algorithm, ObjectIdentifier, out ReadOnlySpan<byte> kind)
            || !TryRead(ref algorithm, ObjectIdentifier, out ReadOnlySpan<byte> curve)
            || !algorithm.IsEmpty
            || !kind.SequenceEqual(EcPublicKey))
            return false;
        int coordinate = curve.SequenceEqual(P256) ? 32 : curve.SequenceEqual(P384) ? 48 : 0;
        // No unused bits, then 4 for an uncompressed point, then x and y.
        return coordinate != 0 && key.Length == 2 + (2 * coordinate) && key[0] == 0 && key[1] == 4;
    }

    // One element of DER: definite lengths in their shortest form only (X.690 §10.1).
    private static bool TryRead(scoped ref ReadOnlySpan<byte> rest, byte tag, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (rest.Length < 2 || rest[0] != tag)
            return false;
        int length = rest[1];
        int header = 2;
        if (length == 0x81 && rest.Length >= 3 && rest[2] >= 0x80)
            (length, header) = (rest[2], 3);
        else if (length == 0x82 && rest.Length >= 4 && rest[2] != 0)
            (length, header) = ((rest[2] << 8) | rest[3], 4);
        else if (length >= 0x80)
            return false;
        if (rest.Length - header < length)
            return false;
        content = rest.Slice(header, length);
        rest = rest[(header + length)..];
        return true;
    }
}
