namespace VibePN.Plugins.ControlUnix;

/// <summary>Lines on their way to one client: answers in turn, and between them a line of each stream.</summary>
/// <remarks>
/// Any number may add; one takes. Whoever reads requests waits for room first, so no more answers gather here than
/// <see cref="Room"/> and one for each call that runs.
/// </remarks>
internal sealed class OutputQueue
{
    /// <summary>Answers not taken yet up to which more requests are read.</summary>
    public const int Room = 4;

    private readonly Lock _lock = new();
    private readonly Queue<ReadOnlyMemory<byte>> _answers = new();
    private readonly List<StreamQueue> _streams = [];
    private TaskCompletionSource? _waiting;
    private TaskCompletionSource? _room;
    private int _next;
    private bool _closed;

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
                return _answers.Count == 0 && !_streams.Exists(stream => stream.HasLines);
        }
    }

    /// <summary>Whether a stream is open.</summary>
    public bool HasStreams
    {
        get
        {
            lock (_lock)
                return _streams.Count > 0;
        }
    }

    /// <summary>Waits until the client has taken enough of what waits for it.</summary>
    public async Task RoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (_answers.Count < Room)
                    return;
                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }
            await room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Adds an answer.</summary>
    public void Add(ReadOnlyMemory<byte> line)
    {
        lock (_lock)
        {
            _answers.Enqueue(line);
            Wake();
        }
    }

    /// <summary>Begins a stream.</summary>
    public StreamQueue Open(CallId id)
    {
        var stream = new StreamQueue(id);
        lock (_lock)
            _streams.Add(stream);
        return stream;
    }

    /// <summary>Adds an event to a stream. Never waits.</summary>
    /// <returns>How many older events had to go for it.</returns>
    public int Add(StreamQueue stream, ReadOnlyMemory<byte> line)
    {
        lock (_lock)
        {
            int dropped = stream.Add(line);
            Wake();
            return dropped;
        }
    }

    /// <summary>Ends a stream.</summary>
    public void End(StreamQueue stream, ReadOnlyMemory<byte> line)
    {
        lock (_lock)
        {
            stream.End(line);
            Wake();
        }
    }

    /// <summary>Takes a line; answers go first.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> line)
    {
        lock (_lock)
        {
            if (_answers.TryDequeue(out line))
            {
                if (_answers.Count < Room)
                {
                    _room?.TrySetResult();
                    _room = null;
                }
                return true;
            }
            for (int i = 0; i < _streams.Count; i++)
            {
                _next = (_next + 1) % _streams.Count;
                StreamQueue stream = _streams[_next];
                if (!stream.HasLines)
                    continue;
                line = stream.Take();
                if (stream.IsDone)
                    _streams.RemoveAt(_next);
                return true;
            }
            return false;
        }
    }

    /// <summary>Says that nothing will be added any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Wake();
        }
    }

    /// <summary>Waits until there may be something to take.</summary>
    /// <returns>False when everything has been taken and nothing will come.</returns>
    public async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        Task waiting;
        lock (_lock)
        {
            if (_answers.Count > 0 || _streams.Exists(stream => stream.HasLines))
                return true;
            if (_closed)
                return false;
            _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _waiting.Task;
        }
        await waiting.WaitAsync(cancellationToken);
        return true;
    }

    private void Wake()
    {
        _waiting?.TrySetResult();
        _waiting = null;
    }
}
