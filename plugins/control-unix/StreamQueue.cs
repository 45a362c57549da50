namespace VibePN.Plugins.ControlUnix;

/// <summary>The events of one stream that its client has not taken yet: bounded, and gaps are counted.</summary>
/// <remarks>Guarded by the lock of the <see cref="OutputQueue"/> it belongs to.</remarks>
internal sealed class StreamQueue(CallId id)
{
    /// <summary>Events kept; beyond it the oldest go.</summary>
    public const int MaxEvents = 256;

    /// <summary>Bytes kept.</summary>
    public const int MaxBytes = 1 << 20;

    private readonly Queue<ReadOnlyMemory<byte>> _events = new();
    private int _bytes;
    private long _dropped;
    private ReadOnlyMemory<byte> _last;
    private bool _ended;

    /// <summary>Whether the last line has been taken.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether there is something to take.</summary>
    public bool HasLines => _dropped > 0 || _events.Count > 0 || (_ended && !IsDone);

    /// <summary>Adds an event; nothing once the stream has ended.</summary>
    /// <returns>How many events had to go for it.</returns>
    public int Add(ReadOnlyMemory<byte> line)
    {
        if (_ended)
            return 0;
        _events.Enqueue(line);
        _bytes += line.Length;
        int dropped = 0;
        while (_events.Count > MaxEvents || (_bytes > MaxBytes && _events.Count > 1))
        {
            _bytes -= _events.Dequeue().Length;
            dropped++;
        }
        _dropped += dropped;
        return dropped;
    }

    /// <summary>Sets the last line; what comes later is ignored.</summary>
    public void End(ReadOnlyMemory<byte> line)
    {
        if (_ended)
            return;
        _ended = true;
        _last = line;
    }

    /// <summary>Takes the next line. A gap is told in the place where it is.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        if (_dropped > 0)
        {
            ReadOnlyMemory<byte> gap = AnswerLine.Dropped(id, _dropped);
            _dropped = 0;
            return gap;
        }
        if (_events.TryDequeue(out ReadOnlyMemory<byte> line))
        {
            _bytes -= line.Length;
            return line;
        }
        IsDone = true;
        return _last;
    }
}
