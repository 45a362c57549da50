using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Events;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Joining;
using VibePN.Engine.Node;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Runtime;

/// <summary>One node, wired: trust gate, networks, control plane, and the plugins' entrances to them.</summary>
/// <remarks>
/// Has no thread of its own. <see cref="OverlayEngine"/> runs it on a control loop's thread, the simulator runs hundreds
/// on one. Members are called on the control thread, unless they say otherwise.
/// </remarks>
internal sealed class OverlayNode
{
    private readonly EngineParts _parts;
    private readonly IControlQueue _queue;
    private volatile ControlPlane? _plane;

    /// <summary>Wires the parts; touches nothing yet.</summary>
    public OverlayNode(EngineConfiguration configuration, EngineParts parts, IControlQueue queue)
    {
        Configuration = configuration;
        _parts = parts.WithoutDeciders();
        _queue = queue;
        Policy = new PolicySlot(parts.Routing);
        Gate = new TrustGate(
            configuration.Identity.Fingerprint, parts.Trust, parts.Time, parts.Loggers.CreateLogger("engine/trust"),
            configuration.Peers, parts.Joining)
        {
            ConflictSeen = OnConflict,
            PendingSeen = OnPending,
        };
    }

    /// <summary>What the node was last told.</summary>
    public EngineConfiguration Configuration { get; set; }

    /// <summary>Judges certificates. Any thread.</summary>
    public TrustGate Gate { get; }

    /// <summary>The routing policy in use.</summary>
    public PolicySlot Policy { get; }

    /// <summary>Where packets of connections find their networks. Any thread.</summary>
    public InboundPorts InboundPorts { get; } = new();

    /// <summary>The node's control state while it is open, or null. Any thread may read the reference.</summary>
    public ControlPlane? Plane => _plane;

    /// <summary>Opens the interfaces, listens and begins to dial.</summary>
    /// <param name="instance">Number of this start; larger than every earlier one.</param>
    /// <param name="driver">Gives the node what it needs of whoever runs it.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="PluginException">Something cannot be opened; the interfaces are closed again.</exception>
    public void Open(ulong instance, IEngineDriver driver, Instant now)
    {
        var networks = new NetworkSet(
            Configuration.Networks, _parts, driver, new EngineTunEvents(_queue, () => _plane));
        networks.OpenAll();
        try
        {
            var plane = new ControlPlane(
                Configuration, _parts, Policy, instance, Gate, networks, InboundPorts, driver, now);
            var events = new EngineTransportEvents(_queue, Gate, plane, InboundPorts);
            var options = new TransportOptions
            {
                Identity = Configuration.Identity,
                Protocols = [ControlLimits.Protocol],
                SpecialProtocols = [JoinMessages.Protocol],
                Listen = Configuration.Listen,
            };
            foreach (ITransportPlugin transport in _parts.Transports)
                transport.Listen(options, events);
            _plane = plane;
        }
        catch
        {
            networks.CloseAll();
            throw;
        }
    }

    /// <summary>Says goodbye and removes the interfaces.</summary>
    /// <returns>False when it was not open.</returns>
    public bool Close(Instant now)
    {
        if (_plane is not { } plane)
            return false;
        plane.Goodbye(CloseCode.Shutdown, now);
        plane.Networks.CloseAll();
        _plane = null;
        return true;
    }

    /// <summary>Does what is due.</summary>
    /// <returns>When to call again at the latest.</returns>
    public Instant OnTimer(Instant now) => _plane?.OnTimer(now) ?? Instant.Never;

    // A lambda in the constructor would keep the parts it was given, and so the first routing policy, for ever.
    private void OnConflict(string peer, string text) =>
        _parts.Events.Publish(EventKinds.TrustConflict, new EventFacts(text) { Peer = peer, Reason = "conflict" });

    private void OnPending(string text) =>
        _parts.Events.Publish(EventKinds.TrustPending, new EventFacts(text) { Reason = "pending" });
}
