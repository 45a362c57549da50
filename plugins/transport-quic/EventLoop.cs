using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// One thread that owns UDP sockets and all connections on them; one of several, or the only one. Every turn:
/// <list type="number">
/// <item>commands: dials, new sockets or settings, and the stop</item>
/// <item>receive: one recvmmsg a socket, each datagram to its connection by connection ID; and what other loops received</item>
/// <item>deliver: the packets that came in them to the engine, many of them only once their datagrams are acknowledged</item>
/// <item>interfaces: those that the loop reads for the engine, a batch each</item>
/// <item>notes: connections that other threads gave something to send</item>
/// <item>timers: what is due, from a heap; and the next addresses of dials</item>
/// <item>serve: deliver, write, set the next timer, for each connection that any of these touched</item>
/// <item>send: one sendmmsg for everything written</item>
/// <item>wait: ppoll until the next timer, a datagram or a wake-up</item>
/// </list>
/// </summary>
internal sealed unsafe partial class EventLoop : IDisposable
{
    private const ulong StopTime = 400_000_000;
    private const ulong LongestWait = 60_000_000_000;
    private const ulong Never = ulong.MaxValue;

    // What peers can cause is logged at most this often; the rest is counted.
    private const int LogLinesPerSecond = 5;

    private readonly EventLoop[] _loops;
    private readonly HandOver _handOver = new();
    private readonly NgCallbacks _callbacks;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private readonly ReceiveRing _ring = new();
    private readonly TimerHeap<QuicConnection> _timers = new();
    private readonly HashSet<QuicConnection> _connections = [];
    private readonly ConcurrentQueue<LoopCommand> _commands = new();
    private readonly Dialer _dialer;
    private ushort* _probes;
    private int _probeCount;
    private readonly Acceptor _acceptor;
    private readonly List<(QuicConnection Connection, CloseReason Reason)> _failing = [];
    private List<QuicConnection> _dirty = [];
    private List<QuicConnection> _serving = [];
    private QuicConnection? _noted;
    private int _wakeFd;
    private int _sleeping;
    private int _threadId;
    private ulong _now;
    private ulong _stopDeadline = Never;
    private long _loopAllocated;
    private RateLimit _logLines;
    private long _unlogged;
    private long _gsoFailuresSeen;

    /// <param name="index">Its number.</param>
    /// <param name="loops">All loops of the transport; complete when this one starts.</param>
    /// <param name="groups">The listen addresses.</param>
    /// <param name="shared">What all loops use.</param>
    /// <param name="settings">The settings to begin with.</param>
    /// <param name="counters">Its own.</param>
    public EventLoop(
        int index, EventLoop[] loops, SocketGroup[] groups, SharedState shared, QuicSettings settings, TransportCounters counters)
    {
        Index = index;
        _loops = loops;
        Shared = shared;
        _callbacks = shared.Crypto.Table;
        ConnectionCallbacks.Install(ref _callbacks);
        _log = shared.Log;
        Settings = settings;
        Counters = counters;
        Arena = new SendArena(shared.Send);
        Inbound = new InboundBatch(shared.Events);
        _dialer = new Dialer(this, shared.Resolver);
        SetProbes();
        _now = Clock();
        _acceptor = new Acceptor(this);
        _logLines = new RateLimit(LogLinesPerSecond, _now);
        _wakeFd = LibC.eventfd(0, LibC.EFD_CLOEXEC | LibC.EFD_NONBLOCK);
        if (_wakeFd < 0)
            throw new PluginException(
                "The event descriptor could not be made: eventfd returned "
                + $"{LibC.NameOfErrno(Marshal.GetLastPInvokeError())}. "
                + "Raise the limit of open files (LimitNOFILE).")
            { Fault = PluginFault.Unavailable };
        // With several loops no loop reads interfaces: each one would have to share them with the others.
        _sources = loops.Length == 1 ? shared.Sources : new PacketSources();
        SetSockets(groups);
        _sources.Notify(Wake);
        _thread = new Thread(Run) { Name = loops.Length == 1 ? "quic" : $"quic {index}", IsBackground = true };
    }

    /// <summary>Its number, which our connection IDs carry.</summary>
    public int Index { get; }

    /// <summary>What all loops of the transport use.</summary>
    public SharedState Shared { get; }

    /// <summary>The settings now. Loop's thread.</summary>
    public QuicSettings Settings { get; private set; }

    /// <summary>This loop's own.</summary>
    public TransportCounters Counters { get; }

    public InboundBatch Inbound { get; }

    public SendArena Arena { get; }

    public ConnectionTable Table { get; } = new();

    /// <summary>
    /// Which of our addresses the datagram now being routed was sent to; known on wildcard sockets only.
    /// </summary>
    public LocalAddress AskedAddress { get; private set; }

