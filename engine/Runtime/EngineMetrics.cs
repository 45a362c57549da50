using System.Diagnostics.Metrics;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;

namespace VibePN.Engine.Runtime;

/// <summary>The engine's instruments. Read when somebody collects; nothing is counted here.</summary>
internal static class EngineMetrics
{
    private static readonly string[] SessionStates = ["up", "connecting", "waiting", "idle"];

    /// <summary>Makes the instruments on the host's meter, which the host disposes.</summary>
    /// <param name="meter">Where they go.</param>
    /// <param name="facts">The node as it is now; any thread.</param>
    /// <param name="unknown">Drops of packets that belong to no network.</param>
    /// <param name="refusedHandshakes">Certificates refused so far.</param>
    /// <param name="conflicts">How many of them stood for a peer that is pinned to another one.</param>
    /// <param name="loop">The control thread.</param>
    public static void Publish(
        Meter meter, Func<NodeFacts> facts, DropCounters unknown, Func<long> refusedHandshakes, Func<long> conflicts, ControlLoop loop)
    {
        meter.CreateObservableGauge("vibepn_peers_configured", () => facts().PeersConfigured, "{peer}", "Peers in the configuration.");
        meter.CreateObservableGauge("vibepn_peers_up", () => facts().PeersUp, "{peer}", "Peers with a connection that carries traffic.");
        meter.CreateObservableGauge("vibepn_sessions", () => Sessions(facts()), "{peer}", "Peers by the state of their session.");
        meter.CreateObservableCounter(
            "vibepn_certificates_refused", refusedHandshakes, "{handshake}", "Handshakes ended because of the peer's certificate.");
        meter.CreateObservableCounter(
            "vibepn_trust_conflicts", conflicts, "{handshake}", "Handshakes ended because a peer showed another certificate than the pinned one.");
        meter.CreateObservableCounter(
            "vibepn_announcements_refused", () => facts().RoutesRefused, "{route}", "Route announcements that were refused.");
        meter.CreateObservableGauge("vibepn_routes", () => Routes(facts()), "{route}",
            "Routes announced by peers, by network and state: accepted, held (the peer was stopped and may be back) or refused.");
        meter.CreateObservableCounter(
            "vibepn_dropped_packets", () => Drops(facts(), unknown), "{packet}", "Inner packets dropped, by network and reason.");
        PublishTraffic(meter, facts);
        PublishPeers(meter, facts);
        meter.CreateObservableCounter("vibepn_control_turns", () => loop.Turns, "{turn}", "Turns of the control thread.");
        meter.CreateObservableCounter(
            "vibepn_control_stalls", () => loop.Stalls, "{turn}", "Turns of the control thread that took more than 0.1 s.");
        meter.CreateObservableCounter(
            "vibepn_control_busy", () => loop.Busy.TotalSeconds, "s", "Time that the control thread has worked.");
    }

    private static void PublishTraffic(Meter meter, Func<NodeFacts> facts)
    {
        meter.CreateObservableGauge("vibepn_network_up", () => facts().Networks.Select(
            network => Measure(network.Port is null ? 0 : 1, network.Name)), null, "1 for a network with an interface, 0 for one without.");
        meter.CreateObservableCounter("vibepn_network_packets", () => Traffic(facts(), counters => counters.Packets),
            "{packet}", "Inner packets by network and direction.");
        meter.CreateObservableCounter("vibepn_network_bytes", () => Traffic(facts(), counters => counters.Bytes),
            "By", "Bytes of inner packets by network and direction.");
        meter.CreateObservableCounter("vibepn_peer_packets", () => PeerTraffic(facts(), counters => counters.Packets),
            "{packet}", "Inner packets by network, peer and direction.");
        meter.CreateObservableCounter("vibepn_peer_bytes", () => PeerTraffic(facts(), counters => counters.Bytes),
            "By", "Bytes of inner packets by network, peer and direction.");
    }

