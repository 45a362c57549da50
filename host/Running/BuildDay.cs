using System.Globalization;
using System.Reflection;

namespace VibePN.Host.Running;

/// <summary>The day this daemon was built.</summary>
internal static class BuildDay
{
    /// <summary>Midnight of that day, UTC: no right clock stands before it.</summary>
    public static DateTimeOffset Start { get; } = DateTimeOffset.ParseExact(
        typeof(BuildDay).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Built").Value!,
        "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
