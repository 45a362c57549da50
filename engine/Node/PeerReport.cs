using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Policy;
using VibePN.Engine.Routes;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Takes the picture of one peer, and of what is refused. Runs on the control thread.</summary>
internal static class PeerReport
{
    /// <summary>Everything about a peer; null when there is none of that name.</summary>
    public static PeerDetail? Take(ControlPlane plane, string name, Instant now, DateTimeOffset utcNow)
    {
        PeerMachine? peer = plane.Peers.FirstOrDefault(candidate => candidate.Configuration.Name == name);
        if (peer is null)
            return null;
        PeerConnection? active = peer.Active;
        return new PeerDetail(StatusReport.Peer(peer, plane.Started, now, utcNow))
        {
            KeyAge = active is null ? null : now - active.Since,
            RenewsIn = peer.RenewsAt is { } renewal ? NotNegative(renewal - now) : null,
            BarredFor = peer.HeldUntil > now ? peer.HeldUntil - now : null,
            RoutesHeld = peer.AreRoutesHeld(now),
            LastCode = peer.LastCode,
            Errors = [.. peer.History.Errors.Reverse().Select(error => new PeerError(utcNow - (now - error.At), error.Text))],
            Addresses = [.. peer.Configuration.Addresses.Select(address => Address(peer.History, address, now, utcNow))],
            Networks = [.. peer.Configuration.Networks.Select(network => Network(plane, peer, network))],
            Routes = peer.Identity is { } identity
                ? [.. plane.Networks.All.SelectMany(network => StatusReport.Routes(network, plane, now, utcNow))
                    .Where(route => route.Candidate.NextHop == identity)]
                : [],
        };
    }

    /// <summary>Announcements that are known and not used, by network, prefix, then peer.</summary>
    public static ImmutableArray<RouteStatus> Refused(ControlPlane plane, Instant now) =>
    [
        .. from network in plane.Networks.All
           from route in network.Routes.Known()
           where route.Judgement.Verdict.Candidate is null
           orderby network.Configuration.Name, route.Prefix, route.Peer
           select Refused(plane, network, route, now),
    ];

    private static RouteStatus Refused(ControlPlane plane, OverlayNetwork network, KnownRoute route, Instant now)
    {
        RouteJudgement judgement = route.Judgement;
        var announced = new RouteCandidate
        {
            Prefix = route.Prefix, NextHop = route.Peer, Origin = route.Peer, Metric = route.AnnouncedMetric, Age = now - route.Since,
        };
        return new RouteStatus(network.Configuration.Name, announced, plane.NameOf(route.Peer), Best: false, Expires: null)
        {
            Refusal = new RouteRefusal(
                RouteJudgement.NameOf(judgement.Stage), judgement.Verdict.Reason, judgement.Verdict.Text, judgement.Rule?.Text ?? ""),
        };
    }

    private static AddressReport Address(PeerHistory history, string address, Instant now, DateTimeOffset utcNow) =>
        history.LastTry(address) is { } last
            ? new AddressReport(address, utcNow - (now - last.At), last.Result)
            : new AddressReport(address, null, "");

    private static PeerNetwork Network(ControlPlane plane, PeerMachine peer, string name)
    {
        bool agreed = peer.Active?.TryFind(name, out _) == true;
        if (peer.Identity is not { } identity || plane.Networks.Find(name)?.Ports.GetValueOrDefault(identity) is not { } port)
            return new PeerNetwork(name, agreed);
        return new PeerNetwork(name, agreed)
        {
            PacketsOut = port.Sent.Packets,
            BytesOut = port.Sent.Bytes,
            PacketsIn = port.Received.Packets,
            BytesIn = port.Received.Bytes,
            Drops = DropCounters.Sum(port.Drops),
        };
    }

    private static TimeSpan NotNegative(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}
