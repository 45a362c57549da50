using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace VibePN.Contracts;

/// <summary>A SHA-256 value that identifies something: a node by its certificate, or a key by its public key.</summary>
/// <remarks>
/// A node's identity is the fingerprint of its whole leaf certificate in DER form; as text it is 64
/// lower-case hexadecimal digits. Names are labels; decisions compare fingerprints. Ordering is bytewise,
/// most significant byte first, and equality takes the same time whatever the values.
/// </remarks>
public readonly struct Fingerprint : IEquatable<Fingerprint>, IComparable<Fingerprint>
{
    /// <summary>Bytes in a fingerprint.</summary>
    public const int Length = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <summary>Takes a fingerprint from its 32 bytes.</summary>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is not 32 bytes long.</exception>
    public Fingerprint(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"A fingerprint is {Length} bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>True for the default value, which no certificate has in practice.</summary>
    public bool IsEmpty => (_a | _b | _c | _d) == 0;

    /// <summary>Hashes a certificate's (or key's) DER bytes.</summary>
    public static Fingerprint Of(ReadOnlySpan<byte> der)
    {
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(der, hash);
        return new Fingerprint(hash);
    }

    /// <summary>Reads 64 hexadecimal digits, upper or lower case.</summary>
    /// <returns>False when <paramref name="text"/> is anything else.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out Fingerprint value)
    {
        value = default;
        if (text is null || text.Length != Length * 2)
            return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (Convert.FromHexString(text, bytes, out _, out int written) != System.Buffers.OperationStatus.Done
            || written != Length)
            return false;
        value = new Fingerprint(bytes);
        return true;
    }

    /// <summary>Reads 64 hexadecimal digits, upper or lower case.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> is anything else.</exception>
    public static Fingerprint Parse(string text) => TryParse(text, out Fingerprint value)
        ? value
        : throw new FormatException("A fingerprint is 64 hexadecimal digits.");

    /// <summary>Writes the 32 bytes.</summary>
    /// <param name="destination">At least 32 bytes.</param>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    /// <summary>The first 12 digits, for people to tell nodes apart in a log line; never for a decision.</summary>
    public string ToShortString() => ToString()[..12];

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <inheritdoc/>
    public bool Equals(Fingerprint other) =>
        ((_a ^ other._a) | (_b ^ other._b) | (_c ^ other._c) | (_d ^ other._d)) == 0;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Fingerprint other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _a.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(Fingerprint other)
    {
        int order = _a.CompareTo(other._a);
        if (order == 0)
            order = _b.CompareTo(other._b);
        if (order == 0)
            order = _c.CompareTo(other._c);
        return order != 0 ? order : _d.CompareTo(other._d);
    }

    /// <summary>Bytewise equality.</summary>
    public static bool operator ==(Fingerprint left, Fingerprint right) => left.Equals(right);

    /// <summary>Bytewise inequality.</summary>
    public static bool operator !=(Fingerprint left, Fingerprint right) => !left.Equals(right);

    /// <summary>Bytewise order.</summary>
    public static bool operator <(Fingerprint left, Fingerprint right) => left.CompareTo(right) < 0;

    /// <summary>Bytewise order.</summary>
    public static bool operator >(Fingerprint left, Fingerprint right) => left.CompareTo(right) > 0;

    /// <summary>Bytewise order.</summary>
    public static bool operator <=(Fingerprint left, Fingerprint right) => left.CompareTo(right) <= 0;

    /// <summary>Bytewise order.</summary>
    public static bool operator >=(Fingerprint left, Fingerprint right) => left.CompareTo(right) >= 0;
}
