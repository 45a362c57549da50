using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Policy;

/// <summary>Leaves routes unused that come and go too often (RFC 2439, with the limits of RFC 7196). One network's.</summary>
/// <remarks>
/// Each withdraw and each change adds to a penalty that halves every minute. A route whose penalty reaches 6,000 is
/// suppressed until it has decayed to 750; the penalty never exceeds 12,000, so that takes 240 s at most after the last
/// change. A session that ends is no flap: the routes did not change their mind. One owner, no clock.
/// </remarks>
internal sealed class FlapDamping
{
    /// <summary>Added by a withdraw.</summary>
    public const double WithdrawPenalty = 1_000;

    /// <summary>Added by another metric.</summary>
    public const double ChangePenalty = 500;

    /// <summary>Where suppression begins.</summary>
    public const double SuppressAt = 6_000;

    /// <summary>Where it ends.</summary>
    public const double ReuseAt = 750;

    /// <summary>The largest penalty.</summary>
    public const double Ceiling = 12_000;

    /// <summary>Routes of one peer that are remembered; of more, the best behaved are forgotten.</summary>
    public const int MaxPerPeer = 1_024;

    /// <summary>In which time a penalty halves.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(60);

    // Below half of where reuse begins a route counts as quiet again, and nothing is remembered of it.
    private const double Forgotten = ReuseAt / 2;

    private readonly SortedDictionary<Fingerprint, Dictionary<IpPrefix, Record>> _peers = [];

    /// <summary>When <see cref="Release"/> is to be called: the earliest end of a suppression, or before.</summary>
    public Instant NextReuse { get; private set; } = Instant.Never;

    /// <summary>Every suppressed route, by peer, then prefix.</summary>
    public IEnumerable<(Fingerprint Peer, IpPrefix Prefix)> Suppressed =>
        from peer in _peers
        from record in peer.Value.OrderBy(record => record.Key)
        where record.Value.ReuseTime is not null
        select (peer.Key, record.Key);

    /// <summary>A route was withdrawn.</summary>
    public void OnWithdraw(Fingerprint peer, IpPrefix prefix, Instant now) => Add(peer, prefix, WithdrawPenalty, now);

    /// <summary>A route was announced with another metric.</summary>
    public void OnChange(Fingerprint peer, IpPrefix prefix, Instant now) => Add(peer, prefix, ChangePenalty, now);

    /// <summary>What is remembered of a route; null when it is quiet.</summary>
    public DampingState? StateOf(Fingerprint peer, IpPrefix prefix, Instant now)
    {
        if (!_peers.TryGetValue(peer, out Dictionary<IpPrefix, Record>? records) || !records.TryGetValue(prefix, out Record record))
            return null;
        double penalty = Decayed(record, now);
        return penalty < Forgotten && record.ReuseTime is null ? null : new DampingState(penalty, record.ReuseTime);
    }

    /// <summary>Whether a route is suppressed.</summary>
    public bool IsSuppressed(Fingerprint peer, IpPrefix prefix, Instant now) => StateOf(peer, prefix, now)?.ReuseTime is not null;

    /// <summary>Ends the suppressions whose time has come.</summary>
    /// <returns>The routes that may be used again.</returns>
    public IReadOnlyList<(Fingerprint Peer, IpPrefix Prefix)> Release(Instant now)
    {
        if (now < NextReuse)
            return [];
        var released = new List<(Fingerprint, IpPrefix)>();
        foreach ((Fingerprint peer, IpPrefix prefix) in Suppressed.ToArray())
        {
            Record record = _peers[peer][prefix];
            if (now < record.ReuseTime)
                continue;
            _peers[peer][prefix] = record with { ReuseTime = null };
            released.Add((peer, prefix));
        }
        NextReuse = Suppressed.Aggregate(
            Instant.Never, (next, route) => Instant.Min(next, _peers[route.Peer][route.Prefix].ReuseTime ?? Instant.Never));
        return released;
    }

    private void Add(Fingerprint peer, IpPrefix prefix, double penalty, Instant now)
    {
        if (!_peers.TryGetValue(peer, out Dictionary<IpPrefix, Record>? records))
            _peers.Add(peer, records = []);
        bool known = records.TryGetValue(prefix, out Record record);
        if (!known && records.Count >= MaxPerPeer)
            Thin(records, now);
        double sum = Math.Min(Ceiling, (known ? Decayed(record, now) : 0) + penalty);
        bool suppressed = sum >= SuppressAt || (known && record.ReuseTime > now);
        Instant? reuse = suppressed ? now + TimeToReuse(sum) : null;
        records[prefix] = new Record(sum, now, reuse);
        // It may have been the earliest and be later now: then Release is called once for nothing.
        NextReuse = Instant.Min(NextReuse, reuse ?? Instant.Never);
    }

    /// <summary>Makes room: forgets what is quiet, or else the one with the smallest penalty.</summary>
    private static void Thin(Dictionary<IpPrefix, Record> records, Instant now)
    {
        (IpPrefix Prefix, double Penalty)[] byPenalty =
            [.. records.Select(pair => (pair.Key, Decayed(pair.Value, now))).OrderBy(pair => pair.Item2).ThenBy(pair => pair.Key)];
        for (int i = 0; i < byPenalty.Length && (i == 0 || byPenalty[i].Penalty < Forgotten); i++)
            records.Remove(byPenalty[i].Prefix);
    }

    private static double Decayed(Record record, Instant now) =>
        record.Penalty * Math.Pow(2, -((now - record.At) / HalfLife));

    private static TimeSpan TimeToReuse(double penalty) =>
        TimeSpan.FromTicks((long)Math.Ceiling(HalfLife.Ticks * Math.Log2(penalty / ReuseAt)));

    private readonly record struct Record(double Penalty, Instant At, Instant? ReuseTime);
}

/// <summary>How restless a route is.</summary>
/// <param name="Penalty">0 to 12,000.</param>
/// <param name="ReuseTime">When it may be used again; null while it is not suppressed.</param>
internal readonly record struct DampingState(double Penalty, Instant? ReuseTime);
