using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Policy;
using VibePN.Engine.Time;

namespace VibePN.Engine.Routes;

/// <summary>All that peers announced in one network: what was accepted and, to answer for it, what was refused.</summary>
/// <remarks>
/// Every entry belongs to the peer that announced it; nothing that one peer says touches another's. Entries
/// expire unless the peer repeats its digest. Those of a peer that left and will be back are stale: kept as a last choice
/// until it announces them again, its next full set is complete, or the time it asked for is over. One owner, no locks.
/// </remarks>
internal sealed class RouteTable
{
    /// <summary>An entry that is not confirmed for this long is dropped: 3.5 digests.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(210);

    private readonly SortedList<Fingerprint, PeerRoutes> _peers = [];

    /// <summary>Grows with each change of the accepted candidates.</summary>
    public long Version { get; private set; }

    /// <summary>Announcements so far: the moment a full set begins, in this table's own counting.</summary>
    public long Heard { get; private set; }

    /// <summary>Accepted candidates.</summary>
    public int Count { get; private set; }

    /// <summary>All announcements by what became of them.</summary>
    public RouteStates States
    {
        get
        {
            var states = new RouteStates(0, 0, 0);
            foreach (PeerRoutes routes in _peers.Values)
            {
                bool isHeld = routes.StaleUntil != Instant.Never;
                states = new RouteStates(
                    states.Accepted + (isHeld ? 0 : routes.Accepted), states.Held + (isHeld ? routes.Accepted : 0),
                    states.Refused + routes.Entries.Count - routes.Accepted);
            }
            return states;
        }
    }

    /// <summary>The earliest expiry.</summary>
    public Instant NextExpiry
    {
        get
        {
            Instant next = Instant.Never;
            foreach (PeerRoutes routes in _peers.Values)
                next = Instant.Min(next, Instant.Min(routes.ExpiresAt, routes.StaleUntil));
            return Planted.Is(PlantedDefect.NeverExpired) ? Instant.Never : next;
        }
    }

    /// <summary>The version at which the accepted candidates of one peer last changed; 0 when it has none.</summary>
    public long VersionOf(Fingerprint peer) => _peers.TryGetValue(peer, out PeerRoutes? routes) ? routes.Version : 0;

    /// <summary>An equal table that changes independently of this one.</summary>
    public RouteTable Copy()
    {
        var copy = new RouteTable { Version = Version, Heard = Heard, Count = Count };
        foreach ((Fingerprint peer, PeerRoutes routes) in _peers)
            copy._peers.Add(peer, routes.Copy());
        return copy;
    }

    /// <summary>Accepted candidates of one peer.</summary>
    public int CountFrom(Fingerprint peer) => _peers.TryGetValue(peer, out PeerRoutes? routes) ? routes.Accepted : 0;

    /// <summary>Accepted candidates of one peer, this prefix left out: what a limit is compared with when it is announced (again).</summary>
    public int CountBeside(Fingerprint peer, IpPrefix prefix) => CountFrom(peer) - (HasAccepted(peer, prefix) ? 1 : 0);

    /// <summary>Whether the peer announced this prefix, refused or not.</summary>
    public bool Has(Fingerprint peer, IpPrefix prefix) =>
        _peers.TryGetValue(peer, out PeerRoutes? routes) && routes.Entries.ContainsKey(prefix);

    /// <summary>Whether the peer's announcement of this prefix is accepted at present.</summary>
    public bool HasAccepted(Fingerprint peer, IpPrefix prefix) => _peers.TryGetValue(peer, out PeerRoutes? routes)
        && routes.Entries.TryGetValue(prefix, out Entry? entry) && entry.Accepted is not null;

    /// <summary>Whether another peer's announcement of this prefix is accepted at present.</summary>
    public bool HasAcceptedFromOther(Fingerprint peer, IpPrefix prefix) => _peers.Any(other => other.Key != peer
        && other.Value.Entries.TryGetValue(prefix, out Entry? entry) && entry.Accepted is not null);

