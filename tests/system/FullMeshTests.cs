using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Every node dials every other: at a start of all at once, and after a partition.</summary>
public sealed class FullMeshTests
{
    private static readonly TimeSpan DeadWithin = TimeSpan.FromSeconds(15.5);
    private static readonly TimeSpan HealedWithin = TimeSpan.FromSeconds(35);

    // A shared machine may be busy with anything; the explicit tests below hold the promises.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Eight_nodes_started_at_once_and_parted_and_healed_have_one_connection_per_pair_and_all_pairs_ping()
    {
        using FullMesh mesh = await FullMesh.CreateAsync(8);
        Figures.Report((await mesh.StartAsync(Patience)).ToString());
        await mesh.PartAsync(Patience);
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        TimeSpan healed = await mesh.HealAsync(HealedWithin);
        await mesh.OneConnectionAsync(Patience);
        Figures.Report($"All pairs ping {Figures.Ms(healed)} after the partition was healed.");
    }

    /// <summary>The figure: <c>tools/measure-mesh.sh</c>. MESH_NODES says how many.</summary>
    [Fact(Explicit = true)]
    public async Task Thirty_two_nodes_started_at_once_have_one_connection_per_pair_and_all_pairs_ping()
    {
        using FullMesh mesh = await FullMesh.CreateAsync(Figures.Number("MESH_NODES", 32));
        MeshStart start = await mesh.StartAsync(TimeSpan.FromMinutes(3));
        Figures.Report(start.ToString());
        // Whatever was surplus is gone by now, and what is left stays.
        await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        await mesh.OneConnectionAsync(TimeSpan.FromSeconds(1));
        // The start of so many runtimes on a small machine is no work of ours; the dialling is.
        Assert.True(start.Complete - start.LastReady <= TimeSpan.FromSeconds(10), start.ToString());
    }

    /// <summary>The figure: <c>tools/measure-partition.sh</c>. MESH_NODES and PARTITION_SECONDS say how many and how long.</summary>
    [Fact(Explicit = true)]
    public async Task Halves_that_were_parted_until_the_back_off_is_at_its_cap_ping_within_35_s_of_healing()
    {
        using FullMesh mesh = await FullMesh.CreateAsync(Figures.Number("MESH_NODES", 16));
        Figures.Report((await mesh.StartAsync(TimeSpan.FromMinutes(3))).ToString());
        TimeSpan dead = await mesh.PartAsync(Patience);
        Figures.Report($"Each half has given the other up after {Figures.Ms(dead)}.");
        await Task.Delay(TimeSpan.FromSeconds(Figures.Number("PARTITION_SECONDS", 75)), TestContext.Current.CancellationToken);
        TimeSpan healed = await mesh.HealAsync(HealedWithin);
        Figures.Report($"All pairs ping {Figures.Ms(healed)} after the partition was healed.");
        await mesh.OneConnectionAsync(TimeSpan.FromSeconds(5));
        Assert.True(dead <= DeadWithin, $"It took {dead.TotalSeconds:0.0} s to notice.");
    }
}
