using VibePN.Engine;
using VibePN.Simulation.Runs;

namespace VibePN.Simulation;

/// <summary>A simulator that finds nothing proves nothing, unless it finds what was put there.</summary>
public sealed class PlantedDefectTests
{
    public static TheoryData<string> Defects => [.. DefectHunt.All.Select(defect => defect.ToString())];

    [Fact]
    public void At_least_twenty_defects_can_be_planted() => Assert.InRange(DefectHunt.All.Length, 20, int.MaxValue);

    [Theory]
    [MemberData(nameof(Defects))]
    public void Planted_defect_is_caught_within_a_thousand_seeds(string defect) =>
        Assert.NotNull(new DefectHunt(Enum.Parse<PlantedDefect>(defect), jobs: Environment.ProcessorCount).Run());
}
