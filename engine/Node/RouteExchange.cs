using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Policy;
using VibePN.Engine.Routes;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>What peers tell us of routes, and what we tell them: announce, withdraw, digest, refresh.</summary>
/// <remarks>Runs on the control thread. What is taken and told, <see cref="RouteJudge"/> decides.</remarks>
internal sealed class RouteExchange
{
    /// <summary>How often peers compare what they know of each other.</summary>
    public static readonly TimeSpan DigestInterval = TimeSpan.FromSeconds(60);

    // How long a peer is left alone that went over its limit where the configuration says "teardown".
    private static readonly TimeSpan TeardownHold = TimeSpan.FromMinutes(5);

    private readonly NetworkSet _networks;
    private readonly AddressClaims _claims;
    private readonly RouteJudge _judge;
    private readonly Fingerprint _self;
    private readonly ILogger _logger;
    private TokenBucket _refusalLines;
    private readonly Dictionary<(long Connection, string Network), Announcer> _announcers = [];
    private readonly Dictionary<(long Connection, string Network), long> _fullSets = []; // where the current one began
    private readonly HashSet<(Fingerprint Peer, string Network)> _nearLimit = [];
    private readonly HashSet<string> _limited = new(StringComparer.Ordinal); // networks in which a limit keeps something out
    private Instant _nextDigest;
    private bool _overrun; // by the items of the message that is being read

    /// <summary>An exchange that nobody has told anything yet.</summary>
    public RouteExchange(
        NetworkSet networks, AddressClaims claims, PolicySlot policy, Fingerprint self, ILogger logger, Instant now)
    {
        _networks = networks;
        _claims = claims;
        _judge = new RouteJudge(networks.All, RefuseContested, policy, logger, now);
        _self = self;
        _logger = logger;
        _refusalLines = new TokenBucket(5, 20, now);
        _nextDigest = now + DigestInterval;
    }

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer => _networks.All.Aggregate(
        _nextDigest, (next, network) => Instant.Min(next, Instant.Min(network.Routes.NextExpiry, network.Damping.NextReuse)));

    /// <summary>Announcements refused since start, by the guard, the caps or the policy.</summary>
    public long Refused { get; private set; }

    /// <summary>Expires routes, uses damped ones again and repeats digests.</summary>
    public void OnTimer(IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        foreach (OverlayNetwork network in _networks.All)
        {
            network.ChangeRoutes(routes => routes.Expire(now));
            ReleaseDamped(network, peers, now);
        }
        SettleContests(peers, now);
        foreach (OverlayNetwork network in _networks.All)
            ReleaseLimited(network, peers, now);
        if (now < _nextDigest)
            return;
        _nextDigest = now + DigestInterval;
        foreach (Announcer announcer in _announcers.Values)
            announcer.TellDigest();
    }

    /// <summary>Tells a peer all it may know, on the connection that has become its active one.</summary>
    public void TellAll(PeerMachine peer, PeerConnection connection, Instant now)
    {
        foreach (AgreedNetwork agreed in connection.Networks)
        {
            if (_networks.Find(agreed.Network.Name) is { } network)
                AnnouncerOf(connection, agreed).TellAll(_judge.Export(network, FactsOf(peer, now), _self, now));
        }
    }

    /// <summary>Asks a peer for everything it may tell, in every network of the connection.</summary>
    public void AskForAll(PeerConnection connection, Instant now)
    {
        foreach (AgreedNetwork agreed in connection.Networks)
            AskForAll(connection, agreed, now);
    }

    // A set under way is void, whatever it lacks: part of it may not have been listened to. The next one begins by itself.
    private void AskForAll(PeerConnection connection, AgreedNetwork agreed, Instant now)
    {
        _fullSets.Remove((connection.Transport.Id, agreed.Network.Name));
        if (AnnouncerOf(connection, agreed).AskForAll(now))
            connection.ExpectFullSets();
    }

    /// <summary>Tells a connected peer what has changed in what it may know.</summary>
    public void TellChanges(PeerMachine peer, Instant now)
    {
        if (peer.Active is not { } connection)
            return;
        foreach (AgreedNetwork agreed in connection.Networks)
        {
            if (_networks.Find(agreed.Network.Name) is { } network)
                AnnouncerOf(connection, agreed).Tell(_judge.Export(network, FactsOf(peer, now), _self, now));
        }
    }

    /// <summary>Judges all that peers announced again, after the configuration changed.</summary>
    public void Reconsider(IEnumerable<PeerMachine> peers, Instant now)
    {
        foreach (PeerMachine peer in peers)
        {
            if (peer.Identity is not { } identity)
                continue;
            foreach (OverlayNetwork network in _networks.All)
            {
                network.ChangeRoutes(routes => routes.Reconsider(
                    identity, (prefix, metric) => Judge(network, peer, prefix, metric, now), now));
            }
        }
    }

