using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Decides when a change of the machine's network is acted on, and notices that the node was suspended.</summary>
/// <remarks>
/// The first change counts at once. Our own interfaces change the machine's network too, and some machines' networks
/// change all the time: changes that follow each other closely count as one, at the end of 1 s, later of up to 5 s.
/// </remarks>
internal sealed class NetworkWatch
{
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QuietAfter = TimeSpan.FromSeconds(10);

    private Instant _acted;
    private Instant _turnDue = Instant.Never;
    private TimeSpan _interval;
    private bool _isWanted;

    /// <summary>When a change that waits is to be acted on; never when none waits.</summary>
    public Instant NextTimer => _isWanted ? _acted + _interval : Instant.Never;

    /// <summary>Something changed.</summary>
    public void OnChanged() => _isWanted = true;

    /// <summary>A turn of the control loop begins.</summary>
    /// <returns>Whether a change is to be acted on now.</returns>
    public bool OnTurn(Instant now)
    {
        // The loop promised to be back by then. Who oversleeps like this was stopped, and the world went on.
        _isWanted |= _turnDue != Instant.Never && now - _turnDue > SessionTimes.SuspendGap;
        if (!_isWanted || now < NextTimer)
            return false;
        _isWanted = false;
        TimeSpan doubled = _interval * 2;
        _interval = _interval == TimeSpan.Zero || now - _acted > QuietAfter ? FirstInterval
            : doubled < LongestInterval ? doubled : LongestInterval;
        _acted = now;
        return true;
    }

    /// <summary>A turn ends; the next one is due then at the latest.</summary>
    public void OnTurnEnded(Instant next) => _turnDue = next;
}
