using System.Globalization;
using VibePN.Engine;

namespace VibePN.Simulation.Runs;

/// <summary>Results in words.</summary>
internal static class Report
{
    /// <summary>One line over some runs.</summary>
    public static string Summary(IReadOnlyCollection<RunResult> results)
    {
        double virtualSeconds = results.Sum(result => result.Virtual / 1e9);
        double cpuSeconds = results.Sum(result => result.Cpu.TotalSeconds);
        return string.Create(CultureInfo.InvariantCulture,
            $"{results.Count} seeds, {results.Count(result => result.Broken is not null)} violations, {virtualSeconds:0} virtual seconds, {virtualSeconds / Math.Max(cpuSeconds, 1e-9):0} of them per CPU second, {results.Sum(result => result.Events)} events, {results.Sum(result => result.Delivered)} of {results.Sum(result => result.Packets)} packets delivered, {results.Sum(result => result.Compared)} lookups compared{(results.Count == 1 ? $", hash {results.First().Hash:x16}" : "")}");
    }

    /// <summary>A broken promise, what led to it, and how to see it again.</summary>
    public static string Failure(RunResult result, int nodes, PlantedDefect defect)
    {
        string more = (nodes > 0 ? $" --nodes {nodes}" : "") + (defect == PlantedDefect.None ? "" : $" --defect {defect}");
        return string.Create(CultureInfo.InvariantCulture, $"""
            seed {result.Seed} ({result.Nodes} nodes) at {result.Broken!.When / 1e9:0.000000} s breaks the promise: {result.Broken.Promise}
              {result.Broken.Text}
            again: dotnet run -c Release --project tests/simulation -- --seed {result.Seed}{more}
            {string.Join('\n', result.Story)}
            """);
    }
}
