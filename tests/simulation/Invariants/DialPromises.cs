using System.Globalization;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Machines;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>What is promised about dials: a floor, a growing wait, and no storm.</summary>
internal sealed class DialPromises(SimulatedWorld world)
{
    private const int Samples = 12;

    private readonly Dictionary<(int From, int To), History> _histories = [];
    // An engine acts on a change of its network at most so much later, and then forgets old failures.
    private const long ActsWithin = 6 * SimulatedWorld.Second;

    private readonly Dictionary<PeerMachine, Wait> _waits = [];
    private readonly Dictionary<int, long> _changed = [];

    /// <summary>Dials so far.</summary>
    public long Count { get; private set; }

    /// <summary>Looks at a peer after a turn: does it wait for its next dial, and for how long already?</summary>
    public void Look(MachineProcess process, PeerMachine peer)
    {
        if (peer.Configuration.Addresses.IsEmpty)
            return;
        long changed = Math.Max(_changed.GetValueOrDefault(process.Machine.Number, -ActsWithin), process.Machine.Resumed);
        if (world.Now - changed < ActsWithin)
        {
            _waits.Remove(peer);
            return;
        }
        if (!_waits.TryGetValue(peer, out Wait? wait))
            _waits.Add(peer, wait = new Wait());
        // What the peer began and did not finish is no failure of ours, and no end of a wait.
        if (peer.Connections.Count > 0 && !peer.Connections.Any(one => one.IsOurs || one.IsConfirmed))
            return;
        if (peer.Connections.Count > 0)
        {
            wait.Lived = Math.Max(wait.Lived, (process.Now - peer.Connections[0].Since).TotalSeconds);
            wait.Since = null;
        }
        else if (peer.IsDialling)
        {
            wait.Since = null;
        }
        else if (wait.Since is null)
        {
            wait.Since = world.Now;
            wait.Failures = wait.Lived >= 59 ? 1 : wait.Failures + 1;
            wait.Lived = 0;
        }
    }

    /// <summary>A new process knows nothing of its past, and a machine whose network changed may dial at once.</summary>
    public void Forget(Machine machine)
    {
        _changed[machine.Number] = world.Now;
        _waits.Clear(); // of all machines: it costs a few samples and never accuses anybody wrongly
        foreach ((int From, int To) key in _histories.Keys.Where(key => key.From == machine.Number).ToArray())
            _histories.Remove(key);
    }

    /// <summary>A dial begins.</summary>
    public void Begins(MachineProcess process, string address)
    {
        Count++;
        if (!address.EndsWith(NodePlan.Port, StringComparison.Ordinal))
            return; // another address in the same race
        int to = int.Parse(address.AsSpan(4, address.IndexOf(':', StringComparison.Ordinal) - 4), CultureInfo.InvariantCulture);
        (int, int) key = (process.Machine.Number, to);
        if (!_histories.TryGetValue(key, out History? history))
            _histories.Add(key, history = new History());
        history.Times.Enqueue(world.Now);
        while (history.Times.Peek() < world.Now - (60 * SimulatedWorld.Second))
            history.Times.Dequeue();
        PeerMachine? peer = process.Node.Plane?.Peers.FirstOrDefault(one => one.Configuration.Name == NodePlan.NameOf(to));
        if (peer is null || peer.Active is not null)
            return; // a renewal
        CheckWait(process, peer, to);
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

    /// <summary>
    /// Full jitter is uniform below a bound that doubles with each failure. Twelve waits below bounds of 8 s and more
    /// that are 8 % of them in the mean happen by chance once in a billion times.
    /// </summary>
    private void CheckWait(MachineProcess process, PeerMachine peer, int to)
    {
        if (!_waits.TryGetValue(peer, out Wait? wait) || wait.Since is not { } since || wait.Failures < 5
            || peer.LastError.Contains("Trust", StringComparison.Ordinal))
            return;
        double bound = Math.Min(30, 0.5 * Math.Pow(2, wait.Failures - 1));
        wait.Shares.Enqueue((world.Now - since) / 1e9 / bound);
        if (wait.Shares.Count > Samples)
            wait.Shares.Dequeue();
        if (wait.Shares.Count == Samples && wait.Shares.Average() < 0.08)
        {
            world.Break("waits grow with failures",
                $"{process.Machine.Name} waits {wait.Shares.Average() * 100:0.0} % of what it may for node{to}, {Samples} times in a row.",
                process.Machine.Number, to);
        }
    }

    private sealed class Wait
    {
        public long? Since { get; set; }

        public int Failures { get; set; }

        /// <summary>Seconds that the longest connection since the last wait has lived.</summary>
        public double Lived { get; set; }

        public Queue<double> Shares { get; } = new();
    }

    private sealed class History
    {
        public Queue<long> Times { get; } = new();
    }
}
