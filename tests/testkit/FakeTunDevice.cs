using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>An interface without a kernel: tests put packets in for Read and look at what Write took.</summary>
public sealed class FakeTunDevice : ITunDevice
{
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _incoming = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly List<byte[]> _written = [];
    private readonly List<int> _writeRuns = [];
    private volatile bool _disposed;
    private volatile string? _lost;
    private int _writers;

    /// <inheritdoc/>
    public string Name { get; init; } = "fake0";

    /// <inheritdoc/>
    public int Mtu { get; set; } = 1380;

    /// <inheritdoc/>
    public OffloadCapabilities Offloads { get; init; }

    /// <summary>False for tests that count allocations: Write then only counts.</summary>
    public bool Records { get; init; } = true;

    /// <summary>How many packets of a run Write accepts; all by default.</summary>
    public Func<int, int> Accepts { get; set; } = count => count;

    /// <summary>Called at the start of each Write, on the writer's thread.</summary>
    public Action? OnWrite { get; set; }

    /// <summary>Packets that Write accepted so far.</summary>
    public int WrittenCount { get; private set; }

    /// <summary>Whether two threads were ever in Write at once, which the contract forbids.</summary>
    public bool WritersOverlapped { get; private set; }

    /// <summary>The last configuration given.</summary>
    public TunConfiguration? Configuration { get; private set; }

    /// <summary>Copies of the packets that Write accepted, in order.</summary>
    public IReadOnlyList<byte[]> Written
    {
        get
        {
            lock (_lock)
                return [.. _written];
        }
    }

    /// <summary>How many packets each Write was given, in order.</summary>
    public IReadOnlyList<int> WriteRuns
    {
        get
        {
            lock (_lock)
                return [.. _writeRuns];
        }
    }

    /// <summary>Whether the owner has closed it.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Called with each new configuration; may throw as a kernel that refuses.</summary>
    public Action<TunConfiguration>? OnConfigure { get; set; }

    /// <summary>The kernel takes the interface away: the reader is told.</summary>
    public void Lose(string text)
    {
        _lost = text;
        _arrived.Release();
    }

    /// <summary>Lets the next Read return this packet.</summary>
    public void Arrive(byte[] packet)
    {
        lock (_lock)
            _incoming.Enqueue(packet);
        _arrived.Release();
    }

    /// <inheritdoc/>
    public int Read(PacketBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();
        _arrived.Wait();
        while (!_disposed && batch.Count < batch.Capacity)
        {
            lock (_lock)
            {
                if (!_incoming.TryPeek(out byte[]? packet) || !batch.TryAdd(packet))
                    break;
                _incoming.Dequeue();
            }
            if (!_arrived.Wait(0))
                return batch.Count;
        }
        if (_lost is { } lost)
            throw new TunException(lost);
        _arrived.Release(); // what was not taken, or the end, is there for the next call
        return _disposed ? 0 : batch.Count;
    }

    /// <inheritdoc/>
    public int Write(PacketBatch batch, int first, int count)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (Interlocked.Increment(ref _writers) != 1)
            WritersOverlapped = true;
        OnWrite?.Invoke();
        int accepted = Accepts(count);
        WrittenCount += accepted;
        if (Records)
            Record(batch, first, count, accepted);
        Interlocked.Decrement(ref _writers);
        return accepted;
    }

    /// <inheritdoc/>
    public void Configure(TunConfiguration configuration)
    {
        OnConfigure?.Invoke(configuration);
        Configuration = configuration;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _arrived.Release();
    }

    private void Record(PacketBatch batch, int first, int count, int accepted)
    {
        lock (_lock)
        {
            _writeRuns.Add(count);
            for (int i = first; i < first + accepted; i++)
                _written.Add(batch.Packet(i).ToArray());
        }
    }
}
