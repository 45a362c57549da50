using System.Collections.Concurrent;
using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>A trusted peer whose every byte the test chooses.</summary>
internal sealed class RawPeer : ITransportEvents, IAsyncDisposable
{
    private readonly MemoryTransport _transport;
    private readonly BlockingCollection<ITransportConnection> _connected = [];
    private readonly ConcurrentDictionary<long, CloseReason> _closed = new();
    private readonly ConcurrentDictionary<long, int> _received = new();
    private long _lastDial;

    public RawPeer(MemoryWire wire, int number, NodeIdentity identity)
    {
        _transport = new MemoryTransport(wire);
        _transport.Listen(
            new TransportOptions { Identity = identity, Protocols = ["vibepn/1"], Listen = [NodeLab.AddressOf(number)] }, this);
    }

    /// <summary>Why a connection ended, or null.</summary>
    public CloseReason? Closed(ITransportConnection connection) =>
        _closed.TryGetValue(connection.Id, out CloseReason reason) ? reason : null;

    /// <summary>Control bytes received on a connection so far.</summary>
    public int Received(ITransportConnection connection) => _received.GetValueOrDefault(connection.Id);

    public ITransportConnection Connect(LabEngine node)
    {
        _transport.Dial(new DialRequest(Interlocked.Increment(ref _lastDial), NodeLab.AddressOf(node.Number).ToString()));
        Assert.True(_connected.TryTake(out ITransportConnection? connection, NodeLab.Patience), "never connected");
        return connection!;
    }

    /// <summary>Connects and goes through the session protocol, with our number 0 for corp and 1 for lab.</summary>
    public async Task<ITransportConnection> GreetAsync(LabEngine node, ulong instance = 1)
    {
        ITransportConnection connection = Connect(node);
        connection.SendControl(Hello(instance, (ulong)connection.Id));
        await NodeLab.UntilAsync(() => Received(connection) > 0, "HelloAck");
        int before = Received(connection);
        connection.SendControl([0, 1, (byte)'C']);
        await NodeLab.UntilAsync(() => Received(connection) > before, "Ready");
        return connection;
    }

    public static byte[] Hello(ulong instance, ulong sequence) => Frame(buffer => ControlWriter.WriteHello(
        buffer, new HelloMessage(1, instance, sequence, [new NumberedNetwork(0, "corp"), new NumberedNetwork(1, "lab")])));

    public static byte[] Announce(byte network, params string[] prefixes) => Frame(buffer => ControlWriter.WriteAnnounce(
        buffer, network, [.. prefixes.Select(prefix => new RouteItem(IpPrefix.Parse(prefix), 0))]));

    public static byte[] Withdraw(byte network, params string[] prefixes) => Frame(buffer => ControlWriter.WriteWithdraw(
        buffer, network, [.. prefixes.Select(IpPrefix.Parse)]));

    public static byte[] Frame(Func<byte[], int> write)
    {
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        return buffer[..write(buffer)];
    }

    HandshakeVerdict ITransportEvents.OnHandshake(in HandshakeQuestion question) =>
        new(question.Role == ConnectionRole.Initiator, Fingerprint.Of(question.CertificateDer), TrustReason.StoredPin, "");

    void ITransportEvents.OnConnected(ITransportConnection connection, long dialId) => _connected.Add(connection);

    void ITransportEvents.OnDialFailed(long dialId, CloseReason reason)
    {
    }

    void ITransportEvents.OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes)
    {
        int length = bytes.Length;
        _received.AddOrUpdate(connection.Id, length, (_, sum) => sum + length);
    }

    void ITransportEvents.OnPackets(ITransportConnection connection, PacketBatch batch)
    {
    }

    void ITransportEvents.OnPathChanged(ITransportConnection connection, PathFacts path)
    {
    }

    void ITransportEvents.OnClosed(ITransportConnection connection, CloseReason reason) => _closed[connection.Id] = reason;

    public async ValueTask DisposeAsync()
    {
        await _transport.StopAsync(default);
        _connected.Dispose();
    }
}
