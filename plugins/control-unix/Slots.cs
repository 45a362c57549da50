using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Who is served now, and who waits for it.</summary>
/// <remarks>
/// A connection holds a slot while calls of it run or answers are under way, not while it is idle. A quarter of the
/// slots is kept from viewers, and as many from streams, so that an admin's short question always finds one; whoever
/// streams without reading gives up its slot first, then a viewer that streams for an admin.
/// </remarks>
internal sealed class Slots(int count)
{
    private readonly Lock _lock = new();
    private readonly int _reserved = count / 4;
    private readonly List<ControlConnection> _served = [];
    private readonly List<Waiter> _waiting = [];

    /// <summary>Takes a slot, at once or when one becomes free.</summary>
    /// <returns>False when none became free in time.</returns>
    public async ValueTask<bool> EnterAsync(ControlConnection connection, TimeSpan patience, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (HasRoomFor(connection.Role))
            {
                _served.Add(connection);
                return true;
            }
            waiter = new Waiter(connection);
            _waiting.Add(waiter);
            MakeRoomFor(connection.Role);
        }
        try
        {
            await waiter.Granted.Task.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            return GiveUp(waiter);
        }
        catch (OperationCanceledException)
        {
            if (GiveUp(waiter))
                Leave(connection);
            throw;
        }
        return true;
    }

    /// <summary>Gives the slot to whoever waits: admins first.</summary>
    public void Leave(ControlConnection connection)
    {
        lock (_lock)
        {
            _served.Remove(connection);
            while (NextWaiting() is { } next && HasRoomFor(next.Connection.Role))
            {
                _waiting.Remove(next);
                _served.Add(next.Connection);
                next.Granted.TrySetResult();
            }
        }
    }

    /// <summary>Begins a stream on a connection that has a slot, unless streams have taken all they may.</summary>
    public bool TryBeginStream(ControlConnection connection)
    {
        lock (_lock)
        {
            ControlConnection[] others = [.. _served.Where(each => each != connection && each.Streams > 0)];
            int viewers = others.Count(each => each.Role != ControlRole.Admin);
            if (others.Length >= Math.Max(1, count - _reserved))
                return false;
            if (connection.Role != ControlRole.Admin && viewers >= Math.Max(1, count - 2 * _reserved))
                return false;
            connection.Streams++;
            return true;
        }
    }

    /// <summary>Ends a stream that <see cref="TryBeginStream"/> began.</summary>
    public void EndStream(ControlConnection connection)
    {
        lock (_lock)
            connection.Streams--;
    }

    private Waiter? NextWaiting() =>
        _waiting.Find(each => each.Connection.Role == ControlRole.Admin) ?? _waiting.FirstOrDefault();

    private bool HasRoomFor(ControlRole role) => _served.Count < count
        && (role == ControlRole.Admin || _served.Count(each => each.Role != ControlRole.Admin) < count - _reserved);

    private void MakeRoomFor(ControlRole role)
    {
        ControlConnection[] streaming = [.. _served.Where(each => each.Streams > 0 && !each.IsLeaving)];
        ControlConnection? victim = streaming.FirstOrDefault(each => each.IsStalled);
        if (role == ControlRole.Admin)
            victim ??= streaming.FirstOrDefault(each => each.Role != ControlRole.Admin);
        victim?.Evict("the daemon is busy and needed this place for another client");
    }

    // True when the slot was granted at the last moment after all.
    private bool GiveUp(Waiter waiter)
    {
        lock (_lock)
            return !_waiting.Remove(waiter);
    }

    private sealed record Waiter(ControlConnection Connection)
    {
        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
