using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Routes;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>What peers tell us of routes, and what we tell them: announce, withdraw, digest, refresh.</summary>
/// <remarks>Runs on the control thread. Whatever the policy says, <see cref="RouteGuard"/> and the caps stand before it.</remarks>
internal sealed class RouteExchange
{
    /// <summary>How often peers compare what they know of each other.</summary>
    public static readonly TimeSpan DigestInterval = TimeSpan.FromSeconds(60);

    // Added to every metric a peer announces, so that a metric grows with each hop.
    private const uint LinkCost = 256;

    private readonly NetworkSet _networks;
    private readonly PolicySlot _policy;
    private readonly Fingerprint _self;
    private readonly ILogger _logger;
    private TokenBucket _refusalLines;
    private TokenBucket _faultLines;
    private readonly Dictionary<(long Connection, string Network), Announcer> _announcers = [];
    private readonly Dictionary<(long Connection, string Network), long> _fullSets = []; // where the current one began
    private Instant _nextDigest;

    /// <summary>An exchange that nobody has told anything yet.</summary>
    public RouteExchange(NetworkSet networks, PolicySlot policy, Fingerprint self, ILogger logger, Instant now)
    {
        _networks = networks;
        _policy = policy;
        _self = self;
        _logger = logger;
        _refusalLines = new TokenBucket(5, 20, now);
        _faultLines = new TokenBucket(1, 10, now);
        _nextDigest = now + DigestInterval;
    }

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer => _networks.All.Aggregate(
        _nextDigest, (next, network) => Instant.Min(next, network.Routes.NextExpiry));

    /// <summary>Announcements refused since start, by the guard, the caps or the policy.</summary>
    public long Refused { get; private set; }

