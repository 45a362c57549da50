using VibePN.Engine;

namespace VibePN.Simulation.Runs;

/// <summary>Looks for a planted defect, seed after seed, until a promise breaks.</summary>
internal sealed class DefectHunt(PlantedDefect defect, int seeds = DefectHunt.MaxSeeds, int jobs = 1)
{
    /// <summary>A defect that this many seeds do not show is not noticed.</summary>
    public const int MaxSeeds = 1_000;

    /// <summary>Every defect that can be planted.</summary>
    public static PlantedDefect[] All { get; } =
        [.. Enum.GetValues<PlantedDefect>().Where(candidate => candidate != PlantedDefect.None)];

    public int Seeds { get; } = seeds;

    /// <summary>Runs seeds from 1 on.</summary>
    /// <returns>The first that breaks a promise, or null.</returns>
    public RunResult? Run() => new SeedBatch(1, Seeds) { Defect = defect, Jobs = jobs, StopAtFirst = true }
        .Run().FirstOrDefault(result => result.Broken is not null);
}
