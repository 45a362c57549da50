namespace VibePN.Engine.Control;

/// <summary>The first node of a comparison binds itself to a nonce that it keeps back (docs/wire-format.md §4.13).</summary>
/// <param name="Commitment">SHA-256 over connection, both nodes and the nonce; borrowed.</param>
internal readonly ref struct VerifyCommitMessage(ReadOnlySpan<byte> Commitment)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = VerifyLimits.Hash;

    /// <summary>SHA-256 over connection, both nodes and the nonce.</summary>
    public ReadOnlySpan<byte> Commitment { get; } = Commitment;

    /// <summary>Reads the body of a VerifyCommit.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out VerifyCommitMessage message)
    {
        message = body.Length == Body ? new VerifyCommitMessage(body) : default;
        return body.Length == Body;
    }
}

/// <summary>The second node's nonce, in answer to a commitment.</summary>
/// <param name="Commitment">The commitment it answers; borrowed.</param>
/// <param name="Nonce">The nonce; borrowed.</param>
internal readonly ref struct VerifyNonceMessage(ReadOnlySpan<byte> Commitment, ReadOnlySpan<byte> Nonce)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = VerifyLimits.Hash + VerifyLimits.Nonce;

    /// <summary>The commitment it answers.</summary>
    public ReadOnlySpan<byte> Commitment { get; } = Commitment;

    /// <summary>The nonce.</summary>
    public ReadOnlySpan<byte> Nonce { get; } = Nonce;

    /// <summary>Reads the body of a VerifyNonce.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out VerifyNonceMessage message)
    {
        message = body.Length == Body
            ? new VerifyNonceMessage(body[..VerifyLimits.Hash], body[VerifyLimits.Hash..])
            : default;
        return body.Length == Body;
    }
}

/// <summary>The first node's nonce, now that it has the second one's.</summary>
/// <param name="Nonce">The nonce; borrowed.</param>
internal readonly ref struct VerifyRevealMessage(ReadOnlySpan<byte> Nonce)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = VerifyLimits.Nonce;

    /// <summary>The nonce.</summary>
    public ReadOnlySpan<byte> Nonce { get; } = Nonce;

    /// <summary>Reads the body of a VerifyReveal.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out VerifyRevealMessage message)
    {
        message = body.Length == Body ? new VerifyRevealMessage(body) : default;
        return body.Length == Body;
    }
}

/// <summary>Sizes of a comparison's parts, in bytes.</summary>
internal static class VerifyLimits
{
    public const int Hash = 32;

    public const int Nonce = 32;
}
