using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Control;

/// <summary>How the sender came to its own address in a network (docs/wire-format.md §4.9).</summary>
/// <param name="Network">The sender's number of the network.</param>
/// <param name="Address">The sender's address. One of each family may be claimed at a time.</param>
/// <param name="Index">Which candidate of the sender's chain it is, or <see cref="Configured"/>.</param>
internal readonly record struct ClaimMessage(byte Network, IpAddress Address, ushort Index)
{
    /// <summary>The index of an address that an operator wrote down.</summary>
    public const ushort Configured = ushort.MaxValue;

    /// <summary>Bytes of the shortest body.</summary>
    public const int SmallestBody = 1 + 1 + 4 + 2;

    /// <summary>Bytes of the longest body.</summary>
    public const int LargestBody = 1 + 1 + 16 + 2;

    /// <summary>Whether the address was computed, so that its owner can move to another.</summary>
    public bool IsAuto => Index != Configured;

    /// <summary>Reads the body of a Claim.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out ClaimMessage message)
    {
        message = default;
        if (!ClaimedAddress.TryRead(body, out IpAddress address, out ReadOnlySpan<byte> rest) || rest.Length != 2)
            return false;
        message = new ClaimMessage(body[0], address, BinaryPrimitives.ReadUInt16BigEndian(rest));
        return true;
    }
}

/// <summary>Another node has the better claim to the receiver's address (docs/wire-format.md §4.10).</summary>
/// <param name="Network">The sender's number of the network.</param>
/// <param name="Address">The receiver's address that two nodes claim.</param>
/// <param name="IsAuto">Whether the other node's claim is an automatic one.</param>
/// <param name="Winner">The other node.</param>
internal readonly record struct ClaimLostMessage(byte Network, IpAddress Address, bool IsAuto, Fingerprint Winner)
{
    /// <summary>Bytes of the shortest body.</summary>
    public const int SmallestBody = 1 + 1 + 4 + 1 + Fingerprint.Length;

    /// <summary>Bytes of the longest body.</summary>
    public const int LargestBody = 1 + 1 + 16 + 1 + Fingerprint.Length;

    /// <summary>Reads the body of a ClaimLost.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out ClaimLostMessage message)
    {
        message = default;
        if (!ClaimedAddress.TryRead(body, out IpAddress address, out ReadOnlySpan<byte> rest)
            || rest.Length != 1 + Fingerprint.Length || rest[0] > 1)
            return false;
        message = new ClaimLostMessage(body[0], address, rest[0] == 1, new Fingerprint(rest[1..]));
        return true;
    }
}

/// <summary>Reads what both messages begin with: u8 network, u8 family, the address.</summary>
internal static class ClaimedAddress
{
    /// <summary>Reads an address of family 4 or 6.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out IpAddress address, out ReadOnlySpan<byte> rest)
    {
        address = default;
        rest = default;
        int width = body.Length < 2 ? 0 : body[1] switch { 4 => 4, 6 => 16, _ => 0 };
        if (width == 0 || body.Length < 2 + width)
            return false;
        address = IpAddress.FromBytes(body.Slice(2, width));
        rest = body[(2 + width)..];
        // An IPv4 address in IPv6 dress would be a second spelling of one address.
        return address.Family == (width == 4 ? IpFamily.V4 : IpFamily.V6);
    }
}
