using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace VibePN.Contracts;

/// <summary>The version of an IP address.</summary>
public enum IpFamily : byte
{
    /// <summary>No address: the default value of <see cref="IpAddress"/>.</summary>
    None = 0,

    /// <summary>IPv4, 32 bits.</summary>
    V4 = 4,

    /// <summary>IPv6, 128 bits.</summary>
    V6 = 6,
}

/// <summary>An IPv4 or IPv6 address as a number: comparable, hashable, made without allocation.</summary>
/// <remarks>
/// An IPv4 address sits in the low 32 bits. Order is by family, then by number. A v4-mapped IPv6 address stays
/// IPv6 here; whoever reads addresses from a wire normalises first. Scope ids are not carried.
/// </remarks>
public readonly struct IpAddress : IEquatable<IpAddress>, IComparable<IpAddress>
{
    // Two words, not a UInt128: code over types that hold one is not compiled ahead of time, and that was a fifth of
    // all methods compiled at a start.
    private readonly ulong _high;
    private readonly ulong _low;

    private IpAddress(IpFamily family, ulong high, ulong low)
    {
        Family = family;
        _high = high;
        _low = low;
    }

    /// <summary>IPv4, IPv6, or none for the default value.</summary>
    public IpFamily Family { get; }

    /// <summary>The address as a number in host order; for IPv4 the low 32 bits.</summary>
    public UInt128 Bits => new(_high, _low);

    /// <summary>Width of the family's addresses: 32, 128, or 0 for none.</summary>
    public int BitLength => Family switch { IpFamily.V4 => 32, IpFamily.V6 => 128, _ => 0 };

    /// <summary>Width of the family's addresses in bytes: 4, 16, or 0 for none.</summary>
    public int ByteLength => BitLength / 8;

    /// <summary>An IPv4 address from its number in host order.</summary>
    public static IpAddress FromV4(uint bits) => new(IpFamily.V4, 0, bits);

    /// <summary>An IPv6 address from its number in host order.</summary>
    public static IpAddress FromV6(UInt128 bits) => new(IpFamily.V6, (ulong)(bits >> 64), (ulong)bits);

    /// <summary>An address from 4 or 16 bytes in network order.</summary>
    /// <exception cref="ArgumentException">Any other length.</exception>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => new IpAddress(
            IpFamily.V6, BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])),
        _ => throw new ArgumentException($"An IP address has 4 or 16 bytes, not {bytes.Length}.", nameof(bytes)),
    };

    /// <summary>Reads dotted-quad IPv4 or RFC 4291 IPv6 text, without brackets, scope or surrounding blanks.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpAddress address)
    {
        address = default;
        if (text is null || text.Contains('%') || text.Contains('[') || !IPAddress.TryParse(text, out IPAddress? parsed))
            return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') != 3)
            return false; // "10.1" and "167772161" mean 10.0.0.1 to inet_aton; nobody who writes them means it
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out int written);
        address = FromBytes(bytes[..written]);
        return true;
    }

    /// <summary>Reads dotted-quad IPv4 or RFC 4291 IPv6 text.</summary>
    /// <exception cref="FormatException">The text is no address.</exception>
    public static IpAddress Parse(string text) => TryParse(text, out IpAddress address)
        ? address
        : throw new FormatException($"'{text}' is not an IPv4 or IPv6 address.");

    /// <summary>Writes the address in network order.</summary>
    /// <param name="destination">At least <see cref="ByteLength"/> bytes.</param>
    /// <returns>Bytes written: 4, 16, or 0 for none.</returns>
    public int CopyTo(Span<byte> destination)
    {
        if (Family == IpFamily.V4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
        }
        else if (Family == IpFamily.V6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
            BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        }
        return ByteLength;
    }

    /// <summary>Dotted quad, RFC 5952 text, or <c>none</c>.</summary>
    public override string ToString()
    {
        if (Family == IpFamily.None)
            return "none";
        Span<byte> bytes = stackalloc byte[16];
        int written = CopyTo(bytes);
        return new IPAddress(bytes[..written]).ToString();
    }

    /// <inheritdoc/>
    public bool Equals(IpAddress other) => Family == other.Family && _high == other._high && _low == other._low;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine((int)Family, _high, _low);

    /// <inheritdoc/>
    public int CompareTo(IpAddress other)
    {
        int order = ((byte)Family).CompareTo((byte)other.Family);
        if (order == 0)
            order = _high.CompareTo(other._high);
        return order != 0 ? order : _low.CompareTo(other._low);
    }

    /// <summary>Same family and number.</summary>
    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    /// <summary>Another family or number.</summary>
    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);

    /// <summary>By family, then number.</summary>
    public static bool operator <(IpAddress left, IpAddress right) => left.CompareTo(right) < 0;

    /// <summary>By family, then number.</summary>
    public static bool operator >(IpAddress left, IpAddress right) => left.CompareTo(right) > 0;

    /// <summary>By family, then number.</summary>
    public static bool operator <=(IpAddress left, IpAddress right) => left.CompareTo(right) <= 0;

    /// <summary>By family, then number.</summary>
    public static bool operator >=(IpAddress left, IpAddress right) => left.CompareTo(right) >= 0;
}