    /// <summary>Asks the policy all that telling every peer would ask, and tells nobody.</summary>
    public void RehearseExports(IEnumerable<PeerMachine> peers, Instant now)
    {
        foreach (PeerMachine peer in peers)
        {
            foreach (AgreedNetwork agreed in peer.Active?.Networks ?? [])
            {
                if (_networks.Find(agreed.Network.Name) is { } network)
                    _judge.Export(network, FactsOf(peer, now), _self, now);
            }
        }
    }

    /// <summary>A connection is no longer used.</summary>
    public void OnConnectionGone(PeerConnection connection)
    {
        foreach (AgreedNetwork agreed in connection.Networks)
        {
            _announcers.Remove((connection.Transport.Id, agreed.Network.Name));
            _fullSets.Remove((connection.Transport.Id, agreed.Network.Name));
        }
    }

    /// <summary>What a peer told is void.</summary>
    public void ForgetPeer(Fingerprint peer)
    {
        _claims.Forget(peer);
        foreach (OverlayNetwork network in _networks.All)
            network.ChangeRoutes(routes => routes.RemoveAll(peer));
    }

    /// <summary>What a peer told may serve as a last choice for a while: it will be back.</summary>
    public void HoldPeer(Fingerprint peer, Instant until)
    {
        foreach (OverlayNetwork network in _networks.All)
            network.ChangeRoutes(routes => routes.Hold(peer, until));
    }

    /// <summary>Forgets what a peer told in networks that its active connection has not agreed on: nobody would take it back.</summary>
    public void ForgetUnshared(PeerConnection active)
    {
        foreach (OverlayNetwork network in _networks.All)
        {
            if (!active.TryFind(network.Configuration.Name, out _))
                network.ChangeRoutes(routes => routes.RemoveAll(active.Transport.Peer));
        }
    }

