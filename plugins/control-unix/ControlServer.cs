using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Accepts clients and gives each a slot; when the slots run out, those who dawdle lose theirs.</summary>
/// <remarks>
/// Memory is bounded by the slots: a client without a role never gets one, and what waits, waits in the kernel's
/// queue. Only the accept loop starts clients; their ends may come on any thread.
/// </remarks>
internal sealed class ControlServer : IDisposable
{
    // While all slots are taken, a client that has not sent its request after this long makes room.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    // What a stopping server grants to answers under way: the answer to "shutdown" is one.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan AcceptBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RefusalLogInterval = TimeSpan.FromSeconds(10);

    private readonly Socket _listener;
    private readonly ControlSettings _settings;
    private readonly IControlMethods _methods;
    private readonly IPluginContext _context;
    private readonly ControlMeters _meters;
    private readonly SemaphoreSlim _slots;
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
        _methods = methods;
        _context = context;
        _meters = new ControlMeters(context.Meter);
        _slots = new SemaphoreSlim(settings.MaxConnections);
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
    public void Dispose()
    {
        _slots.Dispose();
        _stopping.Dispose();
    }

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
                Refuse(client, peer);
                return;
            }
            await TakeSlotAsync();
            Begin(client, new ControlPrincipal(role, peer.Name));
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private async Task TakeSlotAsync()
    {
        while (!await _slots.WaitAsync(Patience, _stopping.Token))
        {
            lock (_lock)
            {
                foreach (ControlConnection connection in _connections.Keys)
                    connection.MakeRoomIfReadingFor(Patience);
            }
        }
    }

    private void Begin(Socket client, ControlPrincipal principal)
    {
        var connection = new ControlConnection(client, principal, _settings, _methods, _context, _meters);
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
            _slots.Release();
        }
    }

    private void Refuse(Socket client, PeerCredentials peer)
    {
        _meters.Refused("not_authorised");
        LogRefusal(peer.Name);
        using (client)
        {
            client.Blocking = false;
            // A fresh socket's buffer always takes a line; a client that is gone already does not matter.
            client.Send(
                Envelope.Failure(ErrorText.NotAuthorised($"{peer.Name} has no role here")).Span,
                SocketFlags.None,
                out SocketError _);
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
