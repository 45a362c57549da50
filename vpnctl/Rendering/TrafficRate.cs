using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>What a peer's traffic was between two samples; null where that cannot be told.</summary>
internal sealed record TrafficRate(string Name, string State, double? BitsIn, double? BitsOut, double? PacketsIn, double? PacketsOut)
{
    private double? RoundTripMs { get; init; }

    private double? LossPermille { get; init; }

    /// <summary>The rates of all peers of the later sample, busiest first.</summary>
    public static IReadOnlyList<TrafficRate> Between(IReadOnlyList<JsonElement> before, IReadOnlyList<JsonElement> after)
    {
        var earlier = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonElement peer in before)
            earlier[peer.Text("name") ?? ""] = peer;
        return
        [
            .. after.Select(peer => Of(earlier.TryGetValue(peer.Text("name") ?? "", out JsonElement known) ? known : default, peer))
                .OrderByDescending(rate => (rate.BitsIn ?? 0) + (rate.BitsOut ?? 0)).ThenBy(rate => rate.Name, StringComparer.Ordinal),
        ];
    }

    public Cell[] Cells() =>
    [
        Escape.Controls(Name), new Cell(Escape.Controls(State), State == "up" ? Tone.Good : Tone.Warning),
        Units.BitRate(BitsIn), Units.BitRate(BitsOut), Units.PerSecond(PacketsIn), Units.PerSecond(PacketsOut),
        Units.Milliseconds(RoundTripMs), Units.Permille(LossPermille),
    ];

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        Number("loss_permille", LossPermille);
        writer.WriteString("name", Name);
        Number("rtt_ms", RoundTripMs);
        Number("rx_bits_per_s", BitsIn);
        Number("rx_packets_per_s", PacketsIn);
        writer.WriteString("state", State);
        Number("tx_bits_per_s", BitsOut);
        Number("tx_packets_per_s", PacketsOut);
        writer.WriteEndObject();

        void Number(string name, double? value)
        {
            if (value is double number)
                writer.WriteNumber(name, Math.Round(number, 3));
            else
                writer.WriteNull(name);
        }
    }

    private static TrafficRate Of(JsonElement before, JsonElement after)
    {
        // Counters are a connection's: with another one, or another start of the daemon, nothing can be subtracted.
        bool same = before.ValueKind == JsonValueKind.Object && before.Text("since") == after.Text("since");
        double? seconds = same ? (after.Whole("sampled_ms") - before.Whole("sampled_ms")) / 1000.0 : null;
        return new TrafficRate(
            after.Text("name") ?? "", after.Text("state") ?? "", Rate("rx_bytes") * 8, Rate("tx_bytes") * 8, Rate("rx_packets"), Rate("tx_packets"))
        {
            RoundTripMs = after.Number("rtt_ms"),
            LossPermille = after.Number("loss_permille"),
        };

        double? Rate(string name) => seconds > 0 && after.Whole(name) - before.Whole(name) is >= 0 and long grown ? grown / seconds : null;
    }
}