    /// <summary>Whether the stop has begun: nothing new is accepted or dialled.</summary>
    public bool Stopping { get; private set; }

    /// <summary>Bytes that the loop's thread has allocated up to its last turn. For tests.</summary>
    public long AllocatedBytes => Volatile.Read(ref _loopAllocated);

    public void Start() => _thread.Start();

    /// <summary>Adds a command for the loop. Any thread.</summary>
    public void Post(LoopCommand command)
    {
        _commands.Enqueue(command);
        Wake();
    }

    /// <summary>Begins a dial. Any thread.</summary>
    public void Dial(DialRequest request) => _dialer.Begin(request);

    /// <summary>Asks the loop to look at the connection. Any thread.</summary>
    public void Note(QuicConnection connection)
    {
        QuicConnection? head;
        do
        {
            head = Volatile.Read(ref _noted);
            connection.NextNoted = head;
        }
        while (Interlocked.CompareExchange(ref _noted, connection, head) != head);
        Wake();
    }

    /// <summary>Asks for the end of every connection and of the thread.</summary>
    public void BeginStop()
    {
        _dialer.Cancel();
        if (_thread.IsAlive)
            Post(new LoopCommand(LoopCommandKind.Stop));
    }

    /// <summary>Waits until the thread has ended. After <see cref="BeginStop"/>.</summary>
    public void Join()
    {
        if (_thread.IsAlive)
            _thread.Join();
    }

    /// <summary>Frees everything native, and the sockets. When no loop's thread runs any more.</summary>
    public void Dispose()
    {
        if (_wakeFd < 0)
            return;
        _dialer.Dispose();
        _ = LibC.close(_wakeFd);
        _wakeFd = -1;
        foreach (UdpSocket socket in _sockets)
            socket.Group.Dispose();
        _ring.Dispose();
        _handOver.Dispose();
        Arena.Dispose();
        Inbound.Dispose();
        NativeMemory.Free(_probes);
        NativeMemory.Free(_polls);
    }

    private void Run()
    {
        _threadId = Environment.CurrentManagedThreadId;
        // The kernel's default slack of 50 µs would blur the pacer. Failing to set it costs only smoothness.
        _ = LibC.prctl(LibC.PR_SET_TIMERSLACK, 1);
        Publish();
        while (!(Stopping && (Counters.Connections == 0 || _now >= _stopDeadline)))
        {
            Wait();
            GuardedTurn();
        }
        EndAll();
    }

