using System.Text;

namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>The engine does what the model does: two real machines follow it through random histories, step by step.</summary>
/// <remarks>
/// The engine differs knowingly in three things, which the model leaves open or out. It closes and dials by the clock,
/// where the model may do so at any moment; the walk makes these due when the model does them. It closes a ghost by
/// signs of life, which the model calls noticing. And its renewals are timed, so walks here have none.
/// </remarks>
public sealed class ConformanceTests
{
    private const int Walks = 20_000;
    private const int LongestWalk = 120;

    private static readonly ModelRules s_rules = new()
    {
        Name = "conformance", PreferredDials = 3, OtherDials = 3, PreferredRestarts = 2, OtherRestarts = 2,
        Failures = true, TimeOuts = true, LostInstances = true, Hurry = false,
    };

    [Fact]
    public void Two_real_machines_follow_the_model_through_random_histories()
    {
        int switches = 0;
        int comebacks = 0;
        for (int seed = 0; seed < Walks; seed++)
        {
            ModelState end = Walk(seed, ref switches, ref comebacks);
            Assert.True(end.Preferred.Dials + end.Other.Dials > 0, $"seed {seed}: nothing happened");
        }
        Assert.True(switches > 1_000, $"only {switches} connections were drained in {Walks} walks");
        Assert.True(comebacks > 100, $"only {comebacks} drained connections were used again in {Walks} walks");
    }

    private static ModelState Walk(int seed, ref int switches, ref int comebacks)
    {
        var random = new Random(seed);
        var machine = new ModelMachine(s_rules);
        var real = new RealPair();
        var steps = new List<ModelStep>();
        var history = new StringBuilder();
        ModelState state = ModelState.Start;
        for (int i = 0; i < LongestWalk; i++)
        {
            machine.Enumerate(ref state, steps);
            if (steps.Count == 0)
                break;
            ModelState before = state;
            ModelStep step = Choose(steps, random);
            string? fault = real.Apply(before, step);
            machine.Apply(ref state, step);
            history.AppendLine($"{i + 1,4}. {step.Describe(before)}").AppendLine($"        {ModelStep.DescribeState(state)}");
            fault ??= real.Compare(state);
            Assert.True(fault is null, $"seed {seed}: {fault}\n{history}");
            Count(before, state, ref switches, ref comebacks);
        }
        return state;
    }

    /// <summary>What the protocol does by itself comes more often than accidents, or no greeting would ever be done.</summary>
    private static ModelStep Choose(List<ModelStep> steps, Random random)
    {
        bool peaceful = random.Next(12) != 0;
        List<ModelStep> some = steps.FindAll(step => step.IsInternal || step.Kind == StepKind.Dial);
        List<ModelStep> from = peaceful && some.Count > 0 ? some : steps;
        return from[random.Next(from.Count)];
    }

    private static void Count(ModelState before, ModelState after, ref int switches, ref int comebacks)
    {
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            for (int end = 0; end < 2; end++)
            {
                switches += before.Links[i].Phase(end) == EndPhase.Active && after.Links[i].Phase(end) == EndPhase.Draining ? 1 : 0;
                comebacks += before.Links[i].Phase(end) == EndPhase.Draining && after.Links[i].Phase(end) == EndPhase.Active ? 1 : 0;
            }
        }
    }
}
