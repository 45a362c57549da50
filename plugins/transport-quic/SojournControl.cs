namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// Decides which packets waited too long: controlled delay (RFC 8289) with a 5 ms target over 100 ms, and a hard
/// limit for what a stalled connection held back.
/// </summary>
internal struct SojournControl
{
    private const long Target = 5_000_000;
    private const long Interval = 100_000_000;
    private const long Oldest = 1_000_000_000;

    // A burst of this many bytes, about 64 full packets, is never dropped for waiting.
    private const long BurstBytes = 64 * 1500;

    private long _firstAbove;
    private long _dropNext;
    private int _dropped;
    private bool _dropping;

    /// <summary>Whether a packet waited so long that nobody can want it any more.</summary>
    public static bool IsTooOld(long waited) => waited > Oldest;

    /// <summary>Whether the oldest packet is to be dropped, or marked.</summary>
    /// <param name="waited">How long it waited, in nanoseconds.</param>
    /// <param name="queuedBytes">Bytes waiting, this packet's included.</param>
    public bool ShouldDrop(long waited, long queuedBytes, long now)
    {
        if (IsTooOld(waited))
            return true;
        if (waited < Target || queuedBytes <= BurstBytes)
        {
            _firstAbove = 0;
            _dropping = false;
            return false;
        }
        if (_firstAbove == 0)
        {
            _firstAbove = now + Interval;
            return false;
        }
        if (now < _firstAbove)
            return false;
        if (!_dropping)
        {
            // Back above the target soon after the last time: go on about where the dropping had got to.
            _dropped = now - _dropNext < 16 * Interval && _dropped > 2 ? _dropped - 2 : 1;
            _dropping = true;
            _dropNext = now + NextGap();
            return true;
        }
        if (now < _dropNext)
            return false;
        _dropped++;
        _dropNext += NextGap();
        return true;
    }

    private readonly long NextGap() => (long)(Interval / Math.Sqrt(_dropped));
}