    private void GuardedTurn()
    {
        try
        {
            Turn();
        }
#pragma warning disable CA1031 // A fault of ours or of the engine's must not end every connection of the node.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (MayLog(out long unlogged))
                _log.LoopFault(unlogged, fault);
        }
    }

    private bool MayLog(out long unlogged)
    {
        unlogged = _unlogged;
        bool may = _logLines.TryTake(_now);
        _unlogged = may ? 0 : _unlogged + 1;
        return may;
    }

    private void Turn()
    {
        _now = Clock();
        Counters.Turns++;
        Volatile.Write(ref _loopAllocated, GC.GetAllocatedBytesForCurrentThread());
        if (_polls[WakePoll].Revents != 0)
            DrainWakes();
        // Before receiving: what a caller has changed must hold for whatever arrives after its call.
        RunCommands();
        ReceiveAll();
        TakeHandedOver();
        AcknowledgeMany();
        Inbound.Flush();
        ServeSources(Inbound.TakeDelivered());
        _dialer.OnTimer(_now);
        TakeNotes();
        while (_timers.TryPop(_now, out QuicConnection? due))
        {
            due!.OnTimer(_now);
            MarkDirty(due);
        }
        ServeDirty();
        Arena.Flush();
        EndFailing();
        CloseRetired();
        Publish();
    }

    private void Wait()
    {
        if (!ReferenceEquals(_served, _sources.All))
            SetPolls();
        for (int i = 0; i < _sockets.Length; i++)
        {
            _polls[i].Events = (short)(LibC.POLLIN
                | (ReferenceEquals(Arena.Blocked, _sockets[i]) ? LibC.POLLOUT : 0));
            _polls[i].Revents = 0;
        }
        _polls[WakePoll].Events = LibC.POLLIN;
        _polls[WakePoll].Revents = 0;
        for (int i = 0; i < _served.Length; i++)
            _polls[WakePoll + 1 + i].Revents = 0;
        LetGather();
        Interlocked.Exchange(ref _sleeping, 1);
        var timeout = new TimeSpec(UntilWork(LongestWait));
        _ = LibC.ppoll(_polls, (nuint)(WakePoll + 1 + _served.Length), &timeout, null);
        Volatile.Write(ref _sleeping, 0);
    }

    // Until a timer, and not at all while there is work; in nanoseconds.
    private ulong UntilWork(ulong longest)
    {
        bool busy = (_dirty.Count > 0 && Arena.Blocked is null) || Volatile.Read(ref _noted) is not null
            || !_commands.IsEmpty || _handOver.HasAny || !ReferenceEquals(_served, _sources.All);
        if (busy)
            return 0;
        ulong due = Math.Min(
            Math.Min(_timers.Earliest, _dialer.NextDue), Math.Min(_nextRetirement, _stopDeadline));
        ulong now = Clock();
        return due <= now ? 0 : Math.Min(due - now, longest);
    }

    private void RunCommands()
    {
        while (_commands.TryDequeue(out LoopCommand command))
        {
            switch (command.Kind)
            {
                case LoopCommandKind.Resolved:
                    _dialer.OnResolved(command, _now);
                    break;
                case LoopCommandKind.Listen:
                    SetSockets(command.Groups!);
                    break;
                case LoopCommandKind.Configure:
                    Configure(command.Settings!);
                    break;
                default:
                    CloseAll();
                    break;
            }
        }
    }

    private void CloseAll()
    {
        Stopping = true;
        _stopDeadline = _now + StopTime;
        var shutdown = new CloseReason(CloseCode.Shutdown, "the transport stops");
        foreach (QuicConnection connection in _connections.ToArray())
        {
            if (connection.State is ConnectionState.Up or ConnectionState.Flushing)
                connection.Close(shutdown);
            else
                connection.CloseNow(shutdown, CloseMapping.ToCause(shutdown), _now);
            MarkDirty(connection);
        }
    }

    // Lingering connections are forgotten at once when the loop stops; nobody waits for them.
    private void EndAll()
    {
        var shutdown = new CloseReason(CloseCode.Shutdown, "the transport stops");
        foreach (QuicConnection connection in _connections.ToArray())
            connection.End(shutdown, 0, _now);
        RunCommands();
        Arena.Flush();
        Publish();
    }

    private void TakeNotes()
    {
        QuicConnection? noted = Interlocked.Exchange(ref _noted, null);
        while (noted is not null)
        {
            QuicConnection? next = noted.NextNoted;
            noted.NextNoted = null;
            noted.TakeNote();
            MarkDirty(noted);
            noted = next;
        }
    }

    /// <summary>Puts the connection among those that this turn serves. Loop's thread.</summary>
    public void MarkDirty(QuicConnection connection)
    {
        if (connection.Dirty)
            return;
        connection.Dirty = true;
        _dirty.Add(connection);
    }

    private void ServeDirty()
    {
        if (Arena.Blocked is not null)
        {
            Arena.Flush();
            if (Arena.Blocked is not null)
                return;
        }
        (_serving, _dirty) = (_dirty, _serving);
        foreach (QuicConnection connection in _serving)
        {
            connection.Dirty = false;
            if (ServeOne(connection, onlyWrites: false))
                MarkDirty(connection);
        }
        _serving.Clear();
    }

    private bool ServeOne(QuicConnection connection, bool onlyWrites)
    {
        try
        {
            return onlyWrites ? connection.WriteNow(_now) : connection.Serve(_now);
        }
#pragma warning disable CA1031 // One connection's fault, ours or the engine's, must not take the others along.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (MayLog(out long unlogged))
                _log.ConnectionFault(connection.Path.Remote, unlogged, fault);
            connection.End(new CloseReason(CloseCode.Internal, "a fault of our own"), 0, _now);
            return false;
        }
    }

    private void EndFailing()
    {
        if (_failing.Count == 0)
            return;
        foreach ((QuicConnection connection, CloseReason reason) in _failing)
            connection.End(reason, 0, _now);
        _failing.Clear();
    }

    private void Publish()
    {
        Counters.DatagramsOut = Arena.Datagrams;
        Counters.Runs = Arena.Runs;
        long gso = 0;
        foreach (UdpSocket socket in _sockets)
            gso += socket.Gso ? 1 : 0;
        Counters.GsoSockets = gso;
        Counters.Known = _connections.Count;
        if (Arena.GsoFailures != _gsoFailuresSeen)
            _log.GsoOff();
        _gsoFailuresSeen = Arena.GsoFailures;
    }

    private void Wake()
    {
        if (Environment.CurrentManagedThreadId == Volatile.Read(ref _threadId))
            return;
        if (Interlocked.Exchange(ref _sleeping, 0) == 0)
            return;
        ulong one = 1;
        _ = LibC.write(_wakeFd, &one, sizeof(ulong));
    }

    private void DrainWakes()
    {
        ulong count;
        _ = LibC.read(_wakeFd, &count, sizeof(ulong));
    }

    // On Linux the stopwatch is CLOCK_MONOTONIC in nanoseconds, which is what ngtcp2 counts in.
    private static ulong Clock() => (ulong)Stopwatch.GetTimestamp();

    private static ulong Nanoseconds(TimeSpan time) => (ulong)time.Ticks * 100;
}
