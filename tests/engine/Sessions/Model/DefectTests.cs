namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>The check can fail: every rule that is got wrong on purpose is found, with the history that shows it.</summary>
public sealed class DefectTests(ITestOutputHelper output)
{
    /// <summary>Small worlds, the simplest first. The right rules hold in all of them.</summary>
    private static readonly ModelRules[] s_worlds =
    [
        new() { Name = "a collision", PreferredDials = 1, OtherDials = 1 },
        new() { Name = "renewals", PreferredDials = 2, OtherDials = 2, Renewal = true },
        new() { Name = "failures", PreferredDials = 2, OtherDials = 2, Failures = true },
        new() { Name = "a restart", PreferredDials = 2, OtherDials = 2, PreferredRestarts = 1, Failures = true },
        new() { Name = "renewals and failures", PreferredDials = 3, OtherDials = 1, Renewal = true, Failures = true },
    ];

    public static TheoryData<string> Defects() => [.. Enum.GetNames<Defect>().Where(name => name != nameof(Defect.None))];

    [Theory]
    [MemberData(nameof(Defects))]
    public void Each_rule_got_wrong_is_caught_with_a_counter_example(string name)
    {
        Defect defect = Enum.Parse<Defect>(name);
        foreach (ModelRules world in s_worlds)
        {
            Exploration found = new StateSpace(world with { Defect = defect }).Explore(limit: 1_000_000);
            if (found.CounterExample is null)
                continue;
            output.WriteLine(found.CounterExample);
            Assert.Matches(@"(?m)^ +1\. [PN] dials\r?$", found.CounterExample);
            return;
        }
        Assert.Fail($"{defect} breaks no property in any world: the check is blind to it.");
    }

    [Fact]
    public void The_right_rules_hold_in_every_world_that_catches_the_wrong_ones()
    {
        foreach (ModelRules world in s_worlds)
        {
            Exploration found = new StateSpace(world).Explore(limit: 1_000_000);
            Assert.True(found.CounterExample is null, found.CounterExample);
        }
    }
}
