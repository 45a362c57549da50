using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>A routing decision from its question to its verdict, one line for each thing that led to it.</summary>
internal static class RouteExplainView
{
    private const string Indent = "            ";

    public static void Render(JsonElement report, Terminal terminal)
    {
        TextWriter output = terminal.Out;
        JsonElement table = Member(report, "table");
        JsonElement policy = Member(report, "policy");
        output.WriteLine($"destination {report.Clean("destination")}  network {report.Clean("network")}  "
            + $"table {Units.Count(table.Whole("version"))} ({Age(table.Number("age_s"))} old)");
        string covering = report.Items("covering").Any() ? $"  (also covering: {report.Joined("covering")})" : "";
        output.WriteLine($"match       {report.Clean("matched")}{covering}");
        WriteOptional(output, "local", report.Text("local"));
        RenderCandidates(report, output);
        output.WriteLine($"policy      {policy.Clean("name")} {policy.Clean("version")}: {policy.Clean("text")}");
        if (Member(report, "source_check") is { ValueKind: JsonValueKind.Object } check)
            output.WriteLine($"source      {check.Clean("text")}");
        foreach (JsonElement hop in report.Items("egress"))
        {
            output.WriteLine($"egress      {(hop.IsTrue("taken") ? "*" : " ")} {hop.Clean("peer_name")}: {hop.Clean("state")}, "
                + $"{hop.Clean("remote")}, RTT {Units.Milliseconds(hop.Number("rtt_ms"))}, "
                + $"path MTU {Units.Bytes(hop.Whole("path_mtu"), exactly: true)}, "
                + $"inner max {Units.Bytes(hop.Whole("max_packet"), exactly: true)}");
        }
        Tone tone = report.Text("drop") is null || report.Text("local") is { Length: > 0 } ? Tone.Good : Tone.Warning;
        output.WriteLine($"verdict     {Colour.Paint(report.Clean("verdict"), tone, terminal)}");
        if (report.Text("fault") is { Length: > 0 })
            output.WriteLine(Colour.Paint($"fault       {report.Clean("fault")}", Tone.Bad, terminal));
    }

    private static void RenderCandidates(JsonElement report, TextWriter output)
    {
        JsonElement[] candidates = [.. report.Items("candidates")];
        int accepted = candidates.Count(candidate => candidate.Text("refused_by") is null);
        output.WriteLine($"candidates  {candidates.Length}, accepted {accepted}");
        for (int i = 0; i < candidates.Length; i++)
        {
            JsonElement candidate = candidates[i];
            string values = candidate.Text("refused_by") is null
                ? $"metric {Units.Count(candidate.Whole("metric"))}  pref {Units.Count(candidate.Whole("preference"))}"
                    + (candidate.Items("tags").Any() ? $"  tags {candidate.Joined("tags")}" : "")
                : $"refused by {candidate.Clean("refused_by")} ({candidate.Clean("reason")})";
            output.WriteLine($"  {i + 1,3} {(candidate.IsTrue("chosen") ? "*" : " ")} {candidate.Clean("prefix")} via {candidate.Clean("peer_name")}  "
                + $"{values}{(candidate.IsTrue("stale") ? "  stale" : "")}");
            output.WriteLine(Indent + candidate.Clean("text"));
            if (candidate.Text("rule") is { Length: > 0 } && candidate.Text("rule") != candidate.Text("text"))
                output.WriteLine(Indent + candidate.Clean("rule"));
            if (candidate.Number("penalty") is > 0)
            {
                string left = candidate.Whole("damped_s") is long seconds ? $", not used for {Units.Seconds(seconds)} more" : "";
                output.WriteLine($"{Indent}damping penalty {Units.Count(candidate.Whole("penalty"))}{left}");
            }
        }
    }

    private static void WriteOptional(TextWriter output, string label, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            output.WriteLine($"{label,-12}{Escape.Controls(value)}");
    }

    private static string Age(double? seconds) => seconds is < 60
        ? seconds.Value.ToString("0.#", System.Globalization.CultureInfo.InvariantCulture) + " s"
        : Units.Seconds((long?)seconds);

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : default;
}
