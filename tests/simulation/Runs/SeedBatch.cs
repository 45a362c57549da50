using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using VibePN.Engine;

namespace VibePN.Simulation.Runs;

/// <summary>Many seeds, one at a time on each of several threads.</summary>
internal sealed class SeedBatch(long first, int count)
{
    private const int DeterminismEvery = 100;

    public int Nodes { get; init; }

    public PlantedDefect Defect { get; init; }

    public int Jobs { get; init; } = Environment.ProcessorCount;

    /// <summary>Ends with the first broken promise.</summary>
    public bool StopAtFirst { get; init; }

    /// <summary>Runs them. Every hundredth runs twice and must come out the same.</summary>
    /// <returns>The results, by seed.</returns>
    public RunResult[] Run(TextWriter? progress = null)
    {
        var results = new ConcurrentBag<RunResult>();
        long next = first - 1;
        bool stop = false;
        var watch = Stopwatch.StartNew();
        long lastLine = 0;
        Thread[] threads = [.. Enumerable.Range(0, Math.Max(1, Jobs)).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return [.. results.OrderBy(result => result.Seed)];

        void Work()
        {
            for (long seed = Interlocked.Increment(ref next); seed < first + count && !Volatile.Read(ref stop); seed = Interlocked.Increment(ref next))
            {
                RunResult result = RunOne(seed);
                results.Add(result);
                if (progress is not null && result.Broken is not null)
                    progress.WriteLine(Report.Failure(result, Nodes, Defect));
                if (StopAtFirst && result.Broken is not null)
                    Volatile.Write(ref stop, true);
                long second = watch.ElapsedMilliseconds / 10_000;
                if (progress is not null && Interlocked.Exchange(ref lastLine, second) != second)
                {
                    progress.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{watch.Elapsed.TotalSeconds:0} s: {results.Count} of {count} seeds, {results.Count(one => one.Broken is not null)} violations"));
                }
            }
        }
    }

    private RunResult RunOne(long seed)
    {
        RunResult result = SimulationRun.Of(seed, Nodes, Defect);
        if (seed % DeterminismEvery != 0 || result.Broken is not null)
            return result;
        RunResult again = SimulationRun.Of(seed, Nodes, Defect);
        return again.Hash == result.Hash ? result : result with
        {
            Broken = new World.Violation("a seed repeats", $"The hashes are {result.Hash:x16} and {again.Hash:x16}.", result.Virtual, []),
        };
    }
}
