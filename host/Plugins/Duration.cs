using System.Globalization;

namespace VibePN.Host.Plugins;

/// <summary>Durations as plugins.toml writes them: a whole number with a unit.</summary>
internal static class Duration
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3_650);

    /// <summary>Reads <c>250ms</c>, <c>5s</c>, <c>2m</c>, <c>1h</c>; parts may follow each other, as in <c>1m30s</c>.</summary>
    public static bool TryParse(string text, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        int at = 0;
        while (at < text.Length)
        {
            int digits = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            int unit = at;
            while (at < text.Length && char.IsAsciiLetterLower(text[at]))
                at++;
            if (!long.TryParse(text.AsSpan(digits, unit - digits), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
                || TicksOf(text.AsSpan(unit, at - unit)) is not { } ticks
                || count > (Longest - value).Ticks / ticks)
                return false;
            value += TimeSpan.FromTicks(count * ticks);
        }

        return text.Length > 0;
    }

    private static long? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        _ => null,
    };
}
