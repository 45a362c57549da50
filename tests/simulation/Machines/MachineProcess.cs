using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Runtime;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;
using VibePN.Plugins.RoutingLpm;
using VibePN.Plugins.TrustTofu;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Machines;

/// <summary>One life of a daemon: a whole engine with its plugins, and the turns of its control thread.</summary>
/// <remarks>The engine's own wiring is used (<see cref="OverlayNode"/>); here is only what its threads would do.</remarks>
internal sealed class MachineProcess : IControlQueue, IEngineDriver
{
    private readonly SimulatedWorld _world;
    private readonly Draw _delays;
    private List<Action<Instant>> _inbox = [];
    private readonly long _start;
    private List<Action<Instant>> _working = [];
    private bool _turnPlanned;
    private long _timerAt = long.MaxValue;
    private Action? _keepClock;

    public MachineProcess(Machine machine, EngineConfiguration configuration, ILoggerFactory loggers, Meter meter)
    {
        _world = machine.World;
        Machine = machine;
        Life = machine.Lives;
        _start = machine.Clock.Local;
        _delays = _world.Stream("turns", machine.Number, Life);
        int seed = (int)_world.Stream("engine", machine.Number, Life).Next();
        var random = new Random(seed);
        Transport = new ModelTransport(machine.Network, this);
        Tun = new ModelTun(this);
        var context = new MachineContext(machine.Clock, random, machine.TrustFiles);
        Trust = new TofuTrust(context);
        Routing = new LpmRoutePolicy(context);
        Node = new OverlayNode(
            configuration,
            new EngineParts
            {
                Transports = [Transport],
                Tun = Tun,
                Routing = Routing,
                Trust = [Trust],
                Loggers = loggers,
                Time = machine.Clock,
                Random = random,
                Events = new EventRing(machine.Clock),
                Meter = meter,
                Store = machine.EngineFiles,
            },
            this);
    }

    public Machine Machine { get; }

    /// <summary>Which of the machine's lives this is.</summary>
    public int Life { get; }

    public OverlayNode Node { get; }

    public ModelTransport Transport { get; }

    public ModelTun Tun { get; }

    public TofuTrust Trust { get; }

    public LpmRoutePolicy Routing { get; }

    /// <summary>Turns of the control thread so far.</summary>
    public long Turns { get; private set; }

    /// <summary>What the observer keeps between turns: the connections, the routes, the last look at everything.</summary>
    public ulong LastSignature { get; set; }

    /// <inheritdoc cref="LastSignature"/>
    public long LastVersions { get; set; }

    /// <inheritdoc cref="LastSignature"/>
    public long LastFullCheck { get; set; }

    /// <summary>Whether it has ended, by whatever cause.</summary>
    public bool Ended { get; private set; }

    /// <inheritdoc cref="IControlQueue.Now"/>
    public Instant Now => new(Machine.Clock.Local - _start);

    /// <summary>Starts the plugins and opens the node, as the host does.</summary>
    /// <exception cref="PluginException">The store, an interface or a port cannot be used: the daemon would end.</exception>
    public void Start()
    {
        Complete(Trust.StartAsync(default));
        Complete(Routing.StartAsync(default));
        ILogger logger = Machine.Loggers.CreateLogger("engine/state");
        var clockKeeper = new ClockKeeper(Node.Gate.Clock, Machine.EngineFiles, Machine.Clock, logger);
        _keepClock = clockKeeper.Dispose; // not on a crash: it writes a last time
        ulong instance = InstanceNumber.Next(Machine.EngineFiles, Machine.Clock, Node.Gate.Clock, logger);
        clockKeeper.Start();
        Node.Open(instance, this, Now);
        Trust.Changed += () => Post(now => Node.Plane?.OnTrustChanged(now));
        Machine.Observer.ProcessStarted(this, instance);
        PlanTurn();
    }

    /// <summary>Ends as by kill -9: nobody is told, and what was under way never ends.</summary>
    public void Kill()
    {
        Ended = true;
        foreach (ModelTunDevice device in Tun.Devices.Values.ToArray())
            device.Dispose();
        Transport.Kill();
    }

    /// <summary>Ends politely.</summary>
    public void Stop()
    {
        Node.Close(Now);
        Kill();
        _keepClock?.Invoke();
    }

    /// <inheritdoc/>
    public bool Post(Action<Instant> work)
    {
        if (Ended)
            return false;
        _inbox.Add(work);
        PlanTurn();
        return true;
    }

    /// <inheritdoc/>
    public IDisposable StartPump(ITunDevice device, OutboundPath path)
    {
        var model = (ModelTunDevice)device;
        model.Path = path;
        return model;
    }

    /// <inheritdoc/>
    public void Commit(Admission admission, Action<string?, Instant> done)
    {
        // A crash before the write is one without the pin, a crash after it one with it.
        _world.After(_delays.Time(0.2, 30), () =>
        {
            if (Ended)
                return;
            Task<string?> commit = Node.Gate.CommitAsync(admission, default);
            if (!commit.IsCompleted)
                throw new InvalidOperationException("A commit over files in memory does not complete at once.");
            string? fault = commit.Result;
            _world.After(_delays.Time(0.01, 5), () => Post(now => done(fault, now)));
        });
    }

    /// <summary>Goes on after a pause: whatever is due is done at once.</summary>
    public void Resume() => PlanTurn();

    /// <summary>Does something on the control thread, and at once, as an operator's command does.</summary>
    public void Order(Action<Instant> work) => Post(work);

    /// <summary>Carries out an operator's order about a certificate.</summary>
    /// <returns>Whether it is done and durable.</returns>
    public bool Obey(TrustAction action, Fingerprint certificate) =>
        Trust.ApplyAsync(new TrustOrder(action, null, certificate), default).AsTask().Result.Done;

    private static void Complete(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully)
            throw new InvalidOperationException("A plugin over files in memory does not start at once.");
    }

    private void PlanTurn()
    {
        if (_turnPlanned || Ended || Machine.IsPaused)
            return;
        _turnPlanned = true;
        _world.After(_delays.Time(0.005, 0.1), Turn);
    }

    private void Turn()
    {
        _turnPlanned = false;
        if (Ended || Machine.IsPaused)
            return;
        Turns++;
        (_working, _inbox) = (_inbox, _working);
        foreach (Action<Instant> work in _working)
            Try(work);
        _working.Clear();
        Instant next = Now + TimeSpan.FromSeconds(1);
        Try(now => next = Node.OnTimer(now));
        if (Ended)
            return;
        Machine.Observer.TurnEnded(this);
        PlanTimer(next);
    }

    private void PlanTimer(Instant next)
    {
        if (next == Instant.Never)
            return;
        long when = Math.Max(Machine.Clock.WorldAt(next.Nanoseconds + _start), _world.Now + 1_000);
        if (when >= _timerAt && _timerAt > _world.Now)
            return;
        _timerAt = when;
        _world.At(when, () => OnTimer(when));
    }

    private void OnTimer(long when)
    {
        if (when != _timerAt || Ended)
            return; // an earlier one was planned since
        _timerAt = long.MaxValue;
        if (!_turnPlanned && !Machine.IsPaused)
            Turn();
    }

    private void Try(Action<Instant> work)
    {
        try
        {
            work(Now);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Machine.Observer.Faulted(this, exception);
        }
    }
}
