using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Engine.Addressing;

/// <summary>What <c>address = "auto"</c> means: an address inside a subnet, computed from names both ends know.</summary>
/// <remarks>
/// <para>
/// Every node computes the same chain of candidates for the same network name, node id and subnet. H(text) is
/// SHA-256 over the UTF-8 bytes of the text; i is written in decimal; numbers are big-endian.
/// </para>
/// <para>
/// IPv4, subnet of length L with base B. Candidate 0 is what the predecessor assigned: x = first 4 bytes of
/// H(network ":" id), offset = x AND (2^(32-L) - 2); it is left out when the offset is 0, for that is the
/// network address. Candidate i from 1: x = first 4 bytes of H(network ":" id ":" i),
/// offset = 1 + x mod (2^(32-L) - 2). The address is B + offset, so it is never the network or broadcast address.
/// </para>
/// <para>
/// IPv6, subnet of length L. Candidate i from 0: the host id is the last 8 bytes of H(network ":" id ":" i),
/// of which the low 128-L bits count when L is above 64; it is left out when they are 0, for that is the
/// subnet-router anycast address (RFC 4291 §2.6.1). Bits between L and 64 are 0.
/// </para>
/// </remarks>
public static class AutoAddress
{
    /// <summary>The longest IPv4 subnet: two usable hosts.</summary>
    public const int MaxLengthV4 = 30;

    /// <summary>The longest IPv6 subnet: three usable hosts.</summary>
    public const int MaxLengthV6 = 126;

    /// <summary>Indexes tried before the chain ends: enough to meet every host of a crowded /24.</summary>
    public const int MaxIndex = 4_096;

    /// <summary>The chain, lazily. An address may come twice.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="nodeId">The node's fingerprint as text, exactly as the configuration has it.</param>
    /// <param name="prefix">The subnet: IPv4 of length 1 to 30, or IPv6 of length 1 to 126.</param>
    /// <exception cref="ArgumentOutOfRangeException">The subnet has another length.</exception>
    public static IEnumerable<IpAddress> Candidates(string network, string nodeId, IpPrefix prefix)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan<int>(prefix.Length, 1, nameof(prefix));
        int max = prefix.Family == IpFamily.V4 ? MaxLengthV4 : MaxLengthV6;
        ArgumentOutOfRangeException.ThrowIfGreaterThan<int>(prefix.Length, max, nameof(prefix));
        return Chain(network, nodeId, prefix);
    }

    /// <summary>The first candidate: the node's address as long as nobody else has it.</summary>
    /// <inheritdoc cref="Candidates"/>
    public static IpAddress First(string network, string nodeId, IpPrefix prefix) =>
        Candidates(network, nodeId, prefix).First();

    private static IEnumerable<IpAddress> Chain(string network, string nodeId, IpPrefix prefix)
    {
        for (int i = 0; i <= MaxIndex; i++)
        {
            UInt128 offset = prefix.Family == IpFamily.V4
                ? OffsetV4(network, nodeId, prefix.Length, i)
                : OffsetV6(network, nodeId, prefix.Length, i);
            if (offset == 0)
                continue;
            yield return prefix.Family == IpFamily.V4
                ? IpAddress.FromV4((uint)(prefix.Address.Bits + offset))
                : IpAddress.FromV6(prefix.Address.Bits + offset);
        }
    }

    private static uint OffsetV4(string network, string nodeId, int length, int index)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        uint hosts = (uint)((1UL << (32 - length)) - 2);
        if (index == 0)
        {
            Hash($"{network}:{nodeId}", hash);
            return BinaryPrimitives.ReadUInt32BigEndian(hash) & hosts;
        }
        HashIndexed(network, nodeId, index, hash);
        return 1 + (BinaryPrimitives.ReadUInt32BigEndian(hash) % hosts);
    }

    private static ulong OffsetV6(string network, string nodeId, int length, int index)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        HashIndexed(network, nodeId, index, hash);
        ulong hostId = BinaryPrimitives.ReadUInt64BigEndian(hash[^8..]);
        return length > 64 ? hostId & (ulong.MaxValue >> (length - 64)) : hostId;
    }

    private static void HashIndexed(string network, string nodeId, int index, Span<byte> hash) =>
        Hash(string.Create(CultureInfo.InvariantCulture, $"{network}:{nodeId}:{index}"), hash);

    private static void Hash(string text, Span<byte> hash) => SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
}
