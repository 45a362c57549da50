using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using VibePN.Contracts;

namespace VibePN.Benchmarks;

/// <summary>The table that is printed: each figure with unit and target.</summary>
internal static class Report
{
    /// <summary>What was measured on.</summary>
    public static void Machine()
    {
        string instructions = Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2"
            : Vector128.IsHardwareAccelerated ? "128 bits" : "scalar";
        string load = File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
        Console.WriteLine($"{Processor()}, {Environment.ProcessorCount} processors, {instructions}; {RuntimeInformation.FrameworkDescription}; load {load}");
    }

    /// <summary>One line for each table.</summary>
    public static void Print(List<LookupCase> cases, string source)
    {
        Console.WriteLine($"times of lookups: {source}; best/median where there are two; (target); ! marks a target missed");
        Console.WriteLine();
        Console.WriteLine(Row("table", "single, ns", "batch, ns", "dependent, ns", "memory, KiB", "build, ms"));
        foreach (LookupCase one in cases)
        {
            Targets targets = Targets.For(one.Family, one.Size);
            Console.WriteLine(Row(
                one.ToString(), Figure(one.Single, 1, targets.SingleNs), Figure(one.Batch, 1, targets.BatchNs), Figure(one.Dependent, 1, null),
                Figure(new Timing(one.Table.Bytes, one.Table.Bytes), 1024, targets.MemoryKiB), Figure(one.Build, 1e6, targets.PublishMs)));
        }
    }

    /// <summary>One line for each operation on packets.</summary>
    public static void Print(List<PacketCase> cases, string source)
    {
        Console.WriteLine($"times: {source}; bytes of managed memory, which must be 0; ! marks what is not");
        Console.WriteLine();
        Console.WriteLine(Line("operation", "per", "best, ns", "median, ns", "bytes"));
        foreach (PacketCase one in cases)
        {
            Timing time = one.Time ?? default;
            Console.WriteLine(Line(
                one.Name, one.Unit, Number(time.Best), time.Median == time.Best ? "-" : Number(time.Median),
                one.Allocated == 0 ? "0" : Number(one.AllocatedPerOperation) + "!"));
        }

        static string Line(string operation, string unit, params string[] figures) =>
            operation.PadRight(48) + unit.PadRight(10) + string.Concat(figures.Select(figure => figure.PadLeft(13)));
    }

    private static string Row(params string[] cells) =>
        string.Concat(cells.Select((cell, i) => i == 0 ? cell.PadRight(22) : cell.PadLeft(24)));

    private static string Figure(Timing? timing, double unit, double? target)
    {
        if (timing is not Timing { Best: double best, Median: double median })
            return "-";
        string text = Number(best / unit) + (median == best ? "" : "/" + Number(median / unit));
        if (target is double limit)
            text += $" ({Number(limit)}){(best / unit > limit ? "!" : " ")}";
        return text;
    }

    private static string Number(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : value >= 0.1 ? "0.00" : "0.0000", CultureInfo.InvariantCulture);

    private static string Processor()
    {
        const string Key = "model name";
        string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    // What the table is to keep to, by its size (docs/decisions/0009-lookup.md).
    private readonly record struct Targets(double? SingleNs, double? BatchNs, double? MemoryKiB, double? PublishMs)
    {
        public static Targets For(IpFamily family, int size) => (size, family) switch
        {
            (1, _) => new(3, 2, 4, 0.05),
            (1_000, IpFamily.V4) => new(4, 3, 64, 0.5),
            (1_000, _) => new(5, 4, 64, 0.5),
            (100_000, IpFamily.V4) => new(12, 8, 4 * 1024, 2),
            (100_000, _) => new(15, 10, 4 * 1024, 2),
            (1_000_000, IpFamily.V4) => new(40, 20, 32 * 1024, 5),
            (1_000_000, _) => new(60, 30, 32 * 1024, 5),
            _ => default,
        };
    }
}
