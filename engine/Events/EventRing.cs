using System.Collections.Immutable;

namespace VibePN.Engine.Events;

/// <summary>The last events of the node. Any thread publishes, any number of readers follow, nobody waits for a reader.</summary>
/// <remarks>
/// A reader holds nothing here but the number it has come to; one that is slower than the events learns how many it
/// missed. So neither many readers nor slow ones cost memory.
/// </remarks>
public sealed class EventRing
{
    /// <summary>How many events are kept.</summary>
    public const int Capacity = 4_096;

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly NodeEvent?[] _events = new NodeEvent?[Capacity];
    private long _last;
    private TaskCompletionSource? _more;

    /// <summary>An empty ring.</summary>
    /// <param name="time">Tells when events happen.</param>
    public EventRing(TimeProvider time) => _time = time;

    /// <summary>The number of the newest event; 0 when there was none.</summary>
    public long Last
    {
        get
        {
            lock (_lock)
                return _last;
        }
    }

    /// <summary>Adds an event; the oldest one makes room when the ring is full.</summary>
    /// <param name="kind">One of <see cref="EventKinds"/>.</param>
    /// <param name="facts">What it concerns.</param>
    public void Publish(string kind, EventFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        EventFacts bounded = facts.Bounded();
        TaskCompletionSource? more;
        lock (_lock)
        {
            _last++;
            _events[_last % Capacity] = new NodeEvent(_last, _time.GetUtcNow(), kind, bounded);
            (more, _more) = (_more, null);
        }
        more?.TrySetResult();
    }

    /// <summary>The events after a number, oldest first.</summary>
    /// <param name="after">The last number that the reader knows; 0 for none.</param>
    /// <param name="limit">How many at most.</param>
    public EventPage Read(long after, int limit = 256)
    {
        lock (_lock)
        {
            // Whoever knows more than there is knew an earlier start of the daemon: all of this is new to it.
            long known = after > _last ? 0 : Math.Max(after, 0);
            long first = Math.Max(known, _last - Capacity) + 1;
            int count = (int)Math.Min(limit, _last - first + 1);
            ImmutableArray<NodeEvent>.Builder page = ImmutableArray.CreateBuilder<NodeEvent>(count);
            for (long seq = first; seq < first + count; seq++)
                page.Add(_events[seq % Capacity]!);
            return new EventPage(page.MoveToImmutable(), first - known - 1);
        }
    }

    /// <summary>The number after which events are not older than so much.</summary>
    public long BeforeAge(TimeSpan age)
    {
        DateTimeOffset moment = _time.GetUtcNow() - age;
        lock (_lock)
        {
            long seq = _last;
            while (seq > 0 && seq > _last - Capacity && _events[seq % Capacity]!.Time >= moment)
                seq--;
            return seq;
        }
    }

    /// <summary>Waits until there is an event after a number.</summary>
    public Task WaitAsync(long after, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_last > after)
                return Task.CompletedTask;
            _more ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _more.Task.WaitAsync(cancellationToken);
        }
    }
}

/// <summary>Some events in a row.</summary>
/// <param name="Events">Oldest first.</param>
/// <param name="Missed">Events between those the reader knows and the first of these, which are no longer kept.</param>
public readonly record struct EventPage(ImmutableArray<NodeEvent> Events, long Missed);
