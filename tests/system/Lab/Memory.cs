using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>Memory of a process, from <c>/proc/PID/status</c>.</summary>
/// <param name="Resident">Bytes in memory: VmRSS.</param>
/// <param name="Peak">The most there have been: VmHWM.</param>
internal readonly record struct Memory(long Resident, long Peak)
{
    /// <summary>Of a node's daemon, now.</summary>
    public static Memory Of(Node node)
    {
        string[] lines = File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{node.ProcessId}/status"));
        return new Memory(Read(lines, "VmRSS:"), Read(lines, "VmHWM:"));
    }

    /// <summary>Bytes as mebibytes.</summary>
    public static string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");

    private static long Read(string[] lines, string key) => 1024 * long.Parse(
        lines.Single(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim('\t'),
        CultureInfo.InvariantCulture);
}
