using System.Security.Cryptography;

namespace VibePN.Invites;

/// <summary>The proof that whoever redeems an invite has it, good for one connection and one node only.</summary>
/// <remarks>HMAC-SHA256(secret, channel binding ‖ id ‖ SHA-256 of the joiner's certificate). The secret is never sent.</remarks>
public static class InviteProof
{
    /// <summary>Bytes of a proof.</summary>
    public const int Length = HMACSHA256.HashSizeInBytes;

    /// <summary>Bytes of a channel binding: what the TLS exporter gives.</summary>
    public const int BindingLength = 32;

    /// <summary>Makes the proof.</summary>
    /// <param name="secret">The invite's.</param>
    /// <param name="channelBinding">Of the connection that carries the proof (RFC 9266).</param>
    /// <param name="id">The invite's, 32 hexadecimal digits.</param>
    /// <param name="joiner">The joiner's fingerprint, 64 hexadecimal digits.</param>
    /// <exception cref="ArgumentException">There is no channel binding: a proof without it could be replayed.</exception>
    public static byte[] Compute(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> channelBinding, string id, string joiner)
    {
        if (channelBinding.Length != BindingLength)
            throw new ArgumentException($"A channel binding has {BindingLength} bytes.", nameof(channelBinding));
        return HMACSHA256.HashData(secret, [.. channelBinding, .. Convert.FromHexString(id), .. Convert.FromHexString(joiner)]);
    }

    /// <summary>Whether a proof is right, in a time that does not depend on it.</summary>
    /// <inheritdoc cref="Compute"/>
    /// <param name="proof">What was sent.</param>
    /// <param name="secret">The invite's.</param>
    /// <param name="channelBinding">Of the connection that carried it; an empty one proves nothing.</param>
    /// <param name="id">The invite's.</param>
    /// <param name="joiner">The fingerprint that the joiner showed in the handshake.</param>
    public static bool Verify(
        ReadOnlySpan<byte> proof, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> channelBinding, string id, string joiner) =>
        channelBinding.Length == BindingLength
        && CryptographicOperations.FixedTimeEquals(proof, Compute(secret, channelBinding, id, joiner));
}
