using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using VibePN.Contracts;

namespace VibePN.Benchmarks;

/// <summary>The same lookups, measured by BenchmarkDotNet.</summary>
public class LookupBenchmark
{
    private static List<LookupCase> s_cases = [];
    private readonly ushort[] _values = new ushort[QuickHarness.BatchSize];

    /// <summary>The tables to measure.</summary>
    public static IEnumerable<LookupCase> Cases => s_cases;

    /// <summary>The table measured now.</summary>
    [ParamsSource(nameof(Cases))]
    public LookupCase Case { get; set; } = null!;

    /// <summary>Runs all and notes the means.</summary>
    internal static void Measure(List<LookupCase> cases)
    {
        s_cases = cases;
        // In this process: the toolchain of its own would build and start programs.
        IConfig config = ManualConfig.CreateEmpty()
            .AddJob(Job.Default.WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(30), logOutput: false)).WithWarmupCount(3).WithIterationCount(10))
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(NullLogger.Instance)
            .WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
        Summary summary = BenchmarkRunner.Run<LookupBenchmark>(config);
        foreach (BenchmarkReport report in summary.Reports)
        {
            if (report.ResultStatistics is not { } statistics)
                throw new InvalidOperationException($"BenchmarkDotNet measured nothing for {report.BenchmarkCase.DisplayInfo}.");
            var one = (LookupCase)report.BenchmarkCase.Parameters["Case"];
            var timing = new Timing(statistics.Mean, statistics.Mean);
            if (report.BenchmarkCase.Descriptor.WorkloadMethod.Name == nameof(OneByOne))
                one.Single = timing;
            else
                one.Batch = timing;
        }
    }

    /// <summary>One call per address.</summary>
    [Benchmark(OperationsPerInvoke = RouteSet.Addresses)]
    public int OneByOne()
    {
        int sum = 0;
        Prefixes.PrefixTable table = Case.Table;
        foreach (ref readonly IpAddress address in Case.Set.Asked.AsSpan())
            sum += table.Find(address);
        return sum;
    }

    /// <summary>One call per batch.</summary>
    [Benchmark(OperationsPerInvoke = RouteSet.Addresses)]
    public int Batches()
    {
        int sum = 0;
        Prefixes.PrefixTable table = Case.Table;
        ReadOnlySpan<IpAddress> addresses = Case.Set.Asked;
        for (int i = 0; i < addresses.Length; i += _values.Length)
        {
            table.Find(addresses.Slice(i, _values.Length), _values);
            sum += _values[0];
        }
        return sum;
    }
}
