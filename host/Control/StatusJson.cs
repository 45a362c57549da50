using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>Writes the members of status objects, their keys sorted as scripts expect.</summary>
internal static class StatusJson
{
    /// <summary>A peer.</summary>
    public static void WritePeer(Utf8JsonWriter writer, PeerStatus peer)
    {
        PathFacts? path = peer.Path;
        ConnectionStatistics counters = peer.Counters;
        writer.WriteString("address", peer.Addresses.FirstOrDefault());
        writer.Strings("addresses", peer.Addresses);
        writer.WriteNumber("connections", peer.Connections);
        writer.WriteNumber("dropped_packets", counters.PacketsDropped);
        writer.WriteString("id", peer.Id?.ToString() ?? "");
        writer.WriteString("last_error", peer.LastError);
        writer.Time("last_seen", peer.LastSeen);
        writer.WriteNumber("loss_permille", path?.LossPermille ?? 0);
        writer.Number("max_packet", path?.MaxPacketBytes);
        writer.WriteString("name", peer.Name);
        writer.Strings("networks", peer.Networks);
        writer.Number("next_dial_ms", peer.NextDial is { } next ? Math.Ceiling(next.TotalMilliseconds) : null);
        writer.Number("path_mtu", path?.PathMtuBytes);
        writer.WriteString("remote", path?.Remote.ToString());
        writer.WriteString("role", peer.Role switch
        {
            ConnectionRole.Initiator => "initiator",
            ConnectionRole.Responder => "responder",
            _ => null,
        });
        writer.Number("rtt_ms",
            path is { RoundTrip: var rtt } && rtt > TimeSpan.Zero ? Math.Round(rtt.TotalMilliseconds, 3) : null);
        writer.WriteNumber("rx_bytes", counters.BytesReceived);
        writer.WriteNumber("rx_packets", counters.PacketsReceived);
        writer.WriteNumber("sampled_ms", (long)peer.SampledAt.TotalMilliseconds);
        writer.Time("since", peer.Since);
        writer.WriteString("state", peer.State);
        writer.WriteNumber("tx_bytes", counters.BytesSent);
        writer.WriteNumber("tx_packets", counters.PacketsSent);
    }

    /// <summary>A route.</summary>
    public static void WriteRoute(Utf8JsonWriter writer, RouteStatus route)
    {
        RouteCandidate candidate = route.Candidate;
        writer.WriteNumber("age_s", (long)candidate.Age.TotalSeconds);
        writer.WriteBoolean("best", route.Best);
        writer.Time("expires", route.Expires);
        writer.WriteNumber("metric", candidate.Metric);
        writer.WriteString("network", route.Network);
        writer.WriteString("peer", candidate.NextHop.ToString());
        writer.WriteString("peer_name", route.PeerName);
        writer.WriteString("prefix", candidate.Prefix.ToString());
        writer.WriteString("reason", route.Refusal?.Reason.ToString());
        writer.WriteString("refused_by", route.Refusal?.By);
        writer.WriteString("rule", route.Refusal is { Rule.Length: > 0 } refused ? refused.Rule : null);
        writer.WriteString("source", candidate.Source switch
        {
            RouteSource.Connected => "connected",
            RouteSource.Static => "static",
            RouteSource.Legacy => "legacy",
            _ => "learned",
        });
        writer.WriteBoolean("stale", candidate.Stale);
        writer.WriteString("text", route.Refusal?.Text);
    }

    /// <summary>A network.</summary>
    public static void WriteNetwork(Utf8JsonWriter writer, NetworkStatus network)
    {
        writer.Strings("addresses", network.Addresses.Select(address => address.ToString()));
        writer.WriteNumber("bytes_in", network.BytesIn);
        writer.WriteNumber("bytes_out", network.BytesOut);
        writer.WriteString("device", network.Device);
        writer.WriteStartObject("drops");
        foreach ((DropReason reason, long count) in network.Drops.OrderBy(drop => drop.Key.ToString(), StringComparer.Ordinal))
            writer.WriteNumber(reason.ToString(), count);
        writer.WriteEndObject();
        writer.WriteString("error", network.Error);
        writer.WriteNumber("mtu", network.Mtu);
        writer.WriteString("name", network.Name);
        writer.Strings("originate", network.Originate.Select(prefix => prefix.ToString()));
        writer.WriteNumber("packets_in", network.PacketsIn);
        writer.WriteNumber("packets_out", network.PacketsOut);
        writer.WriteNumber("peers_up", network.PeersUp);
    }

    /// <summary>A plugin.</summary>
    public static void WritePlugin(Utf8JsonWriter writer, PluginReport plugin)
    {
        writer.WriteString("contract", plugin.Contract);
        writer.WriteString("file", plugin.File);
        writer.WriteString("hash", plugin.Hash);
        writer.WriteString("name", plugin.Name);
        writer.WriteString("role", plugin.Role);
        writer.WriteStartObject("settings");
        foreach ((string name, string value) in plugin.Settings)
            writer.WriteString(name, value);
        writer.WriteEndObject();
        writer.WriteString("state", plugin.State);
        writer.WriteString("version", plugin.Version);
    }
}