    /// <summary>A message about routes.</summary>
    /// <returns>What is wrong with it so that the session must end, or null.</returns>
    public string? OnMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now)
    {
        // A number that was never agreed on, or a network that a reload is just taking away: nothing to do.
        if (frame.Body.IsEmpty || !connection.TryFindTheirs(frame.Body[0], out AgreedNetwork agreed)
            || _networks.Find(agreed.Network.Name) is not { } network)
            return frame.Body.IsEmpty ? ControlProblem.BadBody(frame.Type) : null;
        Fingerprint sender = connection.Transport.Peer;
        (long, string) key = (connection.Transport.Id, agreed.Network.Name);
        switch (frame.Type)
        {
            case ControlType.Announce or ControlType.Withdraw:
                return OnItems(network, peer, sender, frame, now);
            case ControlType.Begin:
                _fullSets[key] = network.Routes.Heard;
                return null;
            case ControlType.End:
                // Without its beginning it says nothing: that was told while nobody listened, or before we asked anew.
                if (!_fullSets.Remove(key, out long begin))
                    return null;
                network.ChangeRoutes(routes =>
                {
                    foreach (IpPrefix unheard in routes.EndFullSet(sender, begin, now))
                        OnWithdrawn(network, sender, unheard, now);
                });
                return null;
            case ControlType.Digest when DigestMessage.TryParse(frame.Body, out DigestMessage digest):
                if (!network.Routes.Confirm(sender, digest.Count, digest.Hash, now))
                    AskForAll(connection, agreed, now);
                return null;
            case ControlType.Refresh:
                Announcer announcer = AnnouncerOf(connection, agreed);
                if (!announcer.MayRepeat(now))
                    return null;
                _claims.Tell(connection); // whoever missed the routes has missed how we came to our addresses too
                announcer.TellAll(_judge.Export(network, FactsOf(peer, now), _self, now));
                return null;
            case ControlType.Claim when ClaimMessage.TryParse(frame.Body, out ClaimMessage claim):
                _claims.OnClaim(network, sender, claim);
                return null;
            case ControlType.ClaimLost when ClaimLostMessage.TryParse(frame.Body, out ClaimLostMessage lost):
                _claims.OnClaimLost(network, lost, now);
                return null;
            default:
                return ControlProblem.BadBody(frame.Type);
        }
    }

    private string? OnItems(OverlayNetwork network, PeerMachine peer, Fingerprint sender, ControlFrame frame, Instant now)
    {
        if (!RouteItemReader.TryOpen(frame, out RouteItemReader items))
            return ControlProblem.BadBody(frame.Type);
        long version = network.Routes.Version;
        while (items.TryNext(out RouteItem item))
        {
            if (!item.Valid)
                peer.Conduct.OnInvalidItem(now);
            // RFC 7606's idea: an item that cannot be right takes its own prefix back and nothing else.
            if (!item.Valid || frame.Type == ControlType.Withdraw)
                Withdraw(network, sender, item.Prefix, now);
            else if (network.Routes.Has(sender, item.Prefix)
                || network.Routes.EntriesFrom(sender) < RouteGuard.MaxEntries(network.Configuration.Limits))
                Announce(network, peer, sender, item, now);
            else
                Refused++;
        }
        network.IsDirty |= version != network.Routes.Version && !Planted.Is(PlantedDefect.StaleTablePublished);
        return KeepToLimit(network, peer, sender, now);
    }

    /// <summary>Warns of a peer that is near its limit, and ends the session of one that went over it where that is wanted.</summary>
    private string? KeepToLimit(OverlayNetwork network, PeerMachine peer, Fingerprint sender, Instant now)
    {
        string name = network.Configuration.Name;
        RouteLimits limits = network.Configuration.Limits;
        int count = network.Routes.CountFrom(sender);
        if (!limits.IsNear(count))
            _nearLimit.Remove((sender, name));
        else if (_nearLimit.Add((sender, name)))
            Log.NearLimit(_logger, peer.Configuration.Name, count, limits.PerPeer, name);
        if (!_overrun)
            return null;
        _overrun = false;
        if (limits.OnLimit != LimitAction.Teardown)
            return null;
        peer.Hold(now + TeardownHold);
        return $"more than {limits.PerPeer} routes in {name}: its session is taken up again after {TeardownHold.TotalMinutes} minutes";
    }

    private static void Withdraw(OverlayNetwork network, Fingerprint sender, IpPrefix prefix, Instant now)
    {
        if (!network.Routes.Has(sender, prefix))
            return;
        network.Routes.Withdraw(sender, prefix);
        OnWithdrawn(network, sender, prefix, now);
    }

    private void Announce(OverlayNetwork network, PeerMachine peer, Fingerprint sender, RouteItem item, Instant now)
    {
        if (network.Configuration.Damping && network.Routes.MetricOf(sender, item.Prefix) is { } before && before != item.Metric)
            network.Damping.OnChange(sender, item.Prefix, now);
        RouteJudgement judgement = Judge(network, peer, item.Prefix, item.Metric, now);
        network.Routes.Announce(sender, item.Prefix, item.Metric, judgement, now);
        // A claim that the operator's rules refuse contests nothing.
        if (ImportRules.IsAddressInSubnet(network.Configuration, item.Prefix)
            && (judgement.Rule ?? ImportRules.Judge(network.Configuration, peer.Configuration.Name, item.Prefix)).Accepted)
            _claims.OnAnnounced(network, peer, item.Prefix.Address, now);
        ImportVerdict verdict = judgement.Verdict;
        if (verdict.Candidate is not null)
            return;
        Refused++;
        if (verdict.Reason == RouteReason.LimitReached)
            _limited.Add(network.Configuration.Name);
        _overrun |= verdict.Reason == RouteReason.LimitReached && judgement.Stage == JudgementStage.Guard
            && network.Routes.CountFrom(sender) >= network.Configuration.Limits.PerPeer;
        if (_refusalLines.TryTake(now))
        {
            Log.RouteRefused(
                _logger, item.Prefix, peer.Configuration.Name, network.Configuration.Name, verdict.Reason, verdict.Text);
        }
    }

    private static void OnWithdrawn(OverlayNetwork network, Fingerprint sender, IpPrefix prefix, Instant now)
    {
        if (network.Configuration.Damping)
            network.Damping.OnWithdraw(sender, prefix, now);
    }

    /// <summary>Judges again what only a limit kept out, once other routes have gone: nobody would announce it anew.</summary>
    private void ReleaseLimited(OverlayNetwork network, IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        if (!_limited.Contains(network.Configuration.Name) || network.LimitsJudgedAt == network.Routes.Version)
            return;
        ILookup<Fingerprint, IpPrefix> kept = network.Routes.Known()
            .Where(route => route.Judgement.Verdict.Reason == RouteReason.LimitReached)
            .ToLookup(route => route.Peer, route => route.Prefix);
        if (kept.Count == 0)
            _limited.Remove(network.Configuration.Name);
        foreach (PeerMachine peer in peers)
        {
            if (peer.Identity is { } identity && kept.Contains(identity))
                JudgeAgain(network, peer, [.. kept[identity]], now);
        }
        network.LimitsJudgedAt = network.Routes.Version;
    }

    /// <summary>Judges contested addresses again: a better claim may have come, or the best one gone.</summary>
    private void SettleContests(IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        foreach ((string Network, IpAddress Address) contest in _claims.TakeContested(now))
        {
            if (_networks.Find(contest.Network) is not { } network)
                continue;
            foreach (PeerMachine peer in _claims.Settle(contest, peers, now))
                JudgeAgain(network, peer, [IpPrefix.Host(contest.Address)], now);
        }
    }

    /// <summary>Judges damped routes again whose time has come, and the addresses that nobody else announces any more.</summary>
    private void ReleaseDamped(OverlayNetwork network, IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        if (network.Damping.NextReuse == Instant.Never
            || (now < network.Damping.NextReuse && network.DampedJudgedAt == network.Routes.Version))
            return;
        network.DampedJudgedAt = network.Routes.Version;
        (Fingerprint Peer, IpPrefix Prefix)[] candidates =
        [
            .. network.Damping.Release(now),
            .. network.Damping.Suppressed.Where(route => route.Prefix.IsHost && network.Routes.Has(route.Peer, route.Prefix)
                && !network.Routes.HasAccepted(route.Peer, route.Prefix)
                && !RouteJudge.IsDamped(network, route.Peer, route.Prefix, now)),
        ];
        foreach ((Fingerprint id, IpPrefix damped) in candidates)
        {
            if (peers.FirstOrDefault(peer => peer.Identity == id) is { } peer)
                JudgeAgain(network, peer, [damped], now);
        }
    }

    /// <summary>Whether somebody else has the better claim: another node to an address, or this machine to a network it is attached to.</summary>
    private RouteJudgement? RefuseContested(OverlayNetwork network, PeerFacts peer, IpPrefix prefix)
    {
        if (ImportRules.IsAddressInSubnet(network.Configuration, prefix))
        {
            return _claims.BetterClaim(network, peer.Id, prefix.Address) is not { } winner
                ? null
                : RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.AddressConflict,
                    $"node {winner.ToShortString()} has the better claim to the address");
        }
        return _networks.Local.Against(network.Configuration, prefix) is not { } words
            ? null
            : RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.OverlapsLocal, $"it {words} (overlap)");
    }

    private void JudgeAgain(OverlayNetwork network, PeerMachine peer, IReadOnlyList<IpPrefix> prefixes, Instant now) =>
        network.ChangeRoutes(routes => routes.Reconsider(
            peer.Identity ?? default, prefixes, (prefix, metric) => Judge(network, peer, prefix, metric, now), now));

    /// <summary>Judges an announcement for the table.</summary>
    /// <remarks>
    /// Whatever makes a node judge, a new contest shows here: an announcement, or a configuration or room below a limit
    /// that lets a claim in which was kept out before.
    /// </remarks>
    private RouteJudgement Judge(OverlayNetwork network, PeerMachine peer, IpPrefix prefix, uint metric, Instant now)
    {
        RouteJudgement judgement = _judge.Import(
            network, FactsOf(peer, now), peer.Configuration.Networks.Contains(network.Configuration.Name), prefix, metric, now);
        if (judgement.IsClaim && peer.Identity is { } id && ImportRules.IsAddressInSubnet(network.Configuration, prefix))
            _claims.OnJudged(network, id, prefix.Address);
        return judgement;
    }

    private Announcer AnnouncerOf(PeerConnection connection, AgreedNetwork agreed)
    {
        (long, string) key = (connection.Transport.Id, agreed.Network.Name);
        if (!_announcers.TryGetValue(key, out Announcer? announcer))
            _announcers.Add(key, announcer = new Announcer(connection.Transport, agreed.OurNumber, connection.Since));
        return announcer;
    }

    /// <summary>A peer as policies see it, its link facts in steps.</summary>
    public static PeerFacts FactsOf(PeerMachine peer, Instant now) => new()
    {
        Id = peer.Identity ?? default,
        Name = peer.Configuration.Name,
        Connected = peer.Active is not null,
        ConnectedFor = peer.ConnectedSince is { } since ? WholeSeconds(now - since) : TimeSpan.Zero,
        LostAgo = peer.LostAt is { } lost ? WholeSeconds(now - lost) : null,
        RoundTrip = TimeSpan.FromMilliseconds(Math.Round(peer.Active?.Transport.Path.RoundTrip.TotalMilliseconds ?? 0)),
        LossPermille = (peer.Active?.Transport.Path.LossPermille ?? 0) / 5 * 5,
    };

    private static TimeSpan WholeSeconds(TimeSpan time) => TimeSpan.FromSeconds(Math.Floor(time.TotalSeconds));
}
