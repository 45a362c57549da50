using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Routes;

/// <summary>A 64-bit summary of a set of announcements that both ends can keep up to date item by item.</summary>
/// <remarks>
/// The set's hash is the XOR of its items' hashes, so order does not matter and a removal undoes an addition. It
/// finds disagreement by accident; a peer that lies about its own routes gains nothing by a collision.
/// </remarks>
internal static class RouteDigest
{
    private const ulong OffsetBasis = 0xcbf2_9ce4_8422_2325; // FNV-1a, 64 bit
    private const ulong Prime = 0x0000_0100_0000_01b3;

    /// <summary>FNV-1a over family, length, address (16 bytes, IPv4 in the last four) and metric, big-endian.</summary>
    public static ulong HashOf(IpPrefix prefix, uint metric)
    {
        Span<byte> item = stackalloc byte[22];
        item[0] = (byte)prefix.Family;
        item[1] = prefix.Length;
        BinaryPrimitives.WriteUInt128BigEndian(item[2..], prefix.Address.Bits);
        BinaryPrimitives.WriteUInt32BigEndian(item[18..], metric);
        ulong hash = OffsetBasis;
        foreach (byte value in item)
            hash = (hash ^ value) * Prime;
        return hash;
    }
}
