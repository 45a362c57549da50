using System.Globalization;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests.Soak;

/// <summary>What the kernel of a node has counted: nothing that reaches it may have a wrong checksum or header.</summary>
internal static class KernelErrors
{
    private static readonly string[] Wanted =
    [
        "Tcp.InCsumErrors", "Udp.InCsumErrors", "Icmp.InCsumErrors", "Ip.InHdrErrors",
        "Ip6InHdrErrors", "Udp6InCsumErrors", "Icmp6InCsumErrors",
    ];

    /// <summary>The counters that are not zero, in words; empty when all are.</summary>
    public static string In(Node node)
    {
        Dictionary<string, long> counters = Read(node);
        return string.Join(", ", Wanted.Where(name => counters[name] != 0).Select(name => $"{node.Name} {name} {counters[name]}"));
    }

    private static Dictionary<string, long> Read(Node node)
    {
        var counters = new Dictionary<string, long>();
        // Two lines each: names, then numbers.
        string[] lines = node.Namespace.Exec("cat", "/proc/net/snmp").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string[] pair in lines.Chunk(2))
        {
            string[] names = pair[0].Split(' ');
            string[] numbers = pair[1].Split(' ');
            for (int i = 1; i < names.Length; i++)
                counters[names[0].Replace(':', '.') + names[i]] = long.Parse(numbers[i], CultureInfo.InvariantCulture);
        }
        foreach (string line in node.Namespace.Exec("cat", "/proc/net/snmp6").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            counters[words[0]] = long.Parse(words[1], CultureInfo.InvariantCulture);
        }
        return counters;
    }
}
