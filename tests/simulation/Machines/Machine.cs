using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Machines;

/// <summary>A computer: what is left of a node between two lives of its daemon, and what its operator wants.</summary>
internal sealed class Machine(SimulatedWorld world, ModelNetwork network, int number, Identity identity, IObserver observer)
{
    private const int SocketBuffer = 512;

    private readonly Queue<Action> _arrived = new();

    public SimulatedWorld World { get; } = world;

    public ModelNetwork Network { get; } = network;

    public IObserver Observer { get; } = observer;

    public int Number { get; } = number;

    public string Name { get; } = $"node{number}";

    public Identity Identity { get; } = identity;

    public Fingerprint Id => Identity.Id;

    public MachineClock Clock { get; } = new(world);

    public ModelStore EngineFiles { get; } = new();

    public ModelStore TrustFiles { get; } = new();

    /// <summary>What the operator wants the node to be.</summary>
    public required NodePlan Plan { get; init; }

    /// <summary>Where the engine's log goes.</summary>
    public required ILoggerFactory Loggers { get; init; }

    public required Meter Meter { get; init; }

    /// <summary>The running daemon, or null.</summary>
    public MachineProcess? Process { get; private set; }

    /// <summary>How often a daemon was started here.</summary>
    public int Lives { get; private set; }

    /// <summary>Whether the daemon is stopped as by SIGSTOP.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>When a pause last ended.</summary>
    public long Resumed { get; private set; } = long.MinValue / 2;

    /// <summary>Why no interface can be made now, or null.</summary>
    public string? TunFault { get; set; }

    /// <summary>When the daemon last came up, or was last told another configuration.</summary>
    public long Changed { get; set; }

    /// <summary>When it was last given another address.</summary>
    public long Renumbered { get; set; } = long.MinValue / 2;

    /// <summary>Whether its daemon was told another configuration since a moment; what it announces may change then.</summary>
    public bool WasReshaped(long since) => Changed > since;

    private readonly HashSet<(string Network, IpPrefix Prefix)> _lies = [];

    /// <summary>Whether it is a member that lies.</summary>
    public bool IsLiar { get; set; }

    /// <summary>Notes a prefix that it announced without owning it.</summary>
    public void Lie(string network, IpPrefix prefix)
    {
        // A block of a shared subnet and a martian are refused whoever announces them: they excuse nothing.
        if (prefix.IsHost || IpPrefix.Parse("172.16.0.0/12").Contains(prefix))
            _lies.Add((network, prefix));
    }

    /// <summary>Whether it ever announced something that covers this source.</summary>
    public bool Lies(string network, IpAddress source) =>
        IsLiar && _lies.Any(lie => lie.Network == network && lie.Prefix.Contains(source));

    /// <summary>Starts the daemon; one that cannot start is tried again, as a service manager does.</summary>
    public void Start()
    {
        if (Process is not null)
            return;
        Lives++;
        World.Note(Number, "starts", -1, Lives);
        var process = new MachineProcess(this, Plan.Build(), Loggers, Meter);
        Process = process;
        Changed = World.Now;
        try
        {
            process.Start();
        }
        catch (PluginException exception)
        {
            World.Trace.Say(World.Now, Number, exception.Message);
            World.Note(Number, "could not start");
            process.Kill();
            Process = null;
            World.After(2 * SimulatedWorld.Second, Start);
        }
    }

    /// <summary>Ends the daemon as by kill -9 or a power cut.</summary>
    public void Crash()
    {
        if (Process is not { } process)
            return;
        World.Note(Number, "crashes");
        process.Kill();
        Process = null;
        IsPaused = false;
        _arrived.Clear();
    }

    /// <summary>Ends the daemon politely.</summary>
    public void Stop()
    {
        if (Process is not { } process || IsPaused)
            return;
        World.Note(Number, "stops");
        process.Stop();
        Process = null;
    }

    public void Pause()
    {
        if (Process is null || IsPaused)
            return;
        World.Note(Number, "pauses");
        IsPaused = true;
    }

    public void Resume()
    {
        if (!IsPaused)
            return;
        World.Note(Number, "resumes");
        IsPaused = false;
        Resumed = World.Now;
        Observer.NetworkChanged(this);
        Process?.Resume();
        while (_arrived.TryDequeue(out Action? arrival))
            arrival();
    }

    /// <summary>An address or a link of the machine changes, and the daemon is told.</summary>
    public void ChangeNetwork()
    {
        World.Note(Number, "its network changes");
        Observer.NetworkChanged(this);
        Process?.Order(_ => Process?.Node.Plane?.OnMachineNetworkChanged());
    }

    /// <summary>A datagram reaches the machine: at once, or when the daemon runs again.</summary>
    public void Arrive(Action arrival)
    {
        if (!IsPaused)
            arrival();
        else if (_arrived.Count < SocketBuffer)
            _arrived.Enqueue(arrival);
    }
}
