namespace VibePN.Engine.Sessions;

/// <summary>Every duration of the session layer, in one place. docs/architecture.md explains the promises behind them.</summary>
internal static class SessionTimes
{
    /// <summary>A responder closes a connection whose Hello has not come by then.</summary>
    public static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(2);

    /// <summary>An idle connection is asked for a sign of life this often.</summary>
    public static readonly TimeSpan KeepaliveInterval = TimeSpan.FromSeconds(5);

    /// <summary>An idle peer that is silent for this long is dead.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(15);

    /// <summary>How often traffic and silence are compared.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A peer that we send to and that is silent for this long is probed.</summary>
    public static readonly TimeSpan SuspectAfter = TimeSpan.FromMilliseconds(800);

    /// <summary>A suspected peer that is silent for this long in all is dead.</summary>
    public static readonly TimeSpan TrafficTimeout = TimeSpan.FromMilliseconds(2_500);

    /// <summary>First bound of the dial back-off; doubles with each failure.</summary>
    public static readonly TimeSpan BackoffBase = TimeSpan.FromMilliseconds(500);

    /// <summary>Largest bound of the dial back-off.</summary>
    public static readonly TimeSpan BackoffCap = TimeSpan.FromSeconds(30);

    /// <summary>Smallest wait between two dials of one peer.</summary>
    public static readonly TimeSpan BackoffFloor = TimeSpan.FromMilliseconds(50);

    /// <summary>A connection that lived this long clears the back-off.</summary>
    public static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);

    /// <summary>First bound of the back-off after a refused certificate: only an operator can mend that.</summary>
    public static readonly TimeSpan TrustBackoffBase = TimeSpan.FromSeconds(60);

    /// <summary>Largest bound of the back-off after a refused certificate.</summary>
    public static readonly TimeSpan TrustBackoffCap = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The node with the larger fingerprint waits up to this long before its first dial, so that a cold start
    /// seldom makes two connections. Only an economy: nothing relies on it.
    /// </summary>
    public static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(60);

    /// <summary>A drained connection is closed this long after both ends said Drain.</summary>
    public static readonly TimeSpan DrainLinger = TimeSpan.FromMilliseconds(200);

    /// <summary>A drained connection is closed at the latest this long after our own Drain.</summary>
    public static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(3);

}
