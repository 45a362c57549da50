using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Who is served now, and who waits for it.</summary>
/// <remarks>
/// A connection holds a slot while calls of it run, not while it is idle or its client takes its time over an answer. A
/// quarter of the slots is kept from viewers, and as many from streams, so that an admin's short question always finds
/// one; whoever streams without reading gives up its slot first, then a viewer that streams for an admin.
/// </remarks>
internal sealed class Slots(int count)
{
    // How often whoever waits looks for a stream that has stalled meanwhile.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    // Clients that lag, as a multiple of the slots, beyond which the first goes though it has only just begun to.
    private const int MaxLagging = 4;

    private readonly Lock _lock = new();
    private readonly int _reserved = count / 4;
    private readonly List<ControlConnection> _served = [];
    private readonly List<Waiter> _waiting = [];
    private readonly List<ControlConnection> _lagging = [];

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
        }
        try
        {
            return await WaitAsync(waiter, patience, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (GiveUp(waiter))
                Leave(connection);
            throw;
        }
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

    /// <summary>Notes whether a connection without a slot has answers that its client has not taken: they cost memory.</summary>
    public void Owes(ControlConnection connection, bool owes)
    {
        ControlConnection? victim = null;
        lock (_lock)
        {
            _lagging.Remove(connection);
            if (owes)
                _lagging.Add(connection);
            if (_lagging.Count > count)
                victim = _lagging.Find(each => each.IsStalled) ?? (_lagging.Count > MaxLagging * count ? _lagging[0] : null);
        }
        victim?.Abort();
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

    private async Task<bool> WaitAsync(Waiter waiter, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (TimeSpan left = patience; ; left -= LookInterval)
        {
            lock (_lock)
                MakeRoomFor(waiter.Connection.Role);
            try
            {
                await waiter.Granted.Task.WaitAsync(left < LookInterval ? left : LookInterval, cancellationToken);
                return true;
            }
            catch (TimeoutException)
            {
                if (left <= LookInterval)
                    return GiveUp(waiter);
            }
        }
    }

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
