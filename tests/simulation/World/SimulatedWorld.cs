namespace VibePN.Simulation.World;

/// <summary>Virtual time and everything that will happen in it, in one thread.</summary>
/// <remarks>Events of one moment happen in the order in which they were planned: nothing depends on the machine.</remarks>
internal sealed class SimulatedWorld(long seed)
{
    public const long Millisecond = 1_000_000;
    public const long Second = 1_000 * Millisecond;

    private readonly PriorityQueue<Action, EventKey> _events = new();
    private long _planned;
    private long _lastId;
    private ulong _hash = 0xcbf2_9ce4_8422_2325;

    public long Seed { get; } = seed;

    /// <summary>Nanoseconds since the world began.</summary>
    public long Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Happened { get; private set; }

    /// <summary>A value of everything that happened so far, in its order: equal runs have equal values.</summary>
    public ulong Hash => _hash;

    /// <summary>What happened last.</summary>
    public Trace Trace { get; } = new();

    /// <summary>The first promise that was broken, or null. It ends the run.</summary>
    public Violation? Broken { get; private set; }

    /// <summary>A number that nothing else in this world has.</summary>
    public long NextId() => ++_lastId;

    public Draw Stream(string purpose, long first = 0, long second = 0) => Draw.For(Seed, purpose, first, second);

    /// <summary>Plans an event.</summary>
    public void At(long when, Action action) => _events.Enqueue(action, new EventKey(Math.Max(when, Now), _planned++));

    /// <summary>Plans an event that long from now.</summary>
    public void After(long delay, Action action) => At(Now + delay, action);

    /// <summary>Notes what happens, for the hash and for whoever has to read a failure.</summary>
    public void Note(int node, string what, int other = -1, long detail = 0)
    {
        ulong hash = _hash;
        hash = (hash ^ (ulong)Now) * 0x0000_0100_0000_01b3;
        hash = (hash ^ (ulong)(uint)node) * 0x0000_0100_0000_01b3;
        hash = (hash ^ (((ulong)(uint)what.Length << 32) | what[0])) * 0x0000_0100_0000_01b3;
        hash = (hash ^ (ulong)(uint)other) * 0x0000_0100_0000_01b3;
        _hash = ((hash ^ (ulong)detail) * 0x0000_0100_0000_01b3) ^ (hash >> 29);
        Trace.Add(Now, node, other, what, detail);
    }

    /// <summary>A promise is broken. Only the first one counts: the rest may follow from it.</summary>
    public void Break(string promise, string text, params int[] nodes) =>
        Broken ??= new Violation(promise, text, Now, nodes);

    /// <summary>Lets everything happen that is due until then, or until a promise breaks.</summary>
    public void RunUntil(long end)
    {
        while (Broken is null && _events.TryPeek(out _, out EventKey key) && key.When <= end)
        {
            Action action = _events.Dequeue();
            Now = key.When;
            Happened++;
            action();
        }
        if (Broken is null)
            Now = end;
    }

    private readonly record struct EventKey(long When, long Order) : IComparable<EventKey>
    {
        public int CompareTo(EventKey other) =>
            When != other.When ? When.CompareTo(other.When) : Order.CompareTo(other.Order);
    }
}

/// <summary>A promise that was broken.</summary>
/// <param name="Promise">Its name.</param>
/// <param name="Text">What happened.</param>
/// <param name="When">Virtual time, in nanoseconds.</param>
/// <param name="Nodes">Whom it concerns.</param>
internal sealed record Violation(string Promise, string Text, long When, int[] Nodes);
