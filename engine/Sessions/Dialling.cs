using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>When a peer is dialled, and the one dial that may be under way.</summary>
/// <remarks>
/// A dial belongs to the tie-break as a whole (docs/wire-format.md §5): however many addresses it tries, only one
/// of their connections says Hello. Those that come later are closed before.
/// </remarks>
internal sealed class Dialling
{
    private readonly Backoff _backoff;
    private readonly Backoff _renewals;
    private readonly HashSet<long> _late = [];
    private AddressRace? _race;

    /// <summary>Nothing under way.</summary>
    /// <param name="random">For jitter.</param>
    /// <param name="first">When the first dial is due.</param>
    public Dialling(Random random, Instant first)
    {
        _backoff = new Backoff(random);
        _renewals = new Backoff(random);
        Next = first;
    }

    /// <summary>When a peer without a connection is dialled next.</summary>
    public Instant Next { get; private set; }

    /// <summary>Before this, a failed renewal is not tried again.</summary>
    public Instant NextRenewal { get; private set; }

    /// <summary>The dial under way, or null.</summary>
    public AddressRace? Race => _race;

    /// <summary>Whether this transport's dial is ours and has not ended, late ones included.</summary>
    public bool Owns(long dialId) => _race?.Owns(dialId) == true || _late.Contains(dialId);

    /// <summary>Begins with the first or the next address.</summary>
    public string Start(ImmutableArray<string> addresses, long dialId, Instant now)
    {
        _race ??= new AddressRace(addresses, now);
        return _race.Start(dialId, now);
    }

    /// <summary>One address came to nothing.</summary>
    /// <returns>Why the whole dial failed, when it has now.</returns>
    public CloseReason? OnFailed(long dialId, CloseReason reason, Instant now)
    {
        if (_late.Remove(dialId) || _race is not { } race || !race.Owns(dialId))
            return null;
        race.OnFailed(dialId, reason, now);
        if (!race.IsOver)
            return null;
        _race = null;
        return race.Failure;
    }

    /// <summary>One address has connected.</summary>
    /// <returns>False when another of the same dial was faster: this connection is not needed.</returns>
    public bool OnConnected(long dialId)
    {
        if (_late.Remove(dialId))
            return false;
        if (_race is not { } race || !race.Owns(dialId))
            return true;
        _race = null;
        foreach (long other in race.UnderWay)
        {
            if (other != dialId)
                _late.Add(other);
        }
        return true;
    }

    /// <summary>There is a connection that carries packets: addresses that have not begun need not.</summary>
    public void OnActive()
    {
        _race?.Abandon();
        if (_race is { IsOver: true })
            _race = null;
    }

    /// <summary>Waits longer after each failure.</summary>
    public void BackOff(CloseCode code, Instant now) => Next = now + _backoff.OnFailure(code);

    /// <summary>A renewal came to nothing; the connection that it was to replace goes on.</summary>
    public void BackOffRenewal(CloseCode code, Instant now) => NextRenewal = now + _renewals.OnFailure(code);

    /// <summary>A renewal succeeded.</summary>
    public void OnRenewed() => _renewals.Reset();

    /// <summary>A connection proved stable: failures before it count no more.</summary>
    public void OnStable() => _backoff.Reset();

    /// <summary>Forgets all failures and dials at the given time at the latest: the network or the configuration is another now.</summary>
    public void DialAfresh(Instant when)
    {
        _backoff.Reset();
        Next = Instant.Min(Next, when);
    }
}
