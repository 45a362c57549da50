namespace VibePN.Plugins.ControlUnix;

/// <summary>Lines on their way to one client: answers in turn, and between them a line of each stream.</summary>
/// <remarks>Any number may add; one takes. What adds an answer waits for room, so that nothing grows without bound.</remarks>
internal sealed class OutputQueue : IDisposable
{
    private const int MaxAnswers = 8;

    private readonly Lock _lock = new();
    private readonly Queue<ReadOnlyMemory<byte>> _answers = new();
    private readonly List<StreamQueue> _streams = [];
    private readonly SemaphoreSlim _room = new(MaxAnswers);
    private TaskCompletionSource? _waiting;
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

    /// <summary>Adds a line once there is room.</summary>
    public async ValueTask AddAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
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
                _room.Release();
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

    /// <summary>After the last use.</summary>
    public void Dispose() => _room.Dispose();

    private void Wake()
    {
        _waiting?.TrySetResult();
        _waiting = null;
    }
}
