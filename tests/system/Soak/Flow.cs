using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests.Soak;

/// <summary>The two ends of a flow.</summary>
/// <param name="From">The node that sends.</param>
/// <param name="To">The node that receives.</param>
/// <param name="V6">Whether over IPv6.</param>
/// <param name="Number">Of the flow: no two have the same.</param>
internal sealed record Way(Node From, Node To, bool V6, int Number)
{
    /// <summary>Of the interfaces, as the lab has it.</summary>
    public const int Mtu = 1380;

    private const string Network = "lab";

    /// <summary>Where it is sent to.</summary>
    public IPAddress Target => IPAddress.Parse(NodeConfig.Address(Network, To.Number, V6));

    /// <summary>Where it comes from.</summary>
    public IPAddress Source => IPAddress.Parse(NodeConfig.Address(Network, From.Number, V6));

    /// <summary>The target with a port that no other flow has.</summary>
    public IPEndPoint EndPoint => new(Target, 7_000 + Number);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{From.Name} to {To.Name}, IPv{(V6 ? 6 : 4)}");
}

/// <summary>Something that is sent, and compared where it arrives, on two threads of its own.</summary>
internal abstract class Flow : IDisposable
{
    /// <summary>How long a socket is waited for before its thread looks whether it is over.</summary>
    protected static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    // linux asm-generic/socket.h: as SO_RCVBUF, for root without a limit.
    private const int SolSocket = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int BufferBytes = 32 << 20;

    private readonly Thread _sender;
    private readonly Thread _receiver;
    private readonly List<IDisposable> _sockets = [];
    private volatile bool _stops;
    private volatile bool _over;

    /// <summary>Takes note; <see cref="Start"/> begins.</summary>
    protected Flow(string kind, Way way)
    {
        (Kind, Way) = (kind, way);
        Random = new Random(way.Number);
        _sender = Thread(Send, "send");
        _receiver = Thread(Receive, "receive");
    }

    /// <summary>What it is, as a column of the report.</summary>
    public string Kind { get; }

    /// <summary>From where to where.</summary>
    public Way Way { get; }

    /// <summary>What came of it.</summary>
    public Book Book { get; } = new();

    /// <summary>What ended a thread before its time.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether nothing more is to be sent.</summary>
    protected bool Stops => _stops;

    /// <summary>Whether nothing more is to be received.</summary>
    protected bool Over => _over;

    /// <summary>The sender's.</summary>
    protected Random Random { get; }

    /// <summary>Begins.</summary>
    public Flow Start()
    {
        _receiver.Start();
        _sender.Start();
        return this;
    }

    /// <summary>Ends the sending, and says so at once.</summary>
    public void Stop() => _stops = true;

    /// <summary>Whether all threads that send have ended, and all that was sent has arrived.</summary>
    public bool IsComplete => !_sender.IsAlive && Book.Lost == 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        _stops = _over = true;
        foreach (Thread thread in new[] { _sender, _receiver })
        {
            if (thread.ThreadState.HasFlag(ThreadState.Unstarted) || thread.Join(TimeSpan.FromSeconds(20)))
                continue;
            Failure ??= new TimeoutException($"The thread '{thread.Name}' does not end.");
        }
        foreach (IDisposable socket in _sockets)
            socket.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends until <see cref="Stops"/>.</summary>
    protected abstract void Send();

    /// <summary>Receives until <see cref="Over"/>.</summary>
    protected abstract void Receive();

    /// <summary>Opens a socket inside a node; the flow closes it.</summary>
    protected Socket Open(Node node, SocketType type, ProtocolType protocol) => Open(node, () => new Socket(
        Way.V6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, type, protocol));

    /// <summary>As the other, for sockets that take some words to make.</summary>
    protected Socket Open(Node node, Func<Socket> make)
    {
        Socket socket = node.Namespace.Run(make);
        if (socket.SocketType != SocketType.Stream)
            socket.SetRawSocketOption(SolSocket, SO_RCVBUFFORCE, BitConverter.GetBytes(BufferBytes));
        lock (_sockets)
            _sockets.Add(socket);
        return socket;
    }

    /// <summary>From small to large, each order of magnitude as often as every other.</summary>
    protected static int Size(Random random, int smallest, int largest) =>
        (int)Math.Exp(Math.Log(smallest) + (random.NextDouble() * (Math.Log(largest + 1.0) - Math.Log(smallest))));

    // A thread that dies must not end the process, and must not go unnoticed.
    private Thread Thread(Action run, string what) => new(() =>
    {
        try
        {
            run();
        }
        catch (Exception e)
        {
            Failure ??= e;
        }
    })
    { IsBackground = true, Name = $"{what} {Kind}, {Way}" };
}
