using System.Diagnostics.Metrics;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;

namespace VibePN.Engine.Runtime;

/// <summary>The engine's instruments. Read when somebody collects; nothing is counted here.</summary>
internal static class EngineMetrics
{
    /// <summary>Makes the instruments on the host's meter, which the host disposes.</summary>
    /// <param name="meter">Where they go.</param>
    /// <param name="facts">The node as it is now; any thread.</param>
    /// <param name="unknown">Drops of packets that belong to no network.</param>
    /// <param name="refusedHandshakes">Certificates refused so far.</param>
    /// <param name="conflicts">How many of them stood for a peer that is pinned to another one.</param>
    public static void Publish(
        Meter meter, Func<NodeFacts> facts, DropCounters unknown, Func<long> refusedHandshakes, Func<long> conflicts)
    {
        meter.CreateObservableGauge("vibepn_peers_configured", () => facts().PeersConfigured, "{peer}", "Peers in the configuration.");
        meter.CreateObservableGauge("vibepn_peers_up", () => facts().PeersUp, "{peer}", "Peers with a connection that carries traffic.");
        meter.CreateObservableCounter(
            "vibepn_certificates_refused", refusedHandshakes, "{handshake}", "Handshakes ended because of the peer's certificate.");
        meter.CreateObservableCounter(
            "vibepn_trust_conflicts", conflicts, "{handshake}", "Handshakes ended because a peer showed another certificate than the pinned one.");
        meter.CreateObservableCounter(
            "vibepn_announcements_refused", () => facts().RoutesRefused, "{route}", "Route announcements that were refused.");
        meter.CreateObservableGauge(
            "vibepn_routes", () => facts().Networks.Select(network => Measure(network.Routes, network.Name)),
            "{route}", "Routes accepted from peers.");
        meter.CreateObservableCounter(
            "vibepn_network_packets", () => Traffic(facts(), counters => counters.Packets),
            "{packet}", "Inner packets by network and direction.");
        meter.CreateObservableCounter(
            "vibepn_network_bytes", () => Traffic(facts(), counters => counters.Bytes),
            "By", "Bytes of inner packets by network and direction.");
        meter.CreateObservableCounter(
            "vibepn_dropped_packets", () => Drops(facts(), unknown), "{packet}", "Inner packets dropped, by network and reason.");
    }

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

    private static IEnumerable<Measurement<long>> Drops(NodeFacts facts, DropCounters unknown)
    {
        foreach ((DropReason reason, long count) in DropCounters.Sum(unknown))
            yield return Measure(count, "", Tag("reason", reason.ToString()));
        foreach (NodeFacts.Network network in facts.Networks)
        {
            if (network.Port is not { } port)
                continue;
            foreach ((DropReason reason, long count) in DropCounters.Sum(port.SentDrops, port.ReceivedDrops))
                yield return Measure(count, network.Name, Tag("reason", reason.ToString()));
        }
    }

    private static Measurement<long> Measure(long value, string network, params ReadOnlySpan<KeyValuePair<string, object?>> more) =>
        new(value, [Tag("network", network), .. more]);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
