using System.Globalization;
using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>One check as the daemon's program tells it.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Title">What is looked at.</param>
/// <param name="Verdict"><c>pass</c>, <c>warn</c> or <c>fail</c>.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Remedies">What to do.</param>
internal sealed record CheckRow(int Number, string Title, string Verdict, string Detail, IReadOnlyList<string> Remedies)
{
    /// <summary>Reads one; a verdict that is no known word counts as a failure.</summary>
    public static CheckRow Of(JsonElement check) => new(
        (int)(check.Whole("number") ?? 0), check.Clean("title"), check.Text("verdict") is ("pass" or "warn") and { } verdict ? verdict : "fail",
        check.Clean("detail"), [.. check.Items("remedies").Select(remedy => Escape.Controls(remedy.AsText()))]);
}

/// <summary>The findings in the predecessor's form, each with what to do on lines of its own.</summary>
internal static class DoctorView
{
    public static void Render(IReadOnlyList<CheckRow> checks, Terminal terminal)
    {
        foreach (CheckRow check in checks)
        {
            Tone tone = check.Verdict switch { "pass" => Tone.Good, "warn" => Tone.Warning, _ => Tone.Bad };
            string word = Colour.Paint(check.Verdict.ToUpperInvariant(), tone, terminal);
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{word} {check.Number}) {check.Title}: {check.Detail}"));
            foreach (string remedy in check.Remedies)
                terminal.Out.WriteLine($"  -> {remedy}");
        }
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Summary: PASS={Count(checks, "pass")} WARN={Count(checks, "warn")} FAIL={Count(checks, "fail")}"));
    }

    public static void Write(Utf8JsonWriter writer, string config, IReadOnlyList<CheckRow> checks)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("checks");
        foreach (CheckRow check in checks)
        {
            writer.WriteStartObject();
            writer.WriteString("detail", check.Detail);
            writer.WriteNumber("number", check.Number);
            writer.WriteStartArray("remedies");
            foreach (string remedy in check.Remedies)
                writer.WriteStringValue(remedy);
            writer.WriteEndArray();
            writer.WriteString("title", check.Title);
            writer.WriteString("verdict", check.Verdict);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteString("config", config);
        writer.WriteNumber("fail", Count(checks, "fail"));
        writer.WriteNumber("pass", Count(checks, "pass"));
        writer.WriteNumber("warn", Count(checks, "warn"));
        writer.WriteEndObject();
    }

    private static int Count(IReadOnlyList<CheckRow> checks, string verdict) => checks.Count(check => check.Verdict == verdict);
}
