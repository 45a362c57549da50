using VibePN.Simulation.Runs;

namespace VibePN.Simulation;

/// <summary>A share of the seeds with each pull request; <c>--seeds 10000</c> is a command of its own (CONTRIBUTING.md).</summary>
public sealed class SimulationTests
{
    private const int Seeds = 200;

    /// <summary>Seeds that once failed, each with what it found.</summary>
    public static TheoryData<long, string> RegressionSeeds => new()
    {
        { 72, "Goodbye on a connection whose greeting was not through was answered as a breach of protocol" },
        { 126, "the same, from the other end" },
        { 263, "routes told on a draining connection were lost when it was taken back" },
        { 391, "the same, after a Hello timeout" },
        { 476, "a route whose withdrawal was lost outlived the next full set" },
        { 939, "an address whose better claim was let in by a reload stayed refused to its owner after that claim was gone" },
        { 1079, "the end of an older full set swept what the set that was asked for had not repeated yet" },
        { 1358, "a route that only a limit kept out stayed out when there was room again" },
    };

    [Theory]
    [MemberData(nameof(RegressionSeeds))]
    public void Seed_that_once_failed_breaks_no_promise_any_more(long seed, string found)
    {
        RunResult result = SimulationRun.Of(seed);
        Assert.True(result.Broken is null, result.Broken is null ? "" : $"{found}: {Report.Failure(result, 0, Engine.PlantedDefect.None)}");
    }

    [Fact]
    public void Seeds_break_no_promise()
    {
        RunResult[] results = new SeedBatch(1, Seeds).Run();
        Assert.Equal(Seeds, results.Length);
        RunResult? broken = results.FirstOrDefault(result => result.Broken is not null);
        Assert.True(broken is null, broken is null ? "" : Report.Failure(broken, 0, Engine.PlantedDefect.None));
    }

    [Fact]
    public void Seeds_see_what_they_are_there_for()
    {
        RunResult[] results = new SeedBatch(1, 40).Run();
        Assert.All(results, result => Assert.True(result.Delivered > 0, $"seed {result.Seed} delivered nothing"));
        Assert.Contains(results, result => result.Nodes > 7);
        Assert.Contains(results, result => result.Dials > 10 * result.Nodes);
        Assert.True(results.Sum(result => result.Compared) > 1_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(23)]
    public void Seed_repeats_to_the_last_event(long seed)
    {
        RunResult once = SimulationRun.Of(seed);
        RunResult again = SimulationRun.Of(seed);
        Assert.Equal(once.Hash, again.Hash);
        Assert.Equal(once.Events, again.Events);
        Assert.NotEqual(once.Hash, SimulationRun.Of(seed + 1).Hash);
    }
}