    /// <summary>Expires routes and repeats digests.</summary>
    public void OnTimer(Instant now)
    {
        foreach (OverlayNetwork network in _networks.All)
            network.ChangeRoutes(routes => routes.Expire(now));
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
                AnnouncerOf(connection, agreed).TellAll(Export(network, peer, now));
        }
    }

    /// <summary>Tells a connected peer what has changed in what it may know.</summary>
    public void TellChanges(PeerMachine peer, Instant now)
    {
        if (peer.Active is not { } connection)
            return;
        foreach (AgreedNetwork agreed in connection.Networks)
        {
            if (_networks.Find(agreed.Network.Name) is { } network)
                AnnouncerOf(connection, agreed).Tell(Export(network, peer, now));
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
                    Export(network, peer, now);
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
        foreach (OverlayNetwork network in _networks.All)
            network.ChangeRoutes(routes => routes.RemoveAll(peer));
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
        _fullSets.TryAdd(key, network.Routes.Heard);
        switch (frame.Type)
        {
            case ControlType.Announce or ControlType.Withdraw:
                return OnItems(network, peer, sender, frame, now);
            case ControlType.End:
                network.ChangeRoutes(routes => routes.EndFullSet(sender, _fullSets[key], now));
                _fullSets[key] = network.Routes.Heard;
                return null;
            case ControlType.Digest when DigestMessage.TryParse(frame.Body, out DigestMessage digest):
                if (!network.Routes.Confirm(sender, digest.Count, digest.Hash, now))
                    AnnouncerOf(connection, agreed).AskForAll();
                return null;
            case ControlType.Refresh:
                Announcer announcer = AnnouncerOf(connection, agreed);
                if (announcer.MayRepeat(now))
                    announcer.TellAll(Export(network, peer, now));
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
            // RFC 7606's idea: an item that cannot be right takes its own prefix back and nothing else.
            if (!item.Valid || frame.Type == ControlType.Withdraw)
                network.Routes.Withdraw(sender, item.Prefix);
            else if (network.Routes.Has(sender, item.Prefix) || network.Routes.EntriesFrom(sender) < RouteGuard.MaxPerPeer)
                network.Routes.Announce(sender, item.Prefix, item.Metric, Take(network, peer, item, now), now);
            else
                Refused++;
        }
        network.IsDirty |= version != network.Routes.Version && !Planted.Is(PlantedDefect.StaleTablePublished);
        return null;
    }

    private ImportVerdict Take(OverlayNetwork network, PeerMachine peer, RouteItem item, Instant now)
    {
        ImportVerdict verdict = Judge(network, peer, item.Prefix, item.Metric, now);
        if (Planted.Is(PlantedDefect.ImportUnchecked) && verdict.Candidate is null)
        {
            Fingerprint from = FactsOf(peer).Id;
            var taken = new RouteCandidate { Prefix = item.Prefix, NextHop = from, Origin = from, Metric = item.Metric };
            return new ImportVerdict(taken, RouteReason.Accepted, "planted");
        }
        if (verdict.Candidate is not null)
            return verdict;
        Refused++;
        if (_refusalLines.TryTake(now))
        {
            Log.RouteRefused(
                _logger, item.Prefix, peer.Configuration.Name, network.Configuration.Name, verdict.Reason, verdict.Text);
        }
        return verdict;
    }

    private ImportVerdict Judge(OverlayNetwork network, PeerMachine peer, IpPrefix prefix, uint metric, Instant now)
    {
        if (!peer.Configuration.Networks.Contains(network.Configuration.Name))
            return new ImportVerdict(null, RouteReason.NotAMember, "the peer is not a member of the network");
        if (RouteGuard.Refuse(prefix, network.Configuration) is { } reason)
            return new ImportVerdict(null, reason, "refused whatever the policy says");
        if (_networks.All.Any(other => other != network && RouteGuard.ReachesInto(other.Configuration, prefix, network.Configuration)))
            return new ImportVerdict(null, RouteReason.NotPermitted, "the prefix overlaps another network of ours");
        // A prefix that is told again does not count against itself.
        int own = network.Routes.HasAccepted(peer.Identity ?? default, prefix) ? 1 : 0;
        if (network.Routes.Count - own >= RouteGuard.MaxPerNetwork)
            return new ImportVerdict(null, RouteReason.LimitReached, $"the network has {RouteGuard.MaxPerNetwork} routes");
        PeerFacts facts = FactsOf(peer);
        var candidate = new RouteCandidate
        {
            Prefix = prefix,
            NextHop = facts.Id,
            Origin = facts.Id,
            Metric = metric > uint.MaxValue - 1 - LinkCost ? uint.MaxValue - 1 : metric + LinkCost,
        };
        try
        {
            ImportVerdict verdict = _policy.Current.Import(new ImportRequest(
                network.Configuration.Name, facts, candidate, network.Routes.CountBeside(facts.Id, prefix)));
            bool kept = verdict.Candidate is not { } taken
                || (taken.Prefix == prefix && taken.NextHop == facts.Id && taken.Origin == facts.Id);
            return kept ? verdict : new ImportVerdict(null, RouteReason.PolicyRefused, "the policy changed what it may not");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A policy's fault of any kind refuses the route; the exception itself is not kept.
            OnPolicyFault(network, exception, now);
            return new ImportVerdict(null, RouteReason.PolicyRefused, "the routing policy failed");
        }
    }

    private SortedDictionary<IpPrefix, uint> Export(OverlayNetwork network, PeerMachine peer, Instant now)
    {
        var routes = new SortedDictionary<IpPrefix, uint>();
        PeerFacts facts = FactsOf(peer);
        foreach ((RouteCandidate candidate, bool configured) in network.OwnRoutes(_self))
        {
            try
            {
                ExportVerdict verdict = _policy.Current.Export(new ExportRequest(network.Configuration.Name, facts, candidate, configured));
                if (verdict.Accepted && verdict.Metric != ControlLimits.InfiniteMetric)
                    routes[candidate.Prefix] = verdict.Metric;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // A policy's fault of any kind announces nothing; the exception itself is not kept.
                OnPolicyFault(network, exception, now);
            }
        }
        return routes;
    }

    private void OnPolicyFault(OverlayNetwork network, Exception exception, Instant now)
    {
        if (_faultLines.TryTake(now))
            Log.PolicyFault(_logger, network.Configuration.Name, exception.Message);
    }

    private Announcer AnnouncerOf(PeerConnection connection, AgreedNetwork agreed)
    {
        (long, string) key = (connection.Transport.Id, agreed.Network.Name);
        if (!_announcers.TryGetValue(key, out Announcer? announcer))
            _announcers.Add(key, announcer = new Announcer(connection.Transport, agreed.OurNumber, connection.Since));
        return announcer;
    }

    /// <summary>A peer as policies see it, its link facts in steps.</summary>
    public static PeerFacts FactsOf(PeerMachine peer) => new()
    {
        Id = peer.Identity ?? default,
        Name = peer.Configuration.Name,
        Connected = peer.Active is not null,
        RoundTrip = TimeSpan.FromMilliseconds(Math.Round(peer.Active?.Transport.Path.RoundTrip.TotalMilliseconds ?? 0)),
        LossPermille = (peer.Active?.Transport.Path.LossPermille ?? 0) / 5 * 5,
    };
}
