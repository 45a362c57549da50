using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace VibePN.Contracts;

/// <summary>A block of addresses in CIDR form. Always canonical: the host bits are zero.</summary>
/// <remarks>Order is by family, then by first address, then shorter (wider) prefixes first.</remarks>
public readonly struct IpPrefix : IEquatable<IpPrefix>, IComparable<IpPrefix>
{
    /// <summary>The block of <paramref name="length"/> leading bits that holds <paramref name="address"/>.</summary>
    /// <param name="address">Any address of the block; its host bits are cleared.</param>
    /// <param name="length">0 to the family's width in bits.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length does not fit the family.</exception>
    public IpPrefix(IpAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, address.BitLength);
        Length = (byte)length;
        UInt128 bits = address.Bits & ~HostMask(address.BitLength, length);
        Address = address.Family switch
        {
            IpFamily.V4 => IpAddress.FromV4((uint)bits),
            IpFamily.V6 => IpAddress.FromV6(bits),
            _ => default,
        };
    }

    /// <summary>The first address of the block.</summary>
    public IpAddress Address { get; }

    /// <summary>Leading bits that are fixed: 0 to 32, or 0 to 128.</summary>
    public byte Length { get; }

    /// <summary>IPv4, IPv6, or none for the default value.</summary>
    public IpFamily Family => Address.Family;

    /// <summary>The last address of the block (IPv4's broadcast address, in a subnet).</summary>
    public IpAddress Last
    {
        get
        {
            UInt128 bits = Address.Bits | HostMask(Address.BitLength, Length);
            return Family == IpFamily.V4 ? IpAddress.FromV4((uint)bits) : IpAddress.FromV6(bits);
        }
    }

    /// <summary>True for a single address: a /32 or a /128.</summary>
    public bool IsHost => Family != IpFamily.None && Length == Address.BitLength;

    /// <summary>The block of just one address.</summary>
    public static IpPrefix Host(IpAddress address) => new(address, address.BitLength);

    /// <summary>Whether the block holds this address. Always false across families.</summary>
    public bool Contains(IpAddress address) =>
        address.Family == Family && Family != IpFamily.None
        && ((address.Bits ^ Address.Bits) & ~HostMask(Address.BitLength, Length)) == 0;

    /// <summary>Whether the block holds all of the other block (or is equal to it).</summary>
    public bool Contains(IpPrefix other) => other.Length >= Length && Contains(other.Address);

    /// <summary>Whether the two blocks share an address.</summary>
    public bool Overlaps(IpPrefix other) => Contains(other) || other.Contains(this);

    /// <summary>Reads <c>address/length</c>.</summary>
    /// <param name="text">For example <c>10.42.0.0/24</c>.</param>
    /// <param name="prefix">The block, canonical.</param>
    /// <param name="hadHostBits">True when the text's address was not the block's first: wire formats refuse that.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpPrefix prefix, out bool hadHostBits)
    {
        prefix = default;
        hadHostBits = false;
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (slash < 0 || !IpAddress.TryParse(text![..slash], out IpAddress address))
            return false;
        ReadOnlySpan<char> digits = text.AsSpan(slash + 1);
        if (digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0')
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            || length > address.BitLength)
            return false;
        prefix = new IpPrefix(address, length);
        hadHostBits = prefix.Address != address;
        return true;
    }

    /// <summary>Reads <c>address/length</c>; host bits are cleared.</summary>
    /// <exception cref="FormatException">The text is no prefix.</exception>
    public static IpPrefix Parse(string text) => TryParse(text, out IpPrefix prefix, out _)
        ? prefix
        : throw new FormatException($"'{text}' is not a CIDR prefix such as 10.42.0.0/24.");

    /// <summary>CIDR text, such as <c>10.42.0.0/24</c>.</summary>
    public override string ToString() => Family == IpFamily.None ? "none" : $"{Address}/{Length}";

    /// <inheritdoc/>
    public bool Equals(IpPrefix other) => Length == other.Length && Address == other.Address;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpPrefix other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Address, Length);

    /// <inheritdoc/>
    public int CompareTo(IpPrefix other)
    {
        int order = Address.CompareTo(other.Address);
        return order != 0 ? order : Length.CompareTo(other.Length);
    }

    /// <summary>Same block.</summary>
    public static bool operator ==(IpPrefix left, IpPrefix right) => left.Equals(right);

    /// <summary>Another block.</summary>
    public static bool operator !=(IpPrefix left, IpPrefix right) => !left.Equals(right);

    /// <summary>By first address, then length.</summary>
    public static bool operator <(IpPrefix left, IpPrefix right) => left.CompareTo(right) < 0;

    /// <summary>By first address, then length.</summary>
    public static bool operator >(IpPrefix left, IpPrefix right) => left.CompareTo(right) > 0;

    /// <summary>By first address, then length.</summary>
    public static bool operator <=(IpPrefix left, IpPrefix right) => left.CompareTo(right) <= 0;

    /// <summary>By first address, then length.</summary>
    public static bool operator >=(IpPrefix left, IpPrefix right) => left.CompareTo(right) >= 0;

    // A shift of a UInt128 by 128 is a shift by 0 in C#, hence the case apart.
    private static UInt128 HostMask(int width, int length) =>
        width == length ? UInt128.Zero : UInt128.MaxValue >> (128 - (width - length));
}
