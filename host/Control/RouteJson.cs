using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>Writes the answer to <c>route.explain</c>.</summary>
internal static class RouteJson
{
    /// <summary>The members of the answer. Names are stable; reasons are the names of their codes.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="report">The engine's report.</param>
    /// <param name="policy">The routing plugin, or null when the host does not know it.</param>
    public static void Write(Utf8JsonWriter writer, RouteReport report, PluginReport? policy)
    {
        writer.WriteStartArray("candidates");
        foreach (RouteCandidateReport candidate in report.Candidates)
            WriteCandidate(writer, candidate);
        writer.WriteEndArray();
        writer.Strings("covering", report.Covering.Select(prefix => prefix.ToString()));
        writer.WriteString("destination", report.Destination.ToString());
        writer.WriteString("direction", report.Inbound ? "in" : "out");
        writer.WriteString("drop", report.Drop == DropReason.None ? null : report.Drop.ToString());
        writer.WriteStartArray("egress");
        foreach (EgressReport hop in report.Egress)
            WriteEgress(writer, hop);
        writer.WriteEndArray();
        writer.WriteString("fault", report.Fault);
        writer.WriteString("local", report.Local);
        writer.WriteString("matched", report.Matched?.ToString());
        writer.WriteString("network", report.Network);
        writer.WriteString("peer", report.Peer?.ToString());
        writer.WriteStartObject("policy");
        writer.WriteString("name", policy?.Name ?? "unknown");
        writer.WriteString("text", report.PolicyText);
        writer.WriteString("version", policy?.Version ?? "unknown");
        writer.WriteEndObject();
        writer.WriteString("source", report.Source.Family == IpFamily.None ? null : report.Source.ToString());
        WriteSource(writer, report.SourceCheck);
        writer.WriteStartObject("table");
        writer.WriteNumber("age_s", Math.Round(Math.Max(0, report.TableAge.TotalSeconds), 1));
        writer.WriteNumber("version", report.TableVersion);
        writer.WriteEndObject();
        writer.WriteString("verdict", report.Verdict);
    }

    private static void WriteCandidate(Utf8JsonWriter writer, RouteCandidateReport report)
    {
        RouteCandidate? candidate = report.Candidate;
        writer.WriteStartObject();
        writer.Number("age_s", candidate is null ? null : Math.Floor(candidate.Age.TotalSeconds));
        writer.WriteNumber("announced_metric", report.Announced);
        writer.WriteBoolean("chosen", report.Chosen);
        writer.Number("damped_s", report.DampedFor is { } left ? Math.Ceiling(left.TotalSeconds) : null);
        writer.Number("metric", candidate?.Metric);
        writer.WriteString("peer", report.Peer.ToString());
        writer.WriteString("peer_name", report.PeerName);
        writer.WriteNumber("penalty", Math.Round(report.Penalty));
        writer.Number("preference", candidate?.Preference);
        writer.WriteString("prefix", report.Prefix.ToString());
        writer.WriteString("reason", report.Reason.ToString());
        writer.WriteString("refused_by", report.RefusedBy.Length == 0 ? null : report.RefusedBy);
        writer.WriteString("rule", report.Rule);
        writer.WriteBoolean("stale", candidate?.Stale ?? false);
        writer.Strings("tags", candidate is null || candidate.Tags.IsDefault ? [] : candidate.Tags);
        writer.WriteString("text", report.Text);
        writer.WriteEndObject();
    }

    private static void WriteEgress(Utf8JsonWriter writer, EgressReport hop)
    {
        writer.WriteStartObject();
        writer.Number("max_packet", hop.Path?.MaxPacketBytes);
        writer.Number("path_mtu", hop.Path?.PathMtuBytes);
        writer.WriteString("peer", hop.Peer.ToString());
        writer.WriteString("peer_name", hop.PeerName);
        writer.WriteString("remote", hop.Path?.Remote.ToString());
        writer.Number("rtt_ms",
            hop.Path is { RoundTrip: var rtt } && rtt > TimeSpan.Zero ? Math.Round(rtt.TotalMilliseconds, 3) : null);
        writer.WriteString("state", hop.State);
        writer.WriteBoolean("taken", hop.Taken);
        writer.WriteNumber("weight", hop.Weight);
        writer.WriteEndObject();
    }

    private static void WriteSource(Utf8JsonWriter writer, SourceReport? check)
    {
        if (check is null)
        {
            writer.WriteNull("source_check");
            return;
        }

        writer.WriteStartObject("source_check");
        writer.WriteBoolean("own", check.Own);
        writer.Strings("peers", check.Peers);
        writer.WriteString("text", check.Text);
        writer.WriteEndObject();
    }
}
