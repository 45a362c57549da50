using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Runtime;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine;

/// <summary>The engine as the host sees it: start, look, change, stop. All members from any thread.</summary>
public sealed class OverlayEngine : IAsyncDisposable
{
    private readonly EngineParts _parts;
    private readonly ControlLoop _loop;
    private readonly TrustGate _gate;
    private readonly InboundPorts _inboundPorts = new();
    private readonly EngineDriver _driver;
    private readonly ILogger _logger;
    private EngineConfiguration _configuration;
    private volatile ControlPlane? _plane;
    private bool _started;

    /// <summary>Wires the parts; touches nothing yet.</summary>
    /// <param name="configuration">Checked by the host.</param>
    /// <param name="parts">Started plugins; the host stops them after this engine is disposed.</param>
    public OverlayEngine(EngineConfiguration configuration, EngineParts parts)
    {
        _configuration = configuration;
        _parts = parts;
        _logger = parts.Loggers.CreateLogger("engine/loop");
        _gate = new TrustGate(
            configuration.Identity.Fingerprint, parts.Trust, parts.Time, parts.Loggers.CreateLogger("engine/trust"),
            configuration.Peers);
        _loop = new ControlLoop(parts.Time, OnTimer, exception => Log.LoopFault(_logger, exception.ToString()));
        _driver = new EngineDriver(_loop, _gate, OnPumpLost);
        EngineMetrics.Publish(
            parts.Meter, () => _plane?.Facts ?? NodeFacts.None, _inboundPorts.Drops, () => _gate.Refused);
    }

    /// <summary>Opens the interfaces, listens and begins to dial.</summary>
    /// <exception cref="PluginException">Something cannot be opened; all that was opened is closed again.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ulong instance = InstanceNumber.Next(_parts.Store, _parts.Time);
        _loop.Start();
        _started = true;
        await _loop.InvokeAsync(now => Open(instance, now), cancellationToken);
        foreach (ITrustPlugin trust in _parts.Trust)
            trust.Changed += OnTrustChanged;
    }

    /// <summary>A picture of now.</summary>
    public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) => _loop.InvokeAsync(
        now => StatusReport.Take(Plane, _parts.Trust, now, _parts.Time.GetUtcNow()), cancellationToken);

    /// <summary>Changes to another configuration; what is equal in both stays untouched.</summary>
    /// <returns>What was changed, one line each; empty when nothing was.</returns>
    /// <exception cref="PluginException">Not changed, and why.</exception>
    public Task<IReadOnlyList<string>> ReloadAsync(EngineConfiguration configuration, CancellationToken cancellationToken) =>
        _loop.InvokeAsync(
            now =>
            {
                IReadOnlyList<string> changes = Plane.Reload(configuration, now);
                _configuration = Plane.Configuration;
                return changes;
            },
            cancellationToken);

    /// <summary>Says goodbye to every peer and closes its connections; dialling goes on after the back-off.</summary>
    /// <returns>How many connections were closed.</returns>
    public Task<int> GoodbyeAsync(CancellationToken cancellationToken) =>
        _loop.InvokeAsync(now => Plane.Goodbye(CloseCode.Goodbye, now), cancellationToken);

    /// <summary>Says goodbye, closes connections and removes the interfaces. Within 3 s.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (ITrustPlugin trust in _parts.Trust)
            trust.Changed -= OnTrustChanged;
        if (_started)
        {
            await _loop.InvokeAsync(Close, CancellationToken.None);
            _started = false;
        }
        _loop.Dispose();
    }

    private ControlPlane Plane => _plane
        ?? throw new PluginException("The engine is not running.") { Fault = PluginFault.Unavailable };

    private bool Open(ulong instance, Instant now)
    {
        var networks = new NetworkSet(
            _configuration.Networks, _parts, _driver, new EngineTunEvents(_loop, () => _plane));
        networks.OpenAll();
        try
        {
            var plane = new ControlPlane(_configuration, _parts, instance, _gate, networks, _inboundPorts, _driver, now);
            var events = new EngineTransportEvents(_loop, _gate, plane, _inboundPorts);
            var options = new TransportOptions
            {
                Identity = _configuration.Identity,
                Protocols = [ControlLimits.Protocol],
                Listen = _configuration.Listen,
            };
            foreach (ITransportPlugin transport in _parts.Transports)
                transport.Listen(options, events);
            _plane = plane;
            return true;
        }
        catch
        {
            networks.CloseAll();
            throw;
        }
    }

    private bool Close(Instant now)
    {
        if (_plane is not { } plane)
            return false;
        plane.Goodbye(CloseCode.Shutdown, now);
        plane.Networks.CloseAll();
        _plane = null;
        return true;
    }

    private Instant OnTimer(Instant now) => _plane?.OnTimer(now) ?? Instant.Never;

    private void OnTrustChanged() => _loop.Post(now => _plane?.OnTrustChanged(now));

    private void OnPumpLost(string device, string text) => _loop.Post(now => _plane?.Networks.OnDeviceLost(device, text, now));
}
