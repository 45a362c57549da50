using System.Diagnostics.Metrics;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The plugin's counters. Labels hold only words fixed in the code.</summary>
internal sealed class ControlMeters(Meter meter)
{
    private readonly Counter<long> _requests = meter.CreateCounter<long>(
        "control_requests", description: "Requests answered, by outcome.");

    private readonly Counter<long> _refused = meter.CreateCounter<long>(
        "control_refused_connections", description: "Connections closed without an answer to a request, by reason.");

    private readonly Counter<long> _dropped = meter.CreateCounter<long>(
        "control_dropped_events", description: "Events of streams dropped because their client read too slowly.");

    public void Answered(bool ok) =>
        _requests.Add(1, new KeyValuePair<string, object?>("outcome", ok ? "ok" : "error"));

    public void Refused(string reason) =>
        _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Dropped(int events) => _dropped.Add(events);
}
