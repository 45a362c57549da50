namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// Decides when the loop lets datagrams gather before it looks again: while many keep coming, as a network card moderates its
/// interrupts.
/// </summary>
/// <remarks>
/// Every turn has a fixed price: to be woken, to ask the kernel, to write a message to the interface, to acknowledge. A loop
/// that looks as soon as something is there pays it for a few datagrams each. A transfer that ends within a few turns never
/// meets a pause, nor does a loop that cannot keep up: it finds full batches. Belongs to the loop's thread.
/// </remarks>
internal struct ReceivePause
{
    /// <summary>Datagrams that make a turn a burst.</summary>
    public const int BurstDatagrams = 12;

    /// <summary>Bursts in a row before the first pause.</summary>
    public const int BurstsInRow = 8;

    /// <summary>Time after which the next burst begins a new row, in nanoseconds.</summary>
    public const ulong LongestGap = 2_000_000;

    private int _bursts;
    private ulong _last;

    /// <summary>A turn is over.</summary>
    /// <param name="datagrams">How many it received.</param>
    /// <param name="isFull">Whether there may be more where they came from.</param>
    /// <param name="now">When it began, in nanoseconds.</param>
    /// <returns>Whether to let more gather before the next.</returns>
    public bool OnTurn(long datagrams, bool isFull, ulong now)
    {
        if (datagrams < BurstDatagrams)
            return false;
        _bursts = now - _last <= LongestGap ? Math.Min(_bursts + 1, BurstsInRow) : 1;
        _last = now;
        return _bursts == BurstsInRow && !isFull;
    }
}