    /// <summary>Who announces exactly this prefix and may: whom only a better claim, or our own, keeps from having it.</summary>
    public IEnumerable<Fingerprint> ClaimantsOf(IpPrefix prefix) => _peers
        .Where(peer => peer.Value.Entries.TryGetValue(prefix, out Entry? entry) && entry.Judgement.IsClaim)
        .Select(peer => peer.Key);

    /// <summary>The metric of the peer's last announcement of this prefix, refused or not; null when there is none.</summary>
    public uint? MetricOf(Fingerprint peer, IpPrefix prefix) => _peers.TryGetValue(peer, out PeerRoutes? routes)
        && routes.Entries.TryGetValue(prefix, out Entry? entry) ? entry.AnnouncedMetric : null;

    /// <summary>Entries of one peer, refused ones included.</summary>
    public int EntriesFrom(Fingerprint peer) => _peers.TryGetValue(peer, out PeerRoutes? routes) ? routes.Entries.Count : 0;

    /// <summary>Remembers an announcement.</summary>
    /// <param name="peer">Who announced it.</param>
    /// <param name="prefix">What.</param>
    /// <param name="announcedMetric">The metric as announced, for the digest.</param>
    /// <param name="judgement">The accepted candidate, or null with the reason it was refused for.</param>
    /// <param name="now">The time.</param>
    public void Announce(Fingerprint peer, IpPrefix prefix, uint announcedMetric, RouteJudgement judgement, Instant now)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            _peers.Add(peer, routes = new PeerRoutes());
        routes.ExpiresAt = now + Lifetime;
        Heard++;
        routes.Entries.TryGetValue(prefix, out Entry? old);
        if (old is { IsStale: false } && old.AnnouncedMetric == announcedMetric
            && AreSame(old.Accepted, judgement.Verdict.Candidate))
        {
            routes.Entries[prefix] = old with { Heard = Heard, Judgement = judgement };
            return;
        }
        if (old is not null)
            Forget(routes, prefix, old);
        routes.Entries[prefix] = new Entry(announcedMetric, judgement, now, Heard);
        routes.Hash ^= RouteDigest.HashOf(prefix, announcedMetric);
        if (judgement.Verdict.Candidate is null)
            return;
        routes.Accepted++;
        Count++;
        routes.Version = ++Version;
    }

    /// <summary>Forgets one announcement of this peer. Other peers' routes to the prefix stay.</summary>
    public void Withdraw(Fingerprint peer, IpPrefix prefix)
    {
        if (Planted.Is(PlantedDefect.WithdrawHitsEveryone))
        {
            foreach (PeerRoutes anybody in _peers.Values)
            {
                if (anybody.Entries.Remove(prefix, out Entry? lost))
                    Forget(anybody, prefix, lost);
            }
        }
        if (_peers.TryGetValue(peer, out PeerRoutes? routes) && routes.Entries.Remove(prefix, out Entry? entry))
            Forget(routes, prefix, entry);
    }

    /// <summary>Forgets all announcements of this peer.</summary>
    public void RemoveAll(Fingerprint peer)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            return;
        _peers.Remove(peer);
        if (routes.Accepted == 0)
            return;
        Count -= routes.Accepted;
        Version++;
    }

    /// <summary>The peer is gone for a while: what it announced serves as a last choice until then.</summary>
    public void Hold(Fingerprint peer, Instant until)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            return;
        routes.StaleUntil = until;
        foreach ((IpPrefix prefix, Entry entry) in routes.Entries.ToArray())
            routes.Entries[prefix] = entry with { IsStale = true };
        if (routes.Accepted > 0)
            routes.Version = ++Version;
    }

    /// <summary>A full set is complete: what the peer did not announce since its beginning is forgotten.</summary>
    /// <param name="peer">Whose set.</param>
    /// <param name="begin">What <see cref="Heard"/> was when the set began. Two connections of one peer may carry
    /// two sets at once, so the table cannot tell by itself.</param>
    /// <param name="now">The time.</param>
    /// <returns>What was forgotten.</returns>
    public IReadOnlyList<IpPrefix> EndFullSet(Fingerprint peer, long begin, Instant now)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            return [];
        routes.ExpiresAt = now + Lifetime;
        if (Planted.Is(PlantedDefect.FullSetNotSwept))
            return [];
        IpPrefix[] unheard = [.. routes.Entries.Where(pair => pair.Value.Heard <= begin).Select(pair => pair.Key)];
        foreach (IpPrefix prefix in unheard)
            Withdraw(peer, prefix);
        routes.StaleUntil = Instant.Never; // what was stale has been announced again, or is gone
        return unheard;
    }

    /// <summary>Compares the peer's digest with what is remembered of it; an equal one renews all its entries.</summary>
    /// <returns>False when they differ: the peer must be asked for its full set.</returns>
    public bool Confirm(Fingerprint peer, uint count, ulong hash, Instant now)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            return count == 0;
        if ((routes.Entries.Count != count || routes.Hash != hash) && !Planted.Is(PlantedDefect.DigestMismatchIgnored))
            return false;
        routes.ExpiresAt = now + Lifetime;
        return true;
    }

    /// <summary>Drops what has expired.</summary>
    public void Expire(Instant now)
    {
        if (now < NextExpiry)
            return;
        foreach (Fingerprint peer in _peers.Where(pair => now >= pair.Value.ExpiresAt).Select(pair => pair.Key).ToArray())
            RemoveAll(peer);
        foreach ((Fingerprint peer, PeerRoutes routes) in _peers.Where(pair => now >= pair.Value.StaleUntil))
        {
            routes.StaleUntil = Instant.Never;
            foreach (IpPrefix prefix in routes.Entries.Where(pair => pair.Value.IsStale).Select(pair => pair.Key).ToArray())
                Withdraw(peer, prefix);
        }
    }

    /// <summary>Judges every entry of a peer again, after the policy or the configuration changed.</summary>
    public void Reconsider(Fingerprint peer, Func<IpPrefix, uint, RouteJudgement> judge, Instant now)
    {
        if (_peers.TryGetValue(peer, out PeerRoutes? routes))
            Reconsider(peer, [.. routes.Entries.Keys], judge, now);
    }

    /// <summary>Judges some entries of a peer again; what it has not announced is passed over.</summary>
    public void Reconsider(
        Fingerprint peer, IReadOnlyList<IpPrefix> prefixes, Func<IpPrefix, uint, RouteJudgement> judge, Instant now)
    {
        if (!_peers.TryGetValue(peer, out PeerRoutes? routes))
            return;
        Instant expiresAt = routes.ExpiresAt;
        foreach (IpPrefix prefix in prefixes)
        {
            if (!routes.Entries.TryGetValue(prefix, out Entry? entry))
                continue;
            Announce(peer, prefix, entry.AnnouncedMetric, judge(prefix, entry.AnnouncedMetric), now);
            // The peer said nothing.
            routes.Entries[prefix] = routes.Entries[prefix] with { Heard = entry.Heard, IsStale = entry.IsStale };
        }
        routes.ExpiresAt = expiresAt;
    }

    /// <summary>Prefixes accepted from a peer: what the source check lets it send from.</summary>
    public IEnumerable<IpPrefix> AcceptedFrom(Fingerprint peer) => _peers.TryGetValue(peer, out PeerRoutes? routes)
        ? routes.Entries.Where(pair => pair.Value.Accepted is not null).Select(pair => pair.Key)
        : [];

    /// <summary>When what this peer announced goes, unless it is confirmed before.</summary>
    public Instant ExpiryOf(Fingerprint peer) => _peers.TryGetValue(peer, out PeerRoutes? routes)
        ? Instant.Min(routes.ExpiresAt, routes.StaleUntil)
        : Instant.Never;

    /// <summary>All accepted candidates, by prefix, then next hop, with their ages.</summary>
    public ImmutableArray<RouteCandidate> Candidates(Instant now)
    {
        ImmutableArray<RouteCandidate>.Builder all = ImmutableArray.CreateBuilder<RouteCandidate>(Count);
        foreach (PeerRoutes routes in _peers.Values)
        {
            foreach (Entry entry in routes.Entries.Values)
            {
                if (entry.Accepted is { } candidate)
                {
                    all.Add(candidate with
                    {
                        Age = TimeSpan.FromSeconds(Math.Floor((now - entry.Since).TotalSeconds)),
                        Stale = entry.IsStale,
                    });
                }
            }
        }
        all.Sort(static (left, right) =>
        {
            int order = left.Prefix.CompareTo(right.Prefix);
            return order != 0 ? order : left.NextHop.CompareTo(right.NextHop);
        });
        return all.DrainToImmutable();
    }

    /// <summary>All announcements, refused ones too, by peer.</summary>
    public IEnumerable<KnownRoute> Known() =>
        from peer in _peers
        from entry in peer.Value.Entries
        select new KnownRoute(peer.Key, entry.Key, entry.Value.AnnouncedMetric, entry.Value.Judgement, entry.Value.Since);

    // A record compares its arrays by reference, and a policy may make new ones with each verdict.
    private static bool AreSame(RouteCandidate? left, RouteCandidate? right)
    {
        if (left is null || right is null)
            return left is null && right is null;
        return left.Path.AsSpan().SequenceEqual(right.Path.AsSpan()) && left.Tags.AsSpan().SequenceEqual(right.Tags.AsSpan())
            && left == right with { Path = left.Path, Tags = left.Tags };
    }

    private void Forget(PeerRoutes routes, IpPrefix prefix, Entry entry)
    {
        routes.Hash ^= RouteDigest.HashOf(prefix, entry.AnnouncedMetric);
        if (entry.Accepted is null)
            return;
        routes.Accepted--;
        Count--;
        routes.Version = ++Version;
    }

    private sealed class PeerRoutes
    {
        public Dictionary<IpPrefix, Entry> Entries { get; private init; } = [];

        public int Accepted { get; set; }

        public long Version { get; set; }

        public ulong Hash { get; set; }

        public Instant ExpiresAt { get; set; }

        public Instant StaleUntil { get; set; } = Instant.Never;

        // Entries are immutable, so both tables may hold the same ones.
        public PeerRoutes Copy() =>
            new()
            {
                Entries = new Dictionary<IpPrefix, Entry>(Entries),
                Accepted = Accepted,
                Version = Version,
                Hash = Hash,
                ExpiresAt = ExpiresAt,
                StaleUntil = StaleUntil,
            };
    }

    private sealed record Entry(uint AnnouncedMetric, RouteJudgement Judgement, Instant Since, long Heard, bool IsStale = false)
    {
        public RouteCandidate? Accepted => Judgement.Verdict.Candidate;
    }
}

/// <summary>How many announcements there are now.</summary>
/// <param name="Accepted">In use, or an alternative.</param>
/// <param name="Held">Of peers that were stopped and may be back: a last choice.</param>
/// <param name="Refused">Refused, damped ones included.</param>
internal readonly record struct RouteStates(int Accepted, int Held, int Refused);

/// <summary>One announcement as the table remembers it.</summary>
/// <param name="Peer">Who made it.</param>
/// <param name="Prefix">What was announced.</param>
/// <param name="AnnouncedMetric">With which metric.</param>
/// <param name="Judgement">What became of it.</param>
/// <param name="Since">Since when it stands like this.</param>
internal sealed record KnownRoute(
    Fingerprint Peer, IpPrefix Prefix, uint AnnouncedMetric, RouteJudgement Judgement, Instant Since);
