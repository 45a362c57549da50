using System.Collections.Concurrent;
using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>One transport on loopback with an engine that writes everything down.</summary>
internal sealed class Node : ITransportEvents, IAsyncDisposable
{
    public const string Alpn = "vibepn/1";

    private static long s_dials;
    private readonly FakeContext _context;
    private int _stopped;

    private Node(NodeIdentity identity, FakeContext context, Resolver? resolver, TimeSpan? retirement, SendMessages? send)
    {
        Identity = identity;
        _context = context;
        Transport = new QuicTransport(context)
        {
            Resolver = resolver is null ? Dns.GetHostAddressesAsync : (host, stopped) => resolver(host, stopped),
            LongestRetirement = retirement ?? TimeSpan.FromSeconds(60),
            Send = send,
        };
    }

    public NodeIdentity Identity { get; }

    public QuicTransport Transport { get; }

    public IReadOnlyList<IPEndPoint> Addresses { get; private set; } = [];

    public string Address => Addresses[0].ToString();

    public ConcurrentQueue<string> Lines => _context.Lines;

    /// <summary>Who is let in; everybody unless a test narrows it.</summary>
    public Func<Fingerprint, bool> Trusts { get; set; } = _ => true;

    /// <summary>Called for every batch instead of keeping its packets, when set.</summary>
    public Action<ITransportConnection, PacketBatch>? OnBatch { get; set; }

    /// <summary>Called for control bytes instead of keeping them, when set.</summary>
    public Action<ITransportConnection, byte[]>? OnBytes { get; set; }

    public ConcurrentQueue<(ConnectionRole Role, Fingerprint Peer, string Protocol)> Questions { get; } = new();

    public ConcurrentDictionary<long, ITransportConnection> Connected { get; } = new();

    public ConcurrentQueue<(ITransportConnection Connection, long DialId)> Connections { get; } = new();

    public ConcurrentDictionary<long, CloseReason> DialsFailed { get; } = new();

    public ConcurrentDictionary<long, CloseReason> Closed { get; } = new();

    public ConcurrentDictionary<long, MemoryStream> Control { get; } = new();

    public ConcurrentQueue<(long Connection, ushort Network, byte[] Bytes)> Packets { get; } = new();

    public ConcurrentQueue<PathFacts> Paths { get; } = new();

    public static async Task<Node> StartAsync(
        NodeIdentity? identity = null, IPEndPoint[]? listen = null, string[]? protocols = null,
        TransportOptions? options = null, Resolver? resolver = null, TimeSpan? retirement = null,
        Action<QuicTransport>? beforeListen = null, SendMessages? send = null,
        params (string Name, string Value)[] settings)
    {
        identity ??= Identities.Create("node");
        var node = new Node(identity, new FakeContext(settings), resolver, retirement, send);
        await node.Transport.StartAsync(CancellationToken.None);
        beforeListen?.Invoke(node.Transport);
        options ??= new TransportOptions
        {
            Identity = identity,
            Protocols = [Alpn],
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
        };
        node.Addresses = node.Transport.Listen(
            options with
            {
                Identity = identity,
                Protocols = protocols ?? options.Protocols,
                Listen = listen ?? options.Listen,
            },
            node);
        return node;
    }

    /// <summary>Dials and gives the dial's number.</summary>
    public long Dial(string address, string protocol = "")
    {
        long id = Interlocked.Increment(ref s_dials);
        Transport.Dial(new DialRequest(id, address) { Protocol = protocol });
        return id;
    }

    /// <summary>Dials and waits until both ends are up.</summary>
    public async Task<(ITransportConnection Ours, ITransportConnection Theirs)> ConnectAsync(Node other, string protocol = "")
    {
        int before = other.Connections.Count;
        long id = Dial(other.Address, protocol);
        await Eventually.Holds(() => Connections.Any(c => c.DialId == id) || DialsFailed.ContainsKey(id), "dial ends");
        Assert.False(DialsFailed.TryGetValue(id, out CloseReason reason), $"dial failed: {reason}");
        await Eventually.Holds(() => other.Connections.Count > before, "responder is up");
        return (Connections.First(c => c.DialId == id).Connection, other.Connections.Last().Connection);
    }

    /// <summary>Listens elsewhere and remembers where.</summary>
    public void Relisten(params IPEndPoint[] listen) => Addresses = Transport.Relisten(listen);

    /// <summary>Waits for a dial's failure.</summary>
    public async Task<CloseReason> DialFailsAsync(string address)
    {
        long id = Dial(address);
        await Eventually.Holds(() => DialsFailed.ContainsKey(id), "dial fails");
        Assert.DoesNotContain(Connections, c => c.DialId == id);
        return DialsFailed[id];
    }

    public byte[] ControlBytes(ITransportConnection connection)
    {
        if (!Control.TryGetValue(connection.Id, out MemoryStream? stream))
            return [];
        lock (stream)
            return stream.ToArray();
    }

    public HandshakeVerdict OnHandshake(in HandshakeQuestion question)
    {
        Fingerprint peer = Fingerprint.Of(question.CertificateDer);
        Questions.Enqueue((question.Role, peer, question.Protocol));
        bool accepted = Trusts(peer);
        return new HandshakeVerdict(
            accepted, peer, accepted ? TrustReason.ConfiguredPin : TrustReason.Unknown, accepted ? "known" : "unknown");
    }

    public void OnConnected(ITransportConnection connection, long dialId)
    {
        Connected[connection.Id] = connection;
        Connections.Enqueue((connection, dialId));
    }

    public void OnDialFailed(long dialId, CloseReason reason) =>
        Assert.True(DialsFailed.TryAdd(dialId, reason), "a dial fails once");

    public void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes)
    {
        Assert.True(Connected.ContainsKey(connection.Id));
        if (OnBytes is not null)
        {
            OnBytes(connection, bytes.ToArray());
            return;
        }
        MemoryStream stream = Control.GetOrAdd(connection.Id, _ => new MemoryStream());
        lock (stream)
            stream.Write(bytes);
    }

    public void OnPackets(ITransportConnection connection, PacketBatch batch)
    {
        if (OnBatch is not null)
        {
            OnBatch(connection, batch);
            return;
        }
        for (int i = 0; i < batch.Count; i++)
            Packets.Enqueue((connection.Id, batch.NetworkOf(i), batch.Packet(i).ToArray()));
    }

    public void OnPathChanged(ITransportConnection connection, PathFacts path) => Paths.Enqueue(path);

    public void OnClosed(ITransportConnection connection, CloseReason reason) =>
        Assert.True(Closed.TryAdd(connection.Id, reason), "a connection closes once");

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        await Transport.StopAsync(CancellationToken.None);
        _context.Dispose();
    }
}

/// <summary>Stands in for the resolver of names.</summary>
internal delegate Task<IPAddress[]> Resolver(string host, CancellationToken stopped);

/// <summary>Bounded waiting for a condition.</summary>
internal static class Eventually
{
    public static async Task Holds(Func<bool> condition, string what, int seconds = 10)
    {
        using var clock = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!condition())
        {
            Assert.False(clock.IsCancellationRequested, $"not within {seconds} s: {what}");
            await Task.Delay(2, CancellationToken.None);
        }
    }
}
