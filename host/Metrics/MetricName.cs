using System.Diagnostics.Metrics;
using System.Text;

namespace VibePN.Host.Metrics;

/// <summary>Turns an instrument's name and unit into a metric name by Prometheus' conventions.</summary>
internal static class MetricName
{
    /// <summary>For example <c>vibepn.tun.bytes</c>, a counter in <c>By</c>, becomes <c>vibepn_tun_bytes_total</c>.</summary>
    public static string Of(Instrument instrument, bool isCounter)
    {
        var name = new StringBuilder(Clean(instrument.Name));
        if (!name.ToString().StartsWith("vibepn_", StringComparison.Ordinal))
            name.Insert(0, "vibepn_");
        bool hasTotal = name.ToString().EndsWith("_total", StringComparison.Ordinal);
        if (hasTotal)
            name.Length -= "_total".Length;
        string unit = UnitOf(instrument.Unit);
        if (unit.Length > 0 && !name.ToString().EndsWith(unit, StringComparison.Ordinal))
            name.Append('_').Append(unit);
        if (isCounter || hasTotal)
            name.Append("_total");
        return name.ToString();
    }

    /// <summary>A label's name: letters, digits and underscores, no digit first.</summary>
    public static string Label(string name)
    {
        string clean = Clean(name);
        return clean.Length == 0 || char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    private static string Clean(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '_'));

    // UCUM units as instruments write them; a unit in braces is a mere remark.
    private static string UnitOf(string? unit) => unit switch
    {
        null or "" or "1" => "",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "By" or "bytes" => "bytes",
        _ when unit.StartsWith('{') => "",
        _ => Clean(unit),
    };
}
