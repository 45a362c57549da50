using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>The loops of a transport: each one a thread with its own sockets, timers and connections.</summary>
/// <remarks>
/// A connection stays with the loop that began it: our connection IDs carry the loop's number, and the kernel gives the
/// socket of that loop every datagram that names one (<see cref="SocketGroup"/>). What comes to another loop all the same
/// is handed over. Limits hold for all loops together (<see cref="Admission"/>).
/// </remarks>
internal sealed class EventLoops
{
    private readonly SharedState _shared;
    private readonly EventLoop[] _loops;
    private int _turn;

    /// <param name="groups">The listen addresses, each with a socket for every loop.</param>
    /// <param name="shared">What they have in common; owned from here on when this returns.</param>
    /// <param name="settings">The settings to begin with.</param>
    /// <param name="counters">One for each loop; their number is that of the loops.</param>
    /// <exception cref="PluginException">The system has not enough descriptors.</exception>
    public EventLoops(SocketGroup[] groups, SharedState shared, QuicSettings settings, TransportCounters[] counters)
    {
        _shared = shared;
        _loops = new EventLoop[counters.Length];
        try
        {
            for (int i = 0; i < _loops.Length; i++)
                _loops[i] = new EventLoop(i, _loops, groups, shared, settings, counters[i]);
        }
        catch
        {
            foreach (EventLoop? loop in _loops)
                loop?.Dispose();
            throw;
        }
    }

    /// <summary>Bytes that the loops' threads have allocated up to their last turns. For tests.</summary>
    public long AllocatedBytes => _loops.Sum(loop => loop.AllocatedBytes);

    public void Start()
    {
        foreach (EventLoop loop in _loops)
            loop.Start();
    }

    /// <summary>Begins a dial, in the loop that has the fewest connections. Any thread.</summary>
    public void Dial(DialRequest request)
    {
        int first = (int)((uint)Interlocked.Increment(ref _turn) % (uint)_loops.Length);
        EventLoop best = _loops[first];
        for (int i = 1; i < _loops.Length; i++)
        {
            EventLoop other = _loops[(first + i) % _loops.Length];
            if (Volatile.Read(ref other.Counters.Connections) < Volatile.Read(ref best.Counters.Connections))
                best = other;
        }
        best.Dial(request);
    }

    /// <summary>Adds a command for every loop. Any thread.</summary>
    public void Post(LoopCommand command)
    {
        foreach (EventLoop loop in _loops)
            loop.Post(command);
    }

    /// <summary>Closes every connection, ends the threads and frees everything native.</summary>
    public void Stop()
    {
        Task.WaitAll(_loops.Select(loop => Task.Run(loop.BeginStop))); // each may wait for resolvers
        foreach (EventLoop loop in _loops)
            loop.Join();
        // None may be freed while another could still hand something to it.
        foreach (EventLoop loop in _loops)
            loop.Dispose();
        _shared.Credentials.Dispose();
    }
}
