using System.Globalization;

namespace VibePN.Host.Control;

/// <summary>Durations as the predecessor's scripts read them.</summary>
internal static class GoDuration
{
    /// <summary>Whole seconds: <c>3s</c>, <c>2m3s</c>, <c>1h2m3s</c>.</summary>
    public static string Format(TimeSpan value)
    {
        long seconds = Math.Max(0, (long)value.TotalSeconds);
        (long hours, long minutes) = (seconds / 3_600, seconds / 60 % 60);
        string tail = string.Create(CultureInfo.InvariantCulture, $"{seconds % 60}s");
        if (hours > 0)
            return string.Create(CultureInfo.InvariantCulture, $"{hours}h{minutes}m{tail}");
        return minutes > 0 ? string.Create(CultureInfo.InvariantCulture, $"{minutes}m{tail}") : tail;
    }
}
