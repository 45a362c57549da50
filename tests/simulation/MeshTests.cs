using VibePN.Simulation.Runs;

namespace VibePN.Simulation;

/// <summary>Many nodes that start at once.</summary>
public sealed class MeshTests
{
    private const int Nodes = 200;

    [Fact]
    public void Mesh_that_starts_at_once_is_whole_and_quiet_within_ten_seconds()
    {
        MeshResult result = MeshRun.Of(Nodes, seed: 1);
        Assert.Null(result.Fault);
        Assert.Equal(Nodes * 4, result.Pairs);
        Assert.InRange(result.ReachableAfter, 0.01, 10);
        Assert.InRange(result.QuietAfter, 0.01, 10);
    }
}
