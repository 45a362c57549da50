using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>A transport without sockets: both ends ask about real certificates, and each calls back on a thread of its own.</summary>
/// <remarks>Order, queues and the end of connections are as the contract has them; time is only what the wire adds.</remarks>
public sealed class MemoryTransport(MemoryWire wire) : ITransportPlugin
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly ConcurrentDictionary<long, MemoryConnection> _connections = new();
    private readonly ConcurrentQueue<Exception> _faults = new();
    private ITransportEvents? _events;
    private Thread? _thread;
    private byte[] _certificate = [];
    private string[] _accepted = [];
    private string _protocol = "";
    private long _completed;
    private long _refused;

    /// <inheritdoc/>
    public TransportTraits Traits { get; } = new("memory", Reliable: true, Ordered: true, 0, default);

    /// <summary>Where this end can be reached.</summary>
    public IPEndPoint Address { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>Exceptions that came out of callbacks, which the contract forbids.</summary>
    public IReadOnlyCollection<Exception> Faults => _faults;

    /// <summary>Connections open now.</summary>
    public IReadOnlyCollection<MemoryConnection> Connections => [.. _connections.Values];

    internal MemoryWire Wire => wire;

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events)
    {
        ArgumentNullException.ThrowIfNull(options);
        _events = events;
        Address = options.Listen[0];
        _accepted = [.. options.Protocols, .. options.SpecialProtocols];
        _protocol = options.Protocols[0];
        using (var certificate = X509Certificate2.CreateFromPem(options.Identity.CertificatePem))
            _certificate = certificate.RawData;
        if (!wire.TryListen(Address.ToString(), this))
            throw new PluginException($"{Address} is in use.") { Fault = PluginFault.Unavailable };
        _thread = new Thread(Run) { Name = $"memory {Address}", IsBackground = true };
        _thread.Start();
        return options.Listen;
    }

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        IPEndPoint[] taken = [.. listen.Where(address => !wire.TryListen(address.ToString(), this))];
        if (taken.Length > 0)
            throw new PluginException($"{taken[0]} is taken.") { Fault = PluginFault.Unavailable };
        wire.KeepOnly(this, [.. listen.Select(address => address.ToString())]);
        return listen;
    }

    /// <inheritdoc/>
    public void Dial(DialRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        After(wire.HandshakeTime / 2, () => Begin(request));
    }

    /// <inheritdoc/>
    public TransportStatistics GetStatistics() =>
        new(_connections.Count, Interlocked.Read(ref _completed), Interlocked.Read(ref _refused), 0, 0);

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken)
    {
        wire.Leave(this);
        foreach (MemoryConnection connection in _connections.Values)
            connection.Close(new CloseReason(CloseCode.Shutdown, "the transport stops"));
        _work.CompleteAdding();
        _thread?.Join(TimeSpan.FromSeconds(5));
        return ValueTask.CompletedTask;
    }

    /// <summary>Dies at once: nobody is told, and what is sent to it is lost.</summary>
    public void Kill()
    {
        wire.Leave(this);
        foreach (MemoryConnection connection in _connections.Values)
            connection.Cut();
        _work.CompleteAdding();
        _thread?.Join(TimeSpan.FromSeconds(5));
    }

    internal void Post(Action<ITransportEvents> call)
    {
        try
        {
            _work.Add(() => call(_events!));
        }
        catch (InvalidOperationException)
        {
            // Stopped: there is nobody left to call.
        }
    }

    internal void Forget(MemoryConnection connection) => _connections.TryRemove(connection.Id, out _);

    private void Begin(DialRequest request)
    {
        if (wire.Find(request.Address) is not { } target)
        {
            Fail(request.Id, CloseCode.Unreachable, "nobody listens there");
            return;
        }
        string protocol = request.Protocol.Length > 0 ? request.Protocol : _protocol;
        if (!target._accepted.Contains(protocol))
        {
            Fail(request.Id, CloseCode.HandshakeFailed, "the peer speaks none of our protocols");
            return;
        }
        HandshakeVerdict verdict = Ask(ConnectionRole.Initiator, request.Id, target, protocol);
        if (!verdict.Accepted)
        {
            Fail(request.Id, CloseCode.TrustRefused, verdict.Text);
            return;
        }
        target.After(wire.HandshakeTime / 2, () => target.Accept(this, request.Id, verdict.Peer, protocol));
    }

    private void Accept(MemoryTransport from, long dialId, Fingerprint self, string protocol)
    {
        HandshakeVerdict verdict = Ask(ConnectionRole.Responder, 0, from, protocol);
        if (!verdict.Accepted)
        {
            from.Post(_ => from.Fail(dialId, CloseCode.TrustRefused, "the peer refused our certificate"));
            return;
        }
        byte[] binding = RandomNumberGenerator.GetBytes(32);
        var there = new MemoryConnection(from, ConnectionRole.Initiator, self, Address)
            { Protocol = protocol, ChannelBinding = binding };
        var here = new MemoryConnection(this, ConnectionRole.Responder, verdict.Peer, from.Address)
            { Protocol = protocol, ChannelBinding = binding };
        there.Join(here);
        // Before anything is sent, so that each end hears of its connection first.
        from.Post(_ => from.Keep(there, dialId));
        Keep(here, 0);
    }

    private HandshakeVerdict Ask(ConnectionRole role, long dialId, MemoryTransport other, string protocol)
    {
        HandshakeVerdict verdict = _events!.OnHandshake(
            new HandshakeQuestion(role, dialId, other._certificate, 1, protocol, other.Address));
        if (!verdict.Accepted)
            Interlocked.Increment(ref _refused);
        return verdict;
    }

    private void Keep(MemoryConnection connection, long dialId)
    {
        Interlocked.Increment(ref _completed);
        _connections[connection.Id] = connection;
        _events!.OnConnected(connection, dialId);
    }

    private void Fail(long dialId, CloseCode code, string text) => _events!.OnDialFailed(dialId, new CloseReason(code, text));

    private void After(TimeSpan delay, Action action)
    {
        if (delay == TimeSpan.Zero)
            Post(_ => action());
        else
            _ = Task.Delay(delay).ContinueWith(_ => Post(_ => action()), TaskScheduler.Default);
    }

    private void Run()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                _faults.Enqueue(exception); // the test asserts that there is none
            }
        }
    }
}
