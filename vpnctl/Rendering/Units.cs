using System.Globalization;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Numbers with their units, for people.</summary>
internal static class Units
{
    private static readonly string[] BitUnits = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];

    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Such as <c>512 B</c>, <c>1.5 KiB</c>, <c>20 MiB</c>.</summary>
    /// <param name="bytes">How many; null becomes a dash.</param>
    /// <param name="exactly">Never rounded to a larger unit, as an MTU must not be.</param>
    public static string Bytes(long? bytes, bool exactly = false)
    {
        if (bytes is not long exact)
            return JsonReading.Nothing;
        if (exactly)
            return $"{exact} B";
        double value = exact;
        int unit = 0;
        // 1023.95 would be shown as "1024.0": the next unit begins a little earlier.
        while (value >= 1023.95 && unit < ByteUnits.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        string number = unit == 0 || value >= 99.95 ? Format(value, "0") : Format(value, "0.#");
        return $"{number} {ByteUnits[unit]}";
    }

    /// <summary>Such as <c>940 bit/s</c>, <c>1.5 Mbit/s</c>: in thousands, as links are measured.</summary>
    public static string BitRate(double? bitsPerSecond)
    {
        if (bitsPerSecond is not double value)
            return JsonReading.Nothing;
        int unit = 0;
        while (value >= 999.5 && unit < BitUnits.Length - 1)
        {
            value /= 1000;
            unit++;
        }
        return $"{Format(value, unit == 0 || value >= 99.95 ? "0" : "0.#")} {BitUnits[unit]}";
    }

    /// <summary>A count each second, such as <c>120/s</c>.</summary>
    public static string PerSecond(double? value) => value is double count ? Format(count, "0") + "/s" : JsonReading.Nothing;

    /// <summary>Such as <c>0.4 ms</c>.</summary>
    public static string Milliseconds(double? value) =>
        value is double ms ? Format(ms, ms < 100 ? "0.##" : "0") + " ms" : JsonReading.Nothing;

    /// <summary>Thousandths as <c>0.3 %</c>.</summary>
    public static string Permille(double? value) =>
        value is double permille ? Format(permille / 10, "0.#") + " %" : JsonReading.Nothing;

    /// <summary>Such as <c>45 s</c>, <c>3 min 5 s</c>, <c>2 h 10 min</c>, <c>4 d 3 h</c>.</summary>
    public static string Seconds(long? value) => value switch
    {
        null => JsonReading.Nothing,
        < 60 => $"{value} s",
        < 3_600 => $"{value / 60} min {value % 60} s",
        < 86_400 => $"{value / 3_600} h {value % 3_600 / 60} min",
        _ => $"{value / 86_400} d {value % 86_400 / 3_600} h",
    };

    /// <summary>A count without a unit, or a dash.</summary>
    public static string Count(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? JsonReading.Nothing;

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
