using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using VibePN.Contracts;

namespace VibePN.Engine.Trust;

/// <summary>The hashes of a comparison of two nodes (docs/wire-format.md §4.13). Pure.</summary>
internal static class VerificationCode
{
    private static ReadOnlySpan<byte> CommitLabel => "vibepn verify commit 1"u8;

    private static ReadOnlySpan<byte> DigitsLabel => "vibepn verify digits 1"u8;

    /// <summary>What the first node sends before it knows the second one's nonce.</summary>
    /// <param name="binding">The channel binding of the connection.</param>
    /// <param name="first">The node with the smaller fingerprint.</param>
    /// <param name="second">The other one.</param>
    /// <param name="firstNonce">The first node's nonce.</param>
    public static byte[] Commitment(ReadOnlySpan<byte> binding, Fingerprint first, Fingerprint second, ReadOnlySpan<byte> firstNonce) =>
        Hash(CommitLabel, binding, first, second, firstNonce, []);

    /// <summary>Six digits that both ends of one connection have alike, and two connections alike once in a million times.</summary>
    public static string Digits(
        ReadOnlySpan<byte> binding, Fingerprint first, Fingerprint second, ReadOnlySpan<byte> firstNonce, ReadOnlySpan<byte> secondNonce)
    {
        ulong number = BinaryPrimitives.ReadUInt64BigEndian(Hash(DigitsLabel, binding, first, second, firstNonce, secondNonce));
        return (number % 1_000_000).ToString("000000", CultureInfo.InvariantCulture);
    }

    // Every part but the binding has a fixed length, and the binding's stands before it: no two inputs have the same bytes.
    private static byte[] Hash(
        ReadOnlySpan<byte> label, ReadOnlySpan<byte> binding, Fingerprint first, Fingerprint second,
        ReadOnlySpan<byte> firstNonce, ReadOnlySpan<byte> secondNonce)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> part = stackalloc byte[Fingerprint.Length];
        hash.AppendData(label);
        BinaryPrimitives.WriteUInt16BigEndian(part, (ushort)binding.Length);
        hash.AppendData(part[..2]);
        hash.AppendData(binding);
        first.CopyTo(part);
        hash.AppendData(part);
        second.CopyTo(part);
        hash.AppendData(part);
        hash.AppendData(firstNonce);
        hash.AppendData(secondNonce);
        return hash.GetHashAndReset();
    }
}
