using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Node;
using VibePN.Engine.Routes;
using VibePN.Engine.Time;

namespace VibePN.Engine.Policy;

/// <summary>Decides which announcements are taken and which of our routes are told.</summary>
/// <remarks>
/// An announcement passes, in this order: the guard and the caps, which nothing relaxes; the configuration's rules; damping;
/// the routing plugin, which may refuse more and change attributes. Control thread only.
/// </remarks>
/// <param name="networks">All networks of this node.</param>
/// <param name="contests">Refuses what another node, or this machine itself, has the better claim to; null otherwise.</param>
/// <param name="policy">The routing plugin.</param>
/// <param name="logger">For faults of the plugin.</param>
/// <param name="now">The time.</param>
internal sealed class RouteJudge(
    IReadOnlyCollection<OverlayNetwork> networks, Func<OverlayNetwork, PeerFacts, IpPrefix, RouteJudgement?> contests,
    PolicySlot policy, ILogger logger, Instant now)
{
    // Added to every metric a peer announces, so that a metric grows with each hop.
    private const uint LinkCost = 256;

    private TokenBucket _faultLines = new(perSecond: 1, burst: 10, now);

    /// <summary>Judges an announcement.</summary>
    /// <param name="network">Where it was made.</param>
    /// <param name="peer">By whom.</param>
    /// <param name="isMember">Whether the peer is a member of the network.</param>
    /// <param name="prefix">What is announced.</param>
    /// <param name="metric">With which metric.</param>
    /// <param name="now">The time.</param>
    public RouteJudgement Import(
        OverlayNetwork network, PeerFacts peer, bool isMember, IpPrefix prefix, uint metric, Instant now)
    {
        if (Planted.Is(PlantedDefect.ImportUnchecked))
        {
            var taken = new RouteCandidate { Prefix = prefix, NextHop = peer.Id, Origin = peer.Id, Metric = metric };
            return new RouteJudgement(
                new ImportVerdict(taken, RouteReason.Accepted, "planted"), JudgementStage.Plugin,
                RuleVerdict.Default(true, RouteReason.Accepted, "planted"));
        }
        if (Guard(network, peer, isMember, prefix) is { } refused)
            return refused;
        RuleVerdict rule = ImportRules.Judge(network.Configuration, peer.Name, prefix);
        if (!rule.Accepted && !Planted.Is(PlantedDefect.RulesSkipped))
            return RouteJudgement.Refuse(JudgementStage.Rules, rule.Reason, rule.Text, rule);
        if (IsDamped(network, peer.Id, prefix, now))
            return RouteJudgement.Refuse(JudgementStage.Damping, RouteReason.Damped, "it changed too often lately", rule);
        var candidate = new RouteCandidate { Prefix = prefix, NextHop = peer.Id, Origin = peer.Id };
        candidate = ImportRules.Apply(candidate, rule.Set, metric, LinkCost);
        try
        {
            ImportVerdict verdict = CheckedPolicy.Import(policy.Current, new ImportRequest(
                network.Configuration.Name, peer, candidate, network.Routes.CountBeside(peer.Id, prefix)));
            return new RouteJudgement(verdict, JudgementStage.Plugin, rule);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A policy's fault of any kind refuses the route; the exception itself is not kept.
            OnFault(network, exception, now);
            return RouteJudgement.Refuse(JudgementStage.Plugin, RouteReason.PolicyRefused, "the routing policy failed", rule);
        }
    }

    /// <summary>What a peer is told.</summary>
    /// <param name="network">Of which network.</param>
    /// <param name="peer">Who is told.</param>
    /// <param name="self">Who we are.</param>
    /// <param name="now">The time.</param>
    public SortedDictionary<IpPrefix, uint> Export(OverlayNetwork network, PeerFacts peer, Fingerprint self, Instant now)
    {
        var routes = new SortedDictionary<IpPrefix, uint>();
        foreach (RouteCandidate route in network.OwnRoutes(self))
        {
            RuleVerdict rule = ExportRules.Judge(network.Configuration, peer.Name, route);
            if (!rule.Accepted)
                continue;
            RouteCandidate told = route with { Metric = rule.Set.Metric?.Apply(route.Metric) ?? route.Metric };
            try
            {
                ExportVerdict verdict = CheckedPolicy.Export(
                    policy.Current, new ExportRequest(network.Configuration.Name, peer, told, ConfiguredExport: true));
                if (verdict.Accepted && verdict.Metric != ControlLimits.InfiniteMetric)
                    routes[route.Prefix] = verdict.Metric;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // A policy's fault of any kind announces nothing; the exception itself is not kept.
                OnFault(network, exception, now);
            }
        }
        return routes;
    }

    /// <summary>Whether a route is left unused because it comes and goes.</summary>
    /// <remarks>The only way to a peer's own address is used however restless it is: without it the peer is cut off.</remarks>
    public static bool IsDamped(OverlayNetwork network, Fingerprint peer, IpPrefix prefix, Instant now) =>
        network.Configuration.Damping && network.Damping.IsSuppressed(peer, prefix, now)
        && (!ImportRules.IsAddressInSubnet(network.Configuration, prefix) || network.Routes.HasAcceptedFromOther(peer, prefix));

    private RouteJudgement? Guard(OverlayNetwork network, PeerFacts peer, bool isMember, IpPrefix prefix)
    {
        NetworkConfiguration configuration = network.Configuration;
        if (!isMember)
            return RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.NotAMember, "the peer is not a member of the network");
        if (RouteGuard.Refuse(prefix, configuration) is { } reason)
            return RouteJudgement.Refuse(JudgementStage.Guard, reason, RouteGuard.TextOf(reason));
        foreach (OverlayNetwork other in networks)
        {
            if (other != network && RouteGuard.ReachesInto(other.Configuration, prefix, configuration))
            {
                return RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.NotPermitted,
                    $"it overlaps {other.Configuration.Name}, another network of ours");
            }
        }
        if (contests(network, peer, prefix) is { } conflict)
            return conflict;
        // A prefix that is told again does not count against itself.
        int own = network.Routes.HasAccepted(peer.Id, prefix) ? 1 : 0;
        RouteLimits limits = configuration.Limits;
        if (network.Routes.CountFrom(peer.Id) - own >= limits.PerPeer && !Planted.Is(PlantedDefect.LimitForgotten))
        {
            return RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.LimitReached,
                $"{peer.Name} has its {limits.PerPeer} routes in {configuration.Name} already (limits.per_peer)");
        }
        return network.Routes.Count - own >= limits.Total
            ? RouteJudgement.Refuse(JudgementStage.Guard, RouteReason.LimitReached,
                $"{configuration.Name} has its {limits.Total} routes already (limits.total)")
            : null;
    }

    private void OnFault(OverlayNetwork network, Exception exception, Instant now)
    {
        if (_faultLines.TryTake(now))
            Log.PolicyFault(logger, network.Configuration.Name, exception.Message);
    }
}
