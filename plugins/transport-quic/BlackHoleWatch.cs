namespace VibePN.Plugins.TransportQuic;

/// <summary>Notices when a path that carried large packets carries only small ones any more, without a word (RFC 8899 §4.3).</summary>
/// <remarks>
/// A link that shrinks behind a firewall swallows what is too large for it, and QUIC goes on: acknowledgements and
/// keepalives are small. Then nearly all large packets are lost, over two looks in a row: an outage of the whole
/// path ends with as many losses, but large packets pass again after it. The loop's thread; looked at once a second.
/// </remarks>
internal sealed class BlackHoleWatch
{
    /// <summary>What every path carries that QUIC works on, in bytes of UDP payload (RFC 9000 §14).</summary>
    public const int SmallestPath = 1200;

    private const int FewestLosses = 8;
    private const ulong Retry = 600_000_000_000; // RFC 8899 §5.1.1: PMTU_RAISE_TIMER

    private double _sent;
    private double _lost;
    private bool _isSuspected;
    private bool _hasNewLoss;
    private ulong _retryAt = ulong.MaxValue;

    /// <summary>Whether only the smallest packets are to be sent now.</summary>
    public bool IsBlack { get; private set; }

    /// <summary>A packet larger than <see cref="SmallestPath"/> was sent.</summary>
    public void OnSent() => _sent++;

    /// <summary>One was lost.</summary>
    public void OnLost()
    {
        _lost++;
        _hasNewLoss = true;
    }

    /// <summary>What was lost until now may have been lost for another reason.</summary>
    public void Forget() => (_sent, _lost, _isSuspected, _hasNewLoss) = (0, 0, false, false);

    /// <summary>Draws the conclusion.</summary>
    /// <param name="now">The time, in nanoseconds.</param>
    /// <returns>Whether <see cref="IsBlack"/> has changed: to true when it is noticed, to false when it is time to try again.</returns>
    public bool Look(ulong now)
    {
        if (IsBlack)
        {
            if (now < _retryAt)
                return false;
            IsBlack = false;
            (_sent, _lost, _isSuspected) = (0, 0, false);
            return true;
        }
        bool isBad = _hasNewLoss && _lost >= FewestLosses && _lost >= 0.9 * _sent;
        IsBlack = isBad && _isSuspected;
        // A look without a loss says nothing: the sender may only be waiting.
        _isSuspected = isBad || (_isSuspected && !_hasNewLoss);
        _hasNewLoss = false;
        // The old counts half as much as the new: losses are known a while after the sending.
        if (!isBad)
            (_sent, _lost) = (_sent / 2, _lost / 2);
        if (IsBlack)
            _retryAt = now + Retry;
        return IsBlack;
    }
}
