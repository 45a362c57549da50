using System.Globalization;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Machines;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>What is promised about dials: a floor, a growing wait, and no storm.</summary>
internal sealed class DialPromises(SimulatedWorld world)
{
    private readonly Dictionary<(int From, int To), History> _histories = [];

    /// <summary>Dials so far.</summary>
    public long Count { get; private set; }

    /// <summary>A new process knows nothing of its past.</summary>
    public void Forget(Machine machine)
    {
        foreach ((int From, int To) key in _histories.Keys.Where(key => key.From == machine.Number).ToArray())
            _histories.Remove(key);
    }

    public void Begins(MachineProcess process, string address)
    {
        Count++;
        int to = int.Parse(address.AsSpan(4, address.IndexOf(':', StringComparison.Ordinal) - 4), CultureInfo.InvariantCulture);
        (int, int) key = (process.Machine.Number, to);
        if (!_histories.TryGetValue(key, out History? history))
            _histories.Add(key, history = new History());
        history.Times.Enqueue(world.Now);
        while (history.Times.Peek() < world.Now - (60 * SimulatedWorld.Second))
            history.Times.Dequeue();
        PeerMachine? peer = process.Node.Plane?.Peers.FirstOrDefault(one => one.Configuration.Name == NodePlan.NameOf(to));
        if (peer?.Active is not null)
            return; // a renewal
        // Full jitter makes single waits short by right; a minute of them is not. Mean waits grow to 15 s.
        if (history.Times.Count > 45)
        {
            world.Break("dials back off", $"{process.Machine.Name} dialled node{to} {history.Times.Count} times in a minute.",
                process.Machine.Number, to);
        }
        else if (history.Times.Count > 2 && history.Times.Count(when => when > world.Now - SimulatedWorld.Second) > 15)
        {
            world.Break("dials back off", $"{process.Machine.Name} dials node{to} again and again within a second.", process.Machine.Number, to);
        }
    }

    /// <summary>Dials of one node to another since a moment within the last minute.</summary>
    public int Since(int from, int to, long when) =>
        _histories.TryGetValue((from, to), out History? history) ? history.Times.Count(time => time >= when) : 0;

    private sealed class History
    {
        public Queue<long> Times { get; } = new();
    }
}
