using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Packets;
using VibePN.Engine.Routes;
using VibePN.Engine.Time;

namespace VibePN.Engine.Policy;

/// <summary>Tells why a packet goes where it goes. It decides nothing itself: it asks the code that packets pass.</summary>
/// <remarks>Control thread only.</remarks>
/// <param name="network">The network.</param>
/// <param name="peers">All peers by who they are.</param>
/// <param name="policy">The routing plugin in use.</param>
/// <param name="now">The time.</param>
internal sealed class RouteExplainer(
    OverlayNetwork network, IReadOnlyDictionary<Fingerprint, PeerView> peers, IRoutePolicyPlugin policy, Instant now)
{
    /// <summary>Explains a packet of this network.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="asked">From where; null for one of our own addresses.</param>
    public RouteReport Explain(IpAddress destination, IpAddress? asked)
    {
        ForwardingTable table = network.Port?.Table ?? ForwardingTable.Empty;
        IpAddress source = asked ?? network.OwnAddresses.FirstOrDefault(own => own.Family == destination.Family);
        var key = new PacketKey(source, destination, 0, 0, 0, 0);
        bool isInbound = asked is { } from && !table.IsLocal(from);
        (OutboundDecision decision, NextHopGroup group) = Decide(key, table);
        (RouteExplanation? explanation, string fault) = AskPolicy(key, group);

        ImmutableArray<RouteCandidateReport> candidates = Candidates(destination, explanation);
        IpPrefix? matched = explanation is { Chosen: [var best, ..] } ? best.Prefix : null;
        SourceReport? check = asked is { } address ? CheckSource(address, table) : null;
        DropReason drop = isInbound ? JudgeInbound(key, table) : decision.Reason;
        string local = Local(destination, table);
        return new RouteReport
        {
            Destination = destination,
            Source = source,
            Network = network.Configuration.Name,
            Inbound = isInbound,
            TableVersion = network.Compiled?.Version ?? 0,
            TableAge = network.Compiled is null ? TimeSpan.Zero : now - network.CompiledAt,
            Matched = matched,
            Covering = [.. candidates.Select(candidate => candidate.Prefix).Distinct()
                .Where(prefix => prefix != matched).OrderByDescending(prefix => prefix.Length)],
            Candidates = candidates,
            PolicyText = explanation?.Text ?? "",
            SourceCheck = check,
            Egress = isInbound ? [] : Egress(group, decision.Port),
            Peer = isInbound ? null : decision.Port?.Peer,
            Drop = drop,
            Local = local,
            Verdict = isInbound ? InboundVerdict(check!, drop) : OutboundVerdict(destination, decision, group, local),
            Fault = fault,
        };
    }

    // As OutboundPath does for each packet.
    private static (OutboundDecision Decision, NextHopGroup Group) Decide(PacketKey key, ForwardingTable table)
    {
        DropReason refused = OutboundDecision.Admit(key, table);
        if (refused != DropReason.None)
            return (new OutboundDecision(null, null, refused), new NextHopGroup([]));
        ushort[] found = new ushort[1];
        table.Lookup.Find([key], found);
        NextHopGroup group = found[0] < table.Lookup.Groups.Length ? table.Lookup.Groups[found[0]] : new NextHopGroup([]);
        return (OutboundDecision.Choose(table.HopsOf(found[0]), key, FragmentPart.Whole), group);
    }

    private (RouteExplanation? Explanation, string Fault) AskPolicy(PacketKey key, NextHopGroup group)
    {
        if (network.Compiled is not { } snapshot)
            return (null, network.Error.Length > 0 ? $"the network has no interface: {network.Error}" : "there is no table yet");
        try
        {
            RouteExplanation explanation = CheckedPolicy.Explain(policy, snapshot, key);
            string fault = network.TableFault.Length > 0 ? $"the table is out of date, the routing policy failed: {network.TableFault}" : "";
            bool isDecided = AddressClasses.IsUnicast(key.Destination) && !network.OwnAddresses.Contains(key.Destination);
            return (explanation, isDecided && Disagreement(explanation, snapshot, group) is { } other ? other : fault);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A policy's fault of any kind is part of the answer; what packets do is known without it.
            return (null, $"the routing policy cannot explain: {exception.Message}");
        }
    }

    /// <summary>Compares what the policy says with the table it compiled.</summary>
    private string? Disagreement(RouteExplanation explanation, RouteSnapshot snapshot, NextHopGroup group)
    {
        HashSet<Fingerprint> used = [.. group.Hops.Select(hop => hop.Peer)];
        if (!used.SetEquals(explanation.Chosen.Select(candidate => candidate.NextHop)))
            return $"the policy explains {Names(explanation.Chosen.Select(candidate => candidate.NextHop))}, but its table holds {Names(used)}: report this as a fault of the routing plugin";
        if (explanation.Chosen.IsEmpty)
            return null;
        RouteSelection selection = CheckedPolicy.SelectNextHops(policy, snapshot, explanation.Chosen[0].Prefix);
        return used.SetEquals(selection.Group.Hops.Select(hop => hop.Peer))
            ? null
            : $"the policy selects {Names(selection.Group.Hops.Select(hop => hop.Peer))}, but its table holds {Names(used)}: report this as a fault of the routing plugin";
    }

    private ImmutableArray<RouteCandidateReport> Candidates(IpAddress destination, RouteExplanation? explanation)
    {
        Dictionary<(IpPrefix, Fingerprint), KnownRoute> known = network.Routes.Known()
            .Where(route => route.Prefix.Contains(destination)).ToDictionary(route => (route.Prefix, route.Peer));
        var reports = ImmutableArray.CreateBuilder<RouteCandidateReport>(known.Count);
        foreach (CandidateVerdict verdict in explanation?.Considered ?? [])
        {
            if (!known.Remove((verdict.Candidate.Prefix, verdict.Candidate.NextHop), out KnownRoute? route))
                continue;
            reports.Add(Report(route) with
            {
                Candidate = verdict.Candidate,
                Chosen = explanation!.Chosen.Any(chosen => chosen.NextHop == route.Peer && chosen.Prefix == route.Prefix),
                Reason = verdict.Reason,
                Text = verdict.Text,
            });
        }
        reports.AddRange(known.Values
            .OrderByDescending(route => route.Prefix.Length).ThenBy(route => NameOf(route.Peer), StringComparer.Ordinal)
            .Select(Report));
        return reports.ToImmutable();
    }

    private RouteCandidateReport Report(KnownRoute route)
    {
        ImportVerdict verdict = route.Judgement.Verdict;
        DampingState? damping = network.Configuration.Damping ? network.Damping.StateOf(route.Peer, route.Prefix, now) : null;
        return new RouteCandidateReport
        {
            Prefix = route.Prefix,
            Peer = route.Peer,
            PeerName = NameOf(route.Peer),
            Announced = route.AnnouncedMetric,
            Candidate = verdict.Candidate,
            Reason = verdict.Reason,
            Text = verdict.Text,
            RefusedBy = verdict.Candidate is not null ? "" : RouteJudgement.NameOf(route.Judgement.Stage),
            Rule = route.Judgement.Rule?.Text ?? "",
            Penalty = damping?.Penalty ?? 0,
            DampedFor = damping?.ReuseTime is { } reuse && reuse > now ? reuse - now : null,
        };
    }

    private SourceReport CheckSource(IpAddress source, ForwardingTable table)
    {
        if (table.IsLocal(source))
            return new SourceReport(source, [], true, $"{source} is this node's own or lies behind it");
        ImmutableArray<string> allowed = [.. network.Ports.Values
            .Where(port => port.AllowedSources.Contains(source)).Select(port => NameOf(port.Peer)).Order(StringComparer.Ordinal)];
        string text = allowed.IsEmpty
            ? $"no peer may send from {source} in {network.Configuration.Name}: a packet with it is dropped, whoever it comes from"
            : $"{source} may come from {string.Join(" or ", allowed)}, and from nobody else";
        return new SourceReport(source, allowed, false, text);
    }

    // As InboundPath does for each packet: the best that any peer could get through.
    private DropReason JudgeInbound(PacketKey key, ForwardingTable table)
    {
        DropReason best = DropReason.SourceNotAllowed;
        foreach (PeerPort port in network.Ports.Values)
        {
            DropReason reason = InboundPath.Judge(key, port.AllowedSources, table);
            if (reason == DropReason.None)
                return reason;
            if (best == DropReason.SourceNotAllowed)
                best = reason;
        }
        return best;
    }

    private ImmutableArray<EgressReport> Egress(NextHopGroup group, PeerPort? taken) =>
    [
        .. group.Hops.Select(hop =>
        {
            PeerView? peer = peers.GetValueOrDefault(hop.Peer);
            bool isUp = network.Ports.TryGetValue(hop.Peer, out PeerPort? port) && port.Active is not null;
            string state = isUp ? "up" : peer is { State: not "up" } ? peer.State : "not in this network";
            return new EgressReport(
                hop.Peer, NameOf(hop.Peer), hop.Weight, state, port?.Active?.Connection.Path ?? peer?.Path, taken?.Peer == hop.Peer);
        }),
    ];

    private string Local(IpAddress destination, ForwardingTable table)
    {
        if (table.IsOwn(destination))
            return $"{destination} is this node's own address";
        if (!table.IsLocal(destination))
            return "";
        IpPrefix behind = network.Configuration.Originate
            .Where(prefix => prefix.Contains(destination)).MaxBy(prefix => prefix.Length);
        return $"{destination} lies behind this node, which originates {behind}";
    }

    private static string InboundVerdict(SourceReport check, DropReason drop) => drop switch
    {
        DropReason.None => $"delivered here, when it comes from {string.Join(" or ", check.Peers)}",
        DropReason.SourceNotAllowed => $"dropped (SourceNotAllowed): {check.Text}",
        DropReason.DestinationNotLocal =>
            $"dropped (DestinationNotLocal): a packet from {string.Join(" or ", check.Peers)} must be for this node or behind it; this node passes nothing on",
        _ => $"dropped ({drop})",
    };

    private string OutboundVerdict(IpAddress destination, OutboundDecision decision, NextHopGroup group, string local)
    {
        if (local.Length > 0)
        {
            return decision.Port is { } other
                ? $"delivered here: {local}; were the kernel to send it into the overlay, it would go to {NameOf(other.Peer)}"
                : $"delivered here: {local}";
        }
        string name = network.Configuration.Name;
        return decision.Reason switch
        {
            DropReason.None when group.Hops.Length == 1 => $"forward to {NameOf(decision.Port!.Peer)}",
            DropReason.None => $"forward to {NameOf(decision.Port!.Peer)}: one of {group.Hops.Length} equal next hops, a flow with ports may take another",
            DropReason.NoRoute => $"dropped (NoRoute): no usable route to {destination} in {name}",
            DropReason.NoSession => $"dropped (NoSession): {Names(group.Hops.Select(hop => hop.Peer))} has no connection that carries {name}",
            DropReason.NotUnicast => $"dropped (NotUnicast): {destination} is multicast or broadcast, which the overlay does not carry",
            _ => $"dropped ({decision.Reason})",
        };
    }

    private string Names(IEnumerable<Fingerprint> hops) =>
        string.Join(" or ", hops.Select(NameOf).Order(StringComparer.Ordinal)) is { Length: > 0 } names ? names : "nobody";

    private string NameOf(Fingerprint peer) => peers.TryGetValue(peer, out PeerView? view) ? view.Name : peer.ToShortString();
}

/// <summary>A peer as explanations show it.</summary>
/// <param name="Name">The operator's label.</param>
/// <param name="State">As <c>vpnctl peers</c> shows it.</param>
/// <param name="Path">Its active connection's path, or null.</param>
internal sealed record PeerView(string Name, string State, PathFacts? Path);
