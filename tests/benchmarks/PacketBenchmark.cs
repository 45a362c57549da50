using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace VibePN.Benchmarks;

/// <summary>The same operations on packets, measured by BenchmarkDotNet.</summary>
public class PacketBenchmark
{
    private static readonly TimeSpan InvocationTime = TimeSpan.FromMilliseconds(5);
    private static List<PacketCase> s_cases = [];
    private int _repeats;

    /// <summary>The operations to measure.</summary>
    public static IEnumerable<PacketCase> Cases => s_cases;

    /// <summary>The operation measured now.</summary>
    [ParamsSource(nameof(Cases))]
    public PacketCase Case { get; set; } = null!;

    /// <summary>Runs all and notes the means.</summary>
    internal static void Measure(List<PacketCase> cases)
    {
        s_cases = cases;
        // Some need preparation that is not to be timed, so one invocation is one iteration, of many operations.
        Job job = Job.Default.WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(30), logOutput: false))
            .WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(10).WithIterationCount(100);
        IConfig config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(NullLogger.Instance)
            .WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
        Summary summary = BenchmarkRunner.Run<PacketBenchmark>(config);
        foreach (BenchmarkReport report in summary.Reports)
        {
            if (report.ResultStatistics is not { } statistics)
                throw new InvalidOperationException($"BenchmarkDotNet measured nothing for {report.BenchmarkCase.DisplayInfo}.");
            var one = (PacketCase)report.BenchmarkCase.Parameters["Case"];
            double mean = statistics.Mean / ((double)one.Repeats * one.Operations);
            one.Time = new Timing(mean, mean);
        }
    }

    /// <summary>Finds out how often an invocation repeats the operation.</summary>
    [GlobalSetup]
    public void Calibrate() => _repeats = Case.Repeats = Case.RepeatsFor(InvocationTime);

    /// <summary>What is not timed.</summary>
    [IterationSetup]
    public void Prepare() => Case.Prepare(_repeats);

    /// <summary>The operation, many times.</summary>
    [Benchmark]
    public void Work() => Case.Work(_repeats);
}
