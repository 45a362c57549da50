namespace VibePN.Engine.Sessions;

/// <summary>Every duration of the session layer, in one place. docs/architecture.md explains the promises behind them.</summary>
internal static class SessionTimes
{
    /// <summary>A responder closes a connection whose Hello has not come by then.</summary>
    public static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A control message that has begun must be complete by then: who dribbles bytes only costs memory.</summary>
    public static readonly TimeSpan MessageTimeout = TimeSpan.FromSeconds(5);

    /// <summary>An idle peer is asked for an answer this often, give or take a tenth.</summary>
    public static readonly TimeSpan KeepaliveInterval = TimeSpan.FromSeconds(5);

    /// <summary>An idle peer that proved nothing for this long is dead.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(15);

    /// <summary>How often is looked whether packets flow.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>While packets flow, the peer is asked this often.</summary>
    public static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(600);

    /// <summary>
    /// Packets count as flowing for this long after the last was seen: the one more question that it takes finds a path
    /// that broke right then, also for the end that only received.
    /// </summary>
    public static readonly TimeSpan BusyLinger = TimeSpan.FromSeconds(2);

    /// <summary>
    /// While packets flow, a question must be answered by then. Together with <see cref="BusyInterval"/> a path that
    /// breaks is found after 2.5 s in the worst case: the 3 s that are promised leave room for a busy machine.
    /// </summary>
    public static readonly TimeSpan BusyTimeout = TimeSpan.FromMilliseconds(1_900);

    /// <summary>A timer that comes this much too late says that we ourselves did not run: no peer is to blame.</summary>
    public static readonly TimeSpan Overslept = TimeSpan.FromSeconds(1);

    /// <summary>After a change of the machine's network a live peer must answer by then at the latest.</summary>
    public static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    /// <summary>After a change of the machine's network a live peer has at least this long to answer.</summary>
    public static readonly TimeSpan ProbeFloor = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that ran no turn for this much longer than it meant to was suspended: its network is another now.</summary>
    public static readonly TimeSpan SuspendGap = TimeSpan.FromSeconds(10);

    /// <summary>The next address of a peer is tried this long after the one before it.</summary>
    public static readonly TimeSpan AddressStagger = TimeSpan.FromMilliseconds(250);

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

    /// <summary>Back-off after a limit was exceeded, and how long such a peer is not let in.</summary>
    public static readonly TimeSpan ExcessBackoff = TimeSpan.FromSeconds(60);

    /// <summary>A peer that asks for more than its share for this long loses its session.</summary>
    public static readonly TimeSpan ExcessTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Invalid items are counted over this long.</summary>
    public static readonly TimeSpan InvalidWindow = TimeSpan.FromSeconds(60);

    /// <summary>Changes of a peer's instance are counted over this long.</summary>
    public static readonly TimeSpan CloneWindow = TimeSpan.FromSeconds(60);

    /// <summary>With two daemons behind one certificate, the present connection is kept for this long.</summary>
    public static readonly TimeSpan CloneFreeze = TimeSpan.FromSeconds(60);

    /// <summary>The longest that anybody's routes are kept after a goodbye, whatever was asked.</summary>
    public static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(120);

    /// <summary>
    /// The node with the larger fingerprint waits up to this long before its first dial, so that a cold start
    /// seldom makes two connections. Only an economy: nothing relies on it.
    /// </summary>
    public static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(60);

    /// <summary>
    /// A connection whose networks have changed is closed when no new one has replaced it by then, so that the two ends
    /// meet anew after all.
    /// </summary>
    public static readonly TimeSpan AgreementTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A peer that asks for a new connection gets it no sooner than this after the one it has: far below
    /// <see cref="AgreementTimeout"/>, after which it would give up.
    /// </summary>
    public static readonly TimeSpan RenewSpacing = TimeSpan.FromSeconds(1);

    /// <summary>A drained connection is closed this long after both ends said Drain.</summary>
    public static readonly TimeSpan DrainLinger = TimeSpan.FromMilliseconds(200);

    /// <summary>A drained connection is closed at the latest this long after our own Drain.</summary>
    public static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(3);
}
