namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>
/// Every state that two nodes can reach under the tie-break, whatever the order of events, keeps what it promises:
/// agreement, no mutual kill, no gap, no ghost, an end (docs/decisions/0008-tie-break-check.md).
/// </summary>
public sealed class PairModelTests(ITestOutputHelper output)
{
    /// <summary>What is checked in every run: the bounds of the large worlds, a few of them at a time.</summary>
    private static readonly ModelRules[] s_worlds =
    [
        new() { Name = "three dials each, losses", PreferredDials = 3, OtherDials = 3, Failures = true },
        new() { Name = "three dials and two restarts each", PreferredDials = 3, OtherDials = 3, PreferredRestarts = 2, OtherRestarts = 2 },
        new()
        {
            Name = "two dials and two restarts each, losses",
            PreferredDials = 2, OtherDials = 2, PreferredRestarts = 2, OtherRestarts = 2, Failures = true,
        },
        new()
        {
            Name = "two dials and one restart each, losses, slow handshakes",
            PreferredDials = 2, OtherDials = 2, PreferredRestarts = 1, OtherRestarts = 1, Failures = true, TimeOuts = true,
        },
        new()
        {
            Name = "two dials and one restart each, instances that do not rise",
            PreferredDials = 2, OtherDials = 2, PreferredRestarts = 1, OtherRestarts = 1, LostInstances = true,
        },
        new() { Name = "three dials each, renewals", PreferredDials = 3, OtherDials = 3, Renewal = true },
        new() { Name = "two dials each, renewals, losses", PreferredDials = 2, OtherDials = 2, Renewal = true, Failures = true },
        new()
        {
            Name = "only the preferred node can dial",
            PreferredDials = 3, OtherDials = 0, PreferredRestarts = 2, OtherRestarts = 2, Failures = true, TimeOuts = true,
        },
        new()
        {
            Name = "only the other node can dial",
            PreferredDials = 0, OtherDials = 3, PreferredRestarts = 2, OtherRestarts = 2, Failures = true, TimeOuts = true,
        },
    ];

    /// <summary>Everything at once, as far as it fits into memory.</summary>
    private static readonly ModelRules[] s_largeWorlds =
    [
        new()
        {
            Name = "three dials and two restarts each, losses",
            PreferredDials = 3, OtherDials = 3, PreferredRestarts = 2, OtherRestarts = 2, Failures = true,
        },
        new()
        {
            Name = "three dials each, losses, slow handshakes",
            PreferredDials = 3, OtherDials = 3, Failures = true, TimeOuts = true,
        },
        new()
        {
            Name = "two dials and one restart each, losses, instances that do not rise",
            PreferredDials = 2, OtherDials = 2, PreferredRestarts = 1, OtherRestarts = 1, Failures = true, LostInstances = true,
        },
        new()
        {
            Name = "two dials and one restart each, renewals, losses",
            PreferredDials = 2, OtherDials = 2, PreferredRestarts = 1, OtherRestarts = 1, Renewal = true, Failures = true,
        },
        new()
        {
            Name = "only one node can dial: renewals, slow handshakes, instances that do not rise",
            PreferredDials = 3, OtherDials = 0, PreferredRestarts = 2, OtherRestarts = 2,
            Renewal = true, Failures = true, TimeOuts = true, LostInstances = true,
        },
    ];

    public static TheoryData<string> Worlds() => [.. s_worlds.Select(world => world.Name)];

    public static TheoryData<string> LargeWorlds() => [.. s_largeWorlds.Select(world => world.Name)];

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Every_state_that_two_nodes_can_reach_keeps_the_promises(string world) =>
        ExploreAll(s_worlds.Single(rules => rules.Name == world));

    [Theory(Explicit = true)]
    [MemberData(nameof(LargeWorlds))]
    public void Every_state_of_a_large_world_keeps_the_promises(string world) =>
        ExploreAll(s_largeWorlds.Single(rules => rules.Name == world));

    [Fact]
    public void Hurrying_the_helpless_changes_no_verdict()
    {
        var world = new ModelRules
        {
            Name = "one dial each and a restart, losses, slow handshakes",
            PreferredDials = 2, OtherDials = 1, OtherRestarts = 1, Failures = true, TimeOuts = true,
        };
        Exploration hurried = ExploreAll(world);
        Exploration patient = ExploreAll(world with { Hurry = false });
        Assert.Equal(patient.Quiescent, hurried.Quiescent);
        Assert.True(patient.States > hurried.States, "Nothing was saved: the reduction does nothing.");
    }

    [Fact]
    public void A_state_survives_packing_but_for_the_order_of_its_connections()
    {
        var random = new Random(7);
        var machine = new ModelMachine(s_worlds[3]);
        var steps = new List<ModelStep>();
        for (int walk = 0; walk < 500; walk++)
        {
            ModelState state = ModelState.Start;
            for (int i = 0; i < 60; i++)
            {
                machine.Enumerate(ref state, steps);
                if (steps.Count == 0)
                    break;
                machine.Apply(ref state, steps[random.Next(steps.Count)]);
                ModelState again = ModelState.Unpack(state.Pack());
                Assert.Equal(state.Pack(), again.Pack());
                Assert.Equal(ModelProperties.Measure(ref state), ModelProperties.Measure(ref again));
                Assert.Equal(state.Works(0), again.Works(0));
                Assert.Equal(state.Node(1), again.Node(1));
            }
        }
    }

    private Exploration ExploreAll(ModelRules rules)
    {
        Exploration found = new StateSpace(rules).Explore(limit: 40_000_000);
        output.WriteLine($"{rules.Name}: {found.States} states, {found.Steps} steps, depth {found.Depth}, "
            + $"{found.Quiescent} quiescent");
        Assert.True(found.CounterExample is null, found.CounterExample);
        Assert.True(found.Quiescent > 1, "No history comes to rest: the properties of rest are never looked at.");
        return found;
    }
}
