using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>What the long tests print.</summary>
internal static class Figures
{
    /// <summary>How many of something to do: the explicit tests take it from the environment.</summary>
    public static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number : otherwise;

    /// <summary>The smallest time that so many percent of all do not exceed.</summary>
    public static TimeSpan Percentile(IReadOnlyCollection<TimeSpan> times, int percent)
    {
        int rank = (int)Math.Ceiling(times.Count * percent / 100.0);
        return times.Order().ElementAt(Math.Max(rank, 1) - 1);
    }

    /// <summary>Median, 99th percentile and extremes in one line.</summary>
    public static string Line(string what, IReadOnlyCollection<TimeSpan> times) => string.Create(CultureInfo.InvariantCulture,
        $"{what}: p50 {Ms(Percentile(times, 50))}, p99 {Ms(Percentile(times, 99))}, smallest {Ms(times.Min())}, largest {Ms(times.Max())}, n = {times.Count}");

    /// <summary>Milliseconds with their unit.</summary>
    public static string Ms(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");

    /// <summary>Writes a line to the output of the test, with the load of the machine: figures mean little without it.</summary>
    public static void Report(string line)
    {
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        TestContext.Current.TestOutputHelper?.WriteLine($"{line} [load {load}]");
    }
}
