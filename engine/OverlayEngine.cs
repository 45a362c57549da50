using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Node;
using VibePN.Engine.Runtime;
using VibePN.Engine.Runtime.Native;
using VibePN.Engine.Time;

namespace VibePN.Engine;

/// <summary>The engine as the host sees it: start, look, change, stop. All members from any thread.</summary>
public sealed partial class OverlayEngine : IAsyncDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromMilliseconds(2_500);

    private readonly SteadyWall _wall = new(); // the control thread's
    private readonly EngineParts _parts;
    private readonly ControlLoop _loop;
    private readonly OverlayNode _node;
    private readonly EngineDriver _driver;
    private readonly ILogger _logger;
    private readonly SuspendWatch _suspend = new(BootClock.Read);
    private ClockKeeper? _clockKeeper;
    private ImmutableArray<ITrustPlugin> _trust;
    private TokenBucket _faultLines;
    private volatile bool _started;

    /// <summary>Wires the parts; touches nothing yet.</summary>
    /// <param name="configuration">Checked by the host.</param>
    /// <param name="parts">Started plugins; the host stops them after this engine is disposed.</param>
    public OverlayEngine(EngineConfiguration configuration, EngineParts parts)
    {
        _trust = parts.Trust;
        _parts = parts.WithoutDeciders();
        _logger = parts.Loggers.CreateLogger("engine/loop");
        _loop = new ControlLoop(parts.Time, OnTimer, OnFault);
        _node = new OverlayNode(configuration, parts, _loop);
        _node.Gate.Clock.RaiseFloor(parts.Built);
        _faultLines = new TokenBucket(perSecond: 1, burst: 10, default);
        _driver = new EngineDriver(
            _loop, _node.Gate, _parts.Transports, OnPumpLost, _parts.Joining, exception => _loop.Post(_ => OnFault(exception)));
        var facts = new FactsReader(_loop, () => _node.Plane, parts.Time);
        EngineMetrics.Publish(
            parts.Meter, facts.Read, _node.InboundPorts.Drops, () => _node.Gate.Refused, () => _node.Gate.Conflicts, _loop);
    }

    /// <summary>Opens the interfaces, listens and begins to dial.</summary>
    /// <exception cref="PluginException">Something cannot be opened; all that was opened is closed again.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ILogger stateLogger = _parts.Loggers.CreateLogger("engine/state");
        _clockKeeper = new ClockKeeper(_node.Gate.Clock, _parts.Store, _parts.Time, stateLogger);
        ulong instance = InstanceNumber.Next(_parts.Store, _parts.Time, _node.Gate.Clock, stateLogger);
        _clockKeeper.Start();
        _loop.Start();
        _started = true;
        await _loop.InvokeAsync(
            now =>
            {
                _node.Open(instance, _driver, now);
                return true;
            },
            cancellationToken);
        foreach (ITrustPlugin trust in _trust)
            trust.Changed += OnTrustChanged;
    }

    /// <summary>A picture of now.</summary>
    public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) => Invoke(
        now =>
        {
            // What this burst of work changed is published first: a route that is shown is one that packets take.
            Plane.OnTimer(now);
            return StatusReport.Take(Plane, _trust, _node.Gate.Clock, now, _wall.At(now, _parts.Time.GetUtcNow()));
        },
        cancellationToken);

    /// <summary>The time of day as far as it is known, and whether the machine's clock is believed.</summary>
    public (DateTimeOffset Now, bool IsTrusted) Clock => _node.Gate.Clock.Read();

    /// <summary>Asks the control thread whether it runs: it answers between two pieces of its work.</summary>
    public Task<EnginePulse> GetPulseAsync(CancellationToken cancellationToken) => Invoke(
        _ => new EnginePulse(
            Plane.Peers.Count(peer => peer.Active is not null), Plane.Peers.Count,
            Plane.Networks.All.Count(network => network.Port is not null), Plane.Networks.All.Count),
        cancellationToken);

    /// <summary>Why a packet would go where it goes.</summary>
    public Task<RouteAnswer> ExplainRouteAsync(RouteQuestion question, CancellationToken cancellationToken) => Invoke(
        now =>
        {
            // As for a status: what is explained is what packets take.
            Plane.OnTimer(now);
            return Plane.Explain(question, now);
        },
        cancellationToken);

    /// <summary>Redeems an invite of another node: it makes us its peer. What follows on our side is the caller's.</summary>
    /// <returns>Within 10 s.</returns>
    public async Task<JoinOutcome> JoinAsync(JoinRequest request, CancellationToken cancellationToken)
    {
        var outcome = new TaskCompletionSource<JoinOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await Invoke(
            now =>
            {
                Plane.Join(request, result => outcome.TrySetResult(result), now);
                return true;
            },
            cancellationToken);
        return await outcome.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Says goodbye to every peer and closes its connections; dialling goes on after the back-off.</summary>
    /// <returns>How many connections were closed.</returns>
    public Task<int> GoodbyeAsync(CancellationToken cancellationToken) =>
        Invoke(now => Plane.Goodbye(CloseCode.Goodbye, now), cancellationToken);

    /// <summary>Says goodbye, closes connections and removes the interfaces. Within 3 s.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (ITrustPlugin trust in _trust)
            trust.Changed -= OnTrustChanged;
        if (_started)
        {
            _started = false;
            try
            {
                await _loop.InvokeAsync(_node.Close, CancellationToken.None).WaitAsync(CloseTimeout);
            }
            catch (TimeoutException exception)
            {
                // A plugin holds the control thread; the process must end all the same.
                Log.LoopFault(_logger, exception.ToString());
            }
        }
        _loop.Dispose();
        _clockKeeper?.Dispose();
    }

    private Task<T> Invoke<T>(Func<Instant, T> function, CancellationToken cancellationToken) => _started
        ? _loop.InvokeAsync(function, cancellationToken)
        : Task.FromException<T>(new PluginException("The engine is not running.") { Fault = PluginFault.Unavailable });

    private ControlPlane Plane => _node.Plane
        ?? throw new PluginException("The engine is not running.") { Fault = PluginFault.Unavailable };

    private Instant OnTimer(Instant now)
    {
        if (_suspend.HasSlept(now))
            _node.Plane?.OnMachineNetworkChanged();
        return Instant.Min(_node.OnTimer(now), now + SuspendWatch.Interval);
    }

    // On the loop's thread only. A fault that repeats with every message must not fill a disk.
    private void OnFault(Exception exception)
    {
        if (_faultLines.TryTake(_loop.Now))
            Log.LoopFault(_logger, exception.ToString());
    }

    private void OnTrustChanged() => _loop.Post(now => _node.Plane?.OnTrustChanged(now));

    private void OnPumpLost(string device, string text) =>
        _loop.Post(now => _node.Plane?.Networks.OnDeviceLost(device, text, now));
}