    private static void PublishPeers(Meter meter, Func<NodeFacts> facts)
    {
        meter.CreateObservableGauge("vibepn_peer_up", () => OfPeers(facts(), peer => peer.Active is null ? 0L : 1),
            null, "1 for a peer with a connection that carries traffic, 0 for one without.");
        meter.CreateObservableGauge("vibepn_peer_round_trip", () => OfPaths(facts(), path => path.RoundTrip.TotalSeconds),
            "s", "Smoothed round-trip time to the peer.");
        meter.CreateObservableGauge("vibepn_peer_loss_ratio", () => OfPaths(facts(), path => path.LossPermille / 1000.0),
            null, "Share of packets to the peer that the path lost, smoothed, 0 to 1.");
        meter.CreateObservableGauge("vibepn_peer_path_mtu", () => OfPaths(facts(), path => path.PathMtuBytes),
            "By", "Largest UDP payload that the path to the peer carries.");
        meter.CreateObservableGauge("vibepn_peer_queue", () => OfPeers(facts(), peer => peer.Total.QueuedBytes),
            "By", "Bytes of inner packets that wait to be sent to the peer.");
        meter.CreateObservableCounter("vibepn_peer_queue_wait", () => OfPeers(facts(), peer => peer.Total.QueueWait.TotalSeconds),
            "s", "How long inner packets to the peer have waited to be sent, all together.");
        meter.CreateObservableCounter("vibepn_peer_queue_drops", () => OfPeers(facts(), peer => peer.Total.PacketsDropped),
            "{packet}", "Inner packets to or from the peer that its connections dropped, most for waiting too long.");
        meter.CreateObservableCounter("vibepn_peer_ecn_marks", () => OfPeers(facts(), peer => peer.Total.PacketsMarked),
            "{packet}", "Inner packets to the peer that were marked as having met congestion, instead of being dropped.");
        meter.CreateObservableCounter("vibepn_peer_lost_datagrams", () => OfPeers(facts(), peer => peer.Total.DatagramsLost),
            "{datagram}", "Datagrams to the peer that the path lost.");
    }

    private static IEnumerable<Measurement<int>> Sessions(NodeFacts facts) =>
        SessionStates.Select(state => new Measurement<int>(facts.Peers.Count(peer => peer.State == state), Tag("state", state)));

    private static IEnumerable<Measurement<long>> Routes(NodeFacts facts)
    {
        foreach (NodeFacts.Network network in facts.Networks)
        {
            yield return Measure(network.Routes.Accepted, network.Name, Tag("state", "accepted"));
            yield return Measure(network.Routes.Held, network.Name, Tag("state", "held"));
            yield return Measure(network.Routes.Refused, network.Name, Tag("state", "refused"));
        }
    }

    private static IEnumerable<Measurement<T>> OfPeers<T>(NodeFacts facts, Func<NodeFacts.Peer, T> value)
        where T : struct =>
        facts.Peers.Select(peer => new Measurement<T>(value(peer), Tag("peer", peer.Name)));

    // A path that is gone has no round trip: better no value than an old one.
    private static IEnumerable<Measurement<double>> OfPaths(NodeFacts facts, Func<PathFacts, double> value) =>
        facts.Peers.Where(peer => peer.Active is not null)
            .Select(peer => new Measurement<double>(value(peer.Active!.Path), Tag("peer", peer.Name)));

    private static IEnumerable<Measurement<long>> Traffic(NodeFacts facts, Func<TrafficCounters, long> value)
    {
        foreach (NodeFacts.Network network in facts.Networks)
        {
            if (network.Port is not { } port)
                continue;
            yield return Measure(value(port.Sent), network.Name, Tag("direction", "out"));
            yield return Measure(value(port.Received), network.Name, Tag("direction", "in"));
        }
    }

    private static IEnumerable<Measurement<long>> PeerTraffic(NodeFacts facts, Func<TrafficCounters, long> value)
    {
        foreach (NodeFacts.Peer peer in facts.Peers)
        {
            foreach (PeerPort port in peer.Ports)
            {
                yield return Measure(value(port.Sent), port.Network.Name, Tag("peer", peer.Name), Tag("direction", "out"));
                yield return Measure(value(port.Received), port.Network.Name, Tag("peer", peer.Name), Tag("direction", "in"));
            }
        }
    }

    // Reasons that have not occurred are told as well: a rate needs a beginning.
    private static IEnumerable<Measurement<long>> Drops(NodeFacts facts, DropCounters unknown)
    {
        foreach (DropReason reason in Enum.GetValues<DropReason>())
        {
            if (reason == DropReason.None)
                continue;
            yield return Measure(unknown[reason], "", Tag("reason", reason.ToString()));
            foreach (NodeFacts.Network network in facts.Networks)
            {
                if (network.Port is { } port)
                    yield return Measure(port.SentDrops[reason] + port.ReceivedDrops[reason], network.Name, Tag("reason", reason.ToString()));
            }
        }
    }

    private static Measurement<long> Measure(long value, string network, params ReadOnlySpan<KeyValuePair<string, object?>> more) =>
        new(value, [Tag("network", network), .. more]);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
