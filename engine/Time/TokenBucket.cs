namespace VibePN.Engine.Time;

/// <summary>Lets through so many events a second, with a burst. One owner; a mutable value for a field.</summary>
/// <remarks>
/// Kept as one number, the time at which the bucket would be full (the generic cell rate algorithm), so that nothing
/// is lost to rounding between takes. Full at the start. The default value lets nothing through.
/// </remarks>
internal struct TokenBucket
{
    private readonly long _perToken;
    private readonly long _depth;
    private long _full;

    /// <summary>A full bucket.</summary>
    /// <param name="perSecond">Tokens that flow in each second, 1 to 1,000,000.</param>
    /// <param name="burst">Tokens it holds, 1 to 1,000,000.</param>
    /// <param name="now">The present.</param>
    public TokenBucket(int perSecond, int burst, Instant now)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(burst);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(perSecond, 1_000_000);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(burst, 1_000_000);
        _perToken = 1_000_000_000 / perSecond;
        _depth = _perToken * burst;
        _full = now.Nanoseconds;
    }

    /// <summary>When there is a token (again), if none is taken before; may lie in the past.</summary>
    public readonly Instant NextToken => _perToken == 0 ? Instant.Never : new Instant(_full + _perToken - _depth);

    /// <summary>Takes tokens that may not be there yet: whoever asks later waits until they have flowed in.</summary>
    public void Spend(int tokens, Instant now) => _full = Math.Max(_full, now.Nanoseconds) + (_perToken * tokens);

    /// <summary>Takes one token.</summary>
    /// <returns>False when there is none; nothing is taken then.</returns>
    public bool TryTake(Instant now)
    {
        long full = Math.Max(_full, now.Nanoseconds) + _perToken;
        if (_perToken == 0 || full - now.Nanoseconds > _depth)
            return false;
        _full = full;
        return true;
    }
}
