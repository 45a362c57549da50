using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What one peer may ask of us over all its connections, and what happens when it asks for more.</summary>
/// <remarks>
/// What is too much waits; nothing is thrown away. A peer that has messages waiting for 10 s without a pause, or that
/// sends invalid items again and again, loses its session and is not let in for 60 s. Others never notice.
/// </remarks>
internal sealed class Conduct(Instant now)
{
    /// <summary>Control messages that are read each second, after a burst of twice as many.</summary>
    public const int MessagesPerSecond = 200;

    /// <summary>Changes of routes that are taken each second, after a burst of ten times as many.</summary>
    public const int RouteChangesPerSecond = 100;

    /// <summary>Invalid items within a minute that end the session.</summary>
    public const int MaxInvalid = 10;

    private readonly Queue<Instant> _invalid = new();
    private TokenBucket _messages = new(MessagesPerSecond, 2 * MessagesPerSecond, now);
    private TokenBucket _routeChanges = new(RouteChangesPerSecond, 10 * RouteChangesPerSecond, now);
    private Instant? _waitingSince;

    /// <summary>When the next message may be read; may lie in the past.</summary>
    public Instant NextRead => Instant.Max(_messages.NextToken, _routeChanges.NextToken);

    /// <summary>When the peer will have had messages waiting for too long.</summary>
    public Instant PatienceEnds => _waitingSince is { } since ? since + SessionTimes.ExcessTimeout : Instant.Never;

    /// <summary>Until when no connection of the peer is taken.</summary>
    public Instant BarredUntil { get; private set; }

    /// <summary>A message was read.</summary>
    public void OnMessage(Instant now) => _messages.Spend(1, now);

    /// <summary>Route items were read beyond those that are free.</summary>
    public void OnRouteItems(int items, Instant now) => _routeChanges.Spend(items, now);

    /// <summary>An item was invalid, though its message was well-formed.</summary>
    public void OnInvalidItem(Instant now)
    {
        _invalid.Enqueue(now);
        while (_invalid.Count > MaxInvalid)
            _invalid.Dequeue();
    }

    /// <summary>Whether invalid items have become too many.</summary>
    public bool IsInvalid(Instant now) => _invalid.Count >= MaxInvalid && now - _invalid.Peek() < SessionTimes.InvalidWindow;

    /// <summary>Messages have to wait.</summary>
    public void OnWaiting(Instant now) => _waitingSince ??= now;

    /// <summary>No message waits any more.</summary>
    public void OnCaughtUp() => _waitingSince = null;

    /// <summary>The peer loses its session for its conduct: it starts afresh after a while.</summary>
    public void Bar(Instant until)
    {
        BarredUntil = Instant.Max(BarredUntil, until);
        _waitingSince = null;
        _invalid.Clear();
    }

    /// <summary>Lets the peer in again: the operator changed something.</summary>
    public void Forgive() => BarredUntil = default;
}
