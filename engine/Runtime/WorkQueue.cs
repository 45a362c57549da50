using System.Diagnostics.CodeAnalysis;
using VibePN.Engine.Time;

namespace VibePN.Engine.Runtime;

/// <summary>Work for one thread, in the order in which any threads brought it. Whoever waits for it sleeps.</summary>
/// <remarks>
/// BlockingCollection looks and yields a hundred times before it sleeps. The control thread has something to do a few
/// times a second; with two processors, what it spent on looking was a packet's delay (docs/decisions/0031).
/// </remarks>
internal sealed class WorkQueue
{
    private readonly object _gate = new();
    private readonly Queue<Action<Instant>> _work = new();
    private bool _closed;

    /// <summary>Whether nothing more will come out.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_gate)
                return _closed && _work.Count == 0;
        }
    }

    /// <summary>Adds work. Any thread.</summary>
    /// <returns>False when the queue is closed: the work will not be done.</returns>
    public bool TryAdd(Action<Instant> work)
    {
        lock (_gate)
        {
            if (_closed)
                return false;
            _work.Enqueue(work);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Takes the oldest work, and waits for it when there is none. One thread.</summary>
    /// <param name="waitMs">The longest wait in milliseconds; it may end earlier.</param>
    /// <param name="work">The work.</param>
    /// <returns>False when there is none.</returns>
    public bool TryTake(int waitMs, [NotNullWhen(true)] out Action<Instant>? work)
    {
        lock (_gate)
        {
            if (_work.Count == 0 && waitMs > 0 && !_closed)
                Monitor.Wait(_gate, waitMs);
            return _work.TryDequeue(out work);
        }
    }

    /// <summary>Takes no more work; what is there can still be taken. Any thread, more than once.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
