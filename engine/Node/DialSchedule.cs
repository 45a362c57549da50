using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Numbers the node's dials and holds them to 20 a second in all, whoever waited longest first.</summary>
/// <remarks>A peer whose turn has not come is not failed: it stays due, and is served before those that are due later.</remarks>
internal sealed class DialSchedule(Instant now)
{
    /// <summary>Dials a second, and how many may come at once.</summary>
    public const int DialsPerSecond = 20;

    private TokenBucket _tokens = new(DialsPerSecond, DialsPerSecond, now);
    private long _lastId;

    /// <summary>The peers whose time has come, in the order in which they are served.</summary>
    public static IReadOnlyList<PeerMachine> Due(IEnumerable<PeerMachine> peers, Instant now)
    {
        List<PeerMachine>? due = null;
        foreach (PeerMachine peer in peers)
        {
            if (peer.NextTimer <= now)
                (due ??= []).Add(peer);
        }
        return due is null ? [] : [.. due.OrderBy(peer => peer.DialDue)];
    }

    /// <summary>Draws the number of the next dial.</summary>
    /// <returns>Larger than all before; 0 when no dial may begin yet.</returns>
    public long TryDraw(Instant now) => _tokens.TryTake(now) ? ++_lastId : 0;

    /// <summary>Draws the number of a dial that an operator waits for.</summary>
    public long Draw() => ++_lastId;

    /// <summary>When a peer that has just been served wants to be served again.</summary>
    public Instant NextTurn(PeerMachine peer, Instant now) =>
        peer.NextTimer > now ? peer.NextTimer : Instant.Max(now, _tokens.NextToken);
}
