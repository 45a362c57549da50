using System.Net;
using VibePN.Contracts;
using VibePN.Simulation.Machines;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Network;

/// <summary>A transport with the contract of the real one and a handshake without cryptography.</summary>
/// <remarks>
/// Certificates are shown and judged in the order of TLS 1.3: the responder's first, inside the initiator's gate,
/// then the initiator's inside the responder's. A crash tells nobody.
/// </remarks>
internal sealed class ModelTransport(ModelNetwork network, MachineProcess process) : ITransportPlugin
{
    public const long HandshakeTimeout = 5 * SimulatedWorld.Second;

    private readonly Dictionary<ModelConnection, ModelConnection> _answered = [];
    private readonly HashSet<ModelConnection> _open = [];
    private ITransportEvents? _events;
    private bool _dead;

    public MachineProcess Process { get; } = process;

    public ModelNetwork Network { get; } = network;

    public Draw Random { get; } = network.World.Stream("transport", process.Machine.Number, process.Life);

    public TransportTraits Traits { get; } = new("model", Reliable: false, Ordered: false, OverheadBytes: 40, default);

    /// <summary>The engine. Asked only while the process lives.</summary>
    public ITransportEvents Events => _events ?? throw new InvalidOperationException("The transport does not listen.");

    /// <summary>Whether the process this transport belongs to still runs.</summary>
    public bool IsAlive => !_dead && _events is not null;

    /// <summary>Connections that are open, in no order that anything may rest on.</summary>
    public IReadOnlyCollection<ModelConnection> Connections => _open;

    public IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events)
    {
        _events = events;
        return options.Listen;
    }

    public IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen) => listen;

    public void Dial(DialRequest request)
    {
        Process.Machine.Observer.Dialled(Process, request.Address);
        if (Network.Resolve(request.Address) is not { } target || target == Process.Machine)
        {
            bool isSilent = request.Address.EndsWith(NodePlan.SilentPort, StringComparison.Ordinal);
            Network.World.After(isSilent ? HandshakeTimeout : SimulatedWorld.Millisecond,
                () => FailDial(request.Id, isSilent ? CloseCode.HandshakeTimeout : CloseCode.Unreachable, "nobody has this address"));
            return;
        }
        var connection = new ModelConnection(this, target, ConnectionRole.Initiator, request.Id);
        connection.BeginDial();
    }

    public TransportStatistics GetStatistics() => new(_open.Count, 0, 0, 0, 0);

    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>The process is gone: nothing is sent any more and nothing heard.</summary>
    public void Kill() => _dead = true;

    /// <summary>The first flight of a handshake arrives.</summary>
    public ModelConnection Answer(ModelConnection initiator)
    {
        if (_answered.TryGetValue(initiator, out ModelConnection? known))
            return known;
        var connection = new ModelConnection(this, initiator.Transport.Process.Machine, ConnectionRole.Responder, 0)
        {
            Other = initiator,
        };
        _answered.Add(initiator, connection);
        Network.World.After(HandshakeTimeout, () =>
        {
            if (connection.State == ConnectionState.Handshaking)
                connection.Forget();
        });
        return connection;
    }

    /// <summary>Asks the engine about a certificate.</summary>
    public HandshakeVerdict Judge(ConnectionRole role, long dialId, Machine shown) => Events.OnHandshake(new HandshakeQuestion(
        role, dialId, shown.Identity.Der, 1, "vibepn/1", NodePlan.EndPointOf(shown.Number)));

    public void FailDial(long dialId, CloseCode code, string text)
    {
        if (!IsAlive)
            return;
        Network.World.Note(Process.Machine.Number, "dial failed", -1, (long)code);
        Events.OnDialFailed(dialId, new CloseReason(code, text));
    }

    public void Opened(ModelConnection connection) => _open.Add(connection);

    public void Closed(ModelConnection connection)
    {
        _open.Remove(connection);
        if (connection.Role == ConnectionRole.Responder && connection.Other is { } initiator)
            Network.World.After(30 * SimulatedWorld.Second, () => _answered.Remove(initiator));
    }
}
