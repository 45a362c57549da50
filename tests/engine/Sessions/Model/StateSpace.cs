using System.Text;

namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>What an exploration found.</summary>
/// <param name="States">Different states, the order of connections aside.</param>
/// <param name="Steps">Steps between them.</param>
/// <param name="Depth">Steps from the start to the farthest state.</param>
/// <param name="Quiescent">States in which nothing more happens by itself.</param>
/// <param name="CounterExample">The shortest history that breaks a property, or null.</param>
internal sealed record Exploration(int States, long Steps, int Depth, int Quiescent, string? CounterExample);

/// <summary>Visits every state that the rules can reach, nearest first, and checks each.</summary>
internal sealed class StateSpace(ModelRules rules)
{
    private readonly ModelMachine _machine = new(rules);
    private readonly List<ModelKey> _keys = [];
    private readonly List<int> _parents = [];
    private readonly List<ModelStep> _steps = [];
    private int[] _table = new int[1 << 12];

    /// <summary>Visits states until all are seen, one breaks a property, or there are too many.</summary>
    /// <exception cref="InvalidOperationException">There are more states than the limit.</exception>
    public Exploration Explore(int limit)
    {
        ModelState start = ModelState.Start;
        Add(start.Pack(), parent: -1);
        long steps = 0;
        int quiescent = 0;
        for (int current = 0; current < _keys.Count; current++)
        {
            if (_keys.Count > limit)
                throw new InvalidOperationException($"'{rules.Name}' has more than {limit} states.");
            ModelState state = ModelState.Unpack(_keys[current]);
            _machine.Enumerate(ref state, _steps);
            bool isQuiescent = !_steps.Exists(step => step.IsInternal);
            quiescent += isQuiescent ? 1 : 0;
            if (ModelProperties.Check(ref state, _machine, isQuiescent) is { } wrong)
                return Result(steps, quiescent, Trace(current, last: null, wrong));
            steps += _steps.Count;
            int measure = ModelProperties.Measure(ref state);
            foreach (ModelStep step in _steps)
            {
                ModelState next = state;
                string? violation = _machine.Apply(ref next, step);
                if (step.IsInternal && ModelProperties.Measure(ref next) >= measure)
                    violation ??= "termination: a step that the protocol takes by itself brings it no nearer to its end";
                if (violation is not null)
                    return Result(steps, quiescent, Trace(current, step, violation));
                Add(next.Pack(), current);
            }
        }
        return Result(steps, quiescent, counterExample: null);
    }

    private Exploration Result(long steps, int quiescent, string? counterExample)
    {
        int depth = 0;
        for (int at = _keys.Count - 1; _parents[at] >= 0; at = _parents[at])
            depth++;
        return new Exploration(_keys.Count, steps, depth, quiescent, counterExample);
    }

    /// <summary>The way from the start to a state, one line for each step with what it led to.</summary>
    private string Trace(int index, ModelStep? last, string violation)
    {
        var path = new List<int>();
        for (int at = index; at >= 0; at = _parents[at])
            path.Insert(0, at);
        var text = new StringBuilder().AppendLine($"{violation}; rules '{rules.Name}', defect {rules.Defect}");
        var steps = new List<ModelStep>();
        for (int i = 1; i <= path.Count; i++)
        {
            ModelState before = ModelState.Unpack(_keys[path[i - 1]]);
            if (i == path.Count && last is null)
                break;
            _machine.Enumerate(ref before, steps);
            ModelStep step = i < path.Count ? steps.Find(candidate => LeadsTo(before, candidate, _keys[path[i]])) : last!.Value;
            ModelState after = before;
            _machine.Apply(ref after, step);
            text.AppendLine($"{i,4}. {step.Describe(before)}").AppendLine($"        {ModelStep.DescribeState(after)}");
        }
        return text.ToString();
    }

    private bool LeadsTo(ModelState before, ModelStep step, ModelKey key)
    {
        _machine.Apply(ref before, step);
        return before.Pack() == key;
    }

    private void Add(ModelKey key, int parent)
    {
        int mask = _table.Length - 1;
        int slot = key.GetHashCode() & mask;
        for (; _table[slot] != 0; slot = (slot + 1) & mask)
        {
            if (_keys[_table[slot] - 1] == key)
                return;
        }
        _keys.Add(key);
        _parents.Add(parent);
        _table[slot] = _keys.Count;
        if (_keys.Count > _table.Length / 2)
            Grow();
    }

    private void Grow()
    {
        _table = new int[_table.Length * 2];
        int mask = _table.Length - 1;
        for (int i = 0; i < _keys.Count; i++)
        {
            int slot = _keys[i].GetHashCode() & mask;
            while (_table[slot] != 0)
                slot = (slot + 1) & mask;
            _table[slot] = i + 1;
        }
    }
}
