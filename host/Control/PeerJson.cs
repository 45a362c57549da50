using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>Writes the members of <c>peers.get</c> and of a ping's steps, their keys sorted.</summary>
internal static class PeerJson
{
    /// <summary>Everything about one peer. The control socket sorts the members of the list's part in.</summary>
    public static void Write(Utf8JsonWriter writer, PeerDetail peer)
    {
        StatusJson.WritePeer(writer, peer.Status);
        WriteObjects(writer, "addresses_tried", peer.Addresses, address =>
        {
            writer.WriteString("address", address.Address);
            writer.WriteString("result", address.Result.Length == 0 ? null : LogText.Escape(address.Result));
            writer.Time("time", address.Time);
        });
        writer.WriteString("advice", PeerAdvice.Of(peer));
        writer.Number("barred_s", Seconds(peer.BarredFor));
        writer.WriteNumber("datagrams_lost", peer.Status.Counters.DatagramsLost);
        WriteDrops(writer, peer.Networks.SelectMany(network => network.Drops));
        WriteObjects(writer, "errors", peer.Errors, error =>
        {
            writer.WriteString("text", LogText.Escape(error.Text));
            writer.Time("time", error.Time);
        });
        writer.Number("key_age_s", Seconds(peer.KeyAge));
        WriteObjects(writer, "network_details", peer.Networks, network =>
        {
            writer.WriteBoolean("agreed", network.Agreed);
            writer.WriteNumber("bytes_in", network.BytesIn);
            writer.WriteNumber("bytes_out", network.BytesOut);
            writer.WriteString("name", network.Name);
            writer.WriteNumber("packets_in", network.PacketsIn);
            writer.WriteNumber("packets_out", network.PacketsOut);
        });
        writer.WriteString("path", peer.Status.Path is null ? "down" : "direct");
        writer.WriteNumber("queued_bytes", peer.Status.Counters.QueuedBytes);
        writer.Number("renews_in_s", Seconds(peer.RenewsIn));
        WriteObjects(writer, "routes", peer.Routes, route => StatusJson.WriteRoute(writer, route));
        writer.WriteBoolean("routes_held", peer.RoutesHeld);
    }

    /// <summary>A step of a ping.</summary>
    public static void Write(Utf8JsonWriter writer, PingStep step)
    {
        writer.WriteString("address", step.Address?.ToString());
        writer.Number("bytes", step.Bytes == 0 ? null : step.Bytes);
        writer.WriteString("drop", step.Drop == DropReason.None ? null : step.Drop.ToString());
        writer.Number("hop_limit", step.HopLimit == 0 ? null : step.HopLimit);
        writer.WriteString("kind", step.Kind.ToString().ToLowerInvariant());
        writer.WriteString("network", step.Network);
        writer.WriteString("peer", step.Peer.Length == 0 ? null : step.Peer);
        writer.WriteString("remote", step.Remote?.ToString());
        writer.Number("rtt_ms", step.RoundTrip is { } time ? Math.Round(time.TotalMilliseconds, 3) : null);
        writer.Number("seq", step.Sequence == 0 ? null : step.Sequence);
        writer.WriteString("source", step.Source?.ToString());
        writer.WriteString("text", step.Text.Length == 0 ? null : LogText.Escape(step.Text));
    }

    private static void WriteDrops(Utf8JsonWriter writer, IEnumerable<KeyValuePair<DropReason, long>> drops)
    {
        writer.WriteStartObject("drops");
        foreach (IGrouping<DropReason, long> reason in drops.GroupBy(drop => drop.Key, drop => drop.Value)
            .OrderBy(group => group.Key.ToString(), StringComparer.Ordinal))
            writer.WriteNumber(reason.Key.ToString(), reason.Sum());
        writer.WriteEndObject();
    }

    private static void WriteObjects<T>(Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<T> writeMembers)
    {
        writer.WriteStartArray(name);
        foreach (T item in items)
        {
            writer.WriteStartObject();
            writeMembers(item);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static double? Seconds(TimeSpan? time) => time is { } value ? Math.Floor(value.TotalSeconds) : null;
}
