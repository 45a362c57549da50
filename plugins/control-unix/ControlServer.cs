using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Accepts clients at once, whatever the others do; when there are too many, those who are silent go.</summary>
/// <remarks>
/// Memory is bounded by <see cref="ControlSettings.MaxClients"/>, work by <see cref="Slots"/>. A client without a role
/// never becomes a connection. Only the accept loop starts clients; their ends may come on any thread.
/// </remarks>
internal sealed class ControlServer : IDisposable
{
    // While there are too many clients, one that has been silent for this long makes room. Whoever has a question
    // sends it right after it has connected.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan RoomInterval = TimeSpan.FromMilliseconds(2);
    private const int RoomAttempts = 10;
    private const string NoRoom = "too many clients are connected; ask again";

    // What a stopping server grants to answers under way: the answer to "shutdown" is one.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan AcceptBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RefusalLogInterval = TimeSpan.FromSeconds(10);

    private readonly Socket _listener;
    private readonly ControlSettings _settings;
    private readonly IPluginContext _context;
    private readonly ControlMeters _meters;
    private readonly ControlParts _parts;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<ControlConnection, Task> _connections = [];
    private Task _acceptLoop = Task.CompletedTask;
    private long _lastRefusalLine = long.MinValue;
    private long _refusalsSuppressed;

    public ControlServer(Socket listener, ControlSettings settings, IControlMethods methods, IPluginContext context)
    {
        _listener = listener;
        _settings = settings;
        _context = context;
        _meters = new ControlMeters(context.Meter);
        _parts = new ControlParts(settings, methods, context, _meters, new Slots(settings.MaxConnections));
    }

    public void Start() => _acceptLoop = Task.Run(AcceptLoopAsync);

    /// <summary>Stops accepting, lets answers under way reach their clients, and closes the rest.</summary>
    /// <returns>When nothing of the server runs any more.</returns>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _acceptLoop;
        (ControlConnection Connection, Task End)[] open;
        lock (_lock)
            open = [.. _connections.Select(pair => (pair.Key, pair.Value))];
        foreach ((ControlConnection connection, _) in open)
            connection.StopReading();
        Task allEnded = Task.WhenAll(open.Select(each => each.End));
        await Task.WhenAny(allEnded, Task.Delay(Farewell, cancellationToken));
        foreach ((ControlConnection connection, _) in open)
            connection.Abort();
        await allEnded.WaitAsync(cancellationToken);
    }

    /// <summary>After <see cref="StopAsync"/>.</summary>
    public void Dispose() => _stopping.Dispose();

    private async Task AcceptLoopAsync()
    {
        bool failing = false;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Socket client = await _listener.AcceptAsync(_stopping.Token);
                failing = false;
                await AdmitAsync(client);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error)
            {
                // Out of descriptors, most likely: waiting is all that helps, and must not become a busy loop.
                // Whatever it is, operators must be able to reach the daemon once it has passed.
                if (!failing)
                    Log.AcceptFailed(_context.Logger, error.Message);
                failing = true;
                await Task.Delay(AcceptBackOff, CancellationToken.None);
            }
        }
    }

    private async Task AdmitAsync(Socket client)
    {
        try
        {
            PeerCredentials peer = PeerCredentials.Of(client);
            ControlRole role = _settings.Access.RoleOf(peer);
            if (role == ControlRole.None)
            {
                LogRefusal(peer.Name);
                Refuse(client, "not_authorised", ErrorText.NotAuthorised($"{peer.Name} has no role here"));
                return;
            }
            if (!await MakeRoomAsync(role))
            {
                Refuse(client, "no_room", ErrorText.Unavailable(NoRoom));
                return;
            }
            Begin(client, new ControlPrincipal(role, peer.Name), peer.Uid);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sees to it that there is room for one more. Takes some milliseconds at most: others wait behind.</summary>
    private async ValueTask<bool> MakeRoomAsync(ControlRole role)
    {
        for (int attempt = 0; attempt < RoomAttempts; attempt++)
        {
            lock (_lock)
            {
                if (_connections.Count < _settings.MaxClients)
                    return true;
                if (!EvictQuiet() && !EvictWaiting(role) && !_connections.Keys.Any(each => each.IsLeaving || !each.HasAsked))
                    return false;
            }
            await Task.Delay(RoomInterval, _stopping.Token);
        }
        return false;
    }

    /// <summary>Lets go of clients that say nothing: all those without a first request of the user that has most of them.</summary>
    private bool EvictQuiet()
    {
        ControlConnection[] quiet = [.. _connections.Keys.Where(each => each.IsQuietFor(Patience))];
        IGrouping<uint, ControlConnection>? worst = quiet.Where(each => !each.HasAsked)
            .GroupBy(each => each.Uid).MaxBy(user => user.Count());
        // One that has asked before and is merely idle goes only when there is nobody else: the longest idle.
        if (worst is null && _connections.Keys.Any(each => !each.HasAsked && !each.IsLeaving))
            return false;
        ControlConnection[] victims = worst?.ToArray() ?? [.. quiet.OrderBy(each => each.LastHeard).Take(1)];
        foreach (ControlConnection victim in victims)
            victim.Evict("the daemon is busy, and the request did not come at once");
        return victims.Length > 0;
    }

    /// <summary>Lets go of a viewer that waits to be served, when it is an admin who comes.</summary>
    private bool EvictWaiting(ControlRole role)
    {
        ControlConnection? victim = role != ControlRole.Admin
            ? null
            : _connections.Keys.FirstOrDefault(each => each is { IsWaiting: true, IsLeaving: false, Role: not ControlRole.Admin });
        victim?.Evict("the daemon is busy and needed this place for another client");
        return victim is not null;
    }

    private void Begin(Socket client, ControlPrincipal principal, uint uid)
    {
        var connection = new ControlConnection(client, principal, uid, _parts);
        // Registered before it can end, so that its end finds it; the lock orders the two.
        lock (_lock)
            _connections.Add(connection, RunAsync(connection));
    }

    private async Task RunAsync(ControlConnection connection)
    {
        // Off the accept loop, and past the lock that Begin holds.
        await Task.Yield();
        try
        {
            await connection.RunAsync();
        }
        catch (Exception error)
        {
            // Our own bug: one client suffers, the server does not.
            Log.ClientFailed(_context.Logger, error);
        }
        finally
        {
            lock (_lock)
                _connections.Remove(connection);
            connection.Dispose();
        }
    }

    private void Refuse(Socket client, string reason, string error)
    {
        _meters.Refused(reason);
        using (client)
        {
            client.Blocking = false;
            // A fresh socket's buffer always takes a line; a client that is gone already does not matter.
            client.Send(Envelope.Failure(error).Span, SocketFlags.None, out SocketError _);
        }
    }

    private void LogRefusal(string principal)
    {
        long now = _context.Time.GetTimestamp();
        if (_lastRefusalLine != long.MinValue
            && _context.Time.GetElapsedTime(_lastRefusalLine, now) < RefusalLogInterval)
        {
            _refusalsSuppressed++;
            return;
        }
        Log.Refused(_context.Logger, principal, _refusalsSuppressed);
        _lastRefusalLine = now;
        _refusalsSuppressed = 0;
    }
}
