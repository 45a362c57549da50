using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Turns dial requests into connections: resolves names off the loop, then races the addresses.</summary>
/// <remarks>
/// <para>
/// A name's next address is tried 250 ms after the one before, or as soon as one has failed (RFC 8305 §5). The
/// first handshake in which the peer has proved itself leads: before it, nobody sends the message that completes a
/// handshake at the peer, so the peer never sees two connections of one dial. When the leader is confirmed, the
/// others are closed in the state of a client that gave up.
/// </para>
/// <para>Begin and Cancel may be called from any thread; all other members belong to the loop's.</para>
/// </remarks>
internal sealed class Dialer(EventLoop loop, Func<string, CancellationToken, Task<IPAddress[]>> resolver) : IDisposable
{
    private const string Scheme = "quic://";
    private const ulong HeadStart = 250_000_000;

    private static readonly CloseReason Abandoned = new(CloseCode.Superseded, "another address was faster");

    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentDictionary<long, Task> _resolving = new();
    private readonly Dictionary<long, DialRace> _races = [];
    private readonly TimerHeap<DialRace> _timers = new();

    /// <summary>When the next address of some dial is due.</summary>
    public ulong NextDue => _timers.Earliest;

    /// <summary>Starts a dial. Never blocks.</summary>
    public void Begin(DialRequest request)
    {
        string address = request.Address.StartsWith(Scheme, StringComparison.Ordinal)
            ? request.Address[Scheme.Length..]
            : request.Address;
        if (IPEndPoint.TryParse(address, out IPEndPoint? literal) && literal.Port != 0)
        {
            Post(request, [literal], "");
            return;
        }
        int colon = address.LastIndexOf(':');
        bool valid = colon > 0 & ushort.TryParse(
            address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port);
        if (!valid || port == 0)
        {
            Post(request, [], $"'{address}' is not host:port");
            return;
        }
        // While it stands here a stop waits for it.
        Task task = ResolveAsync(request, address[..colon], port);
        _resolving[request.Id] = task;
        _ = task.ContinueWith(
            _ => _resolving.TryRemove(request.Id, out Task? _), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Ends all resolving; each such dial is posted as failed before this returns.</summary>
    public void Cancel()
    {
        _stopped.Cancel();
        Task.WaitAll([.. _resolving.Values], TimeSpan.FromSeconds(2));
    }

    public void Dispose() => _stopped.Dispose();

    /// <summary>A name has become addresses, or nothing.</summary>
    public void OnResolved(in LoopCommand command, ulong now)
    {
        IPEndPoint[] found = command.Addresses ?? [];
        IPEndPoint[] order = DialOrder.Of(found, Usable);
        if (order.Length == 0)
        {
            string text = command.Fault.Length > 0
                ? command.Fault
                : $"no listen address of the family of {found.FirstOrDefault()}";
            loop.Shared.Events.OnDialFailed(command.DialId, new CloseReason(CloseCode.Unreachable, text));
            return;
        }
        var race = new DialRace(command.DialId, command.Protocol, order);
        _races[command.DialId] = race;
        TryNext(race, now);
    }

    /// <summary>Tries the next address of every dial that has waited long enough.</summary>
    public void OnTimer(ulong now)
    {
        while (_timers.TryPop(now, out DialRace? race))
            TryNext(race!, now);
    }

    /// <summary>Whether a connection whose peer has proved itself may complete its handshake, or must wait.</summary>
    public bool MayComplete(QuicConnection connection)
    {
        if (!_races.TryGetValue(connection.DialId, out DialRace? race))
            return true;
        race.Leader ??= connection;
        return ReferenceEquals(race.Leader, connection);
    }

    /// <summary>The dial has reached its goal: whoever else ran for it is sent home.</summary>
    public void OnConnected(QuicConnection connection, ulong now)
    {
        if (!_races.Remove(connection.DialId, out DialRace? race))
            return;
        _timers.Remove(race);
        foreach (QuicConnection other in race.Open)
        {
            if (!ReferenceEquals(other, connection))
                other.CloseNow(Abandoned, CloseMapping.ToCause(Abandoned), now);
        }
    }

    /// <summary>One address failed; the next need not wait any longer.</summary>
    public void OnFailed(QuicConnection connection, CloseReason reason, ulong now)
    {
        if (!_races.TryGetValue(connection.DialId, out DialRace? race))
            return;
        race.Open.Remove(connection);
        race.OnFailure(connection.Path.Remote, reason);
        if (ReferenceEquals(race.Leader, connection))
        {
            race.Leader = null;
            race.Open.ForEach(loop.MarkDirty);
        }
        TryNext(race, now);
    }

    private void TryNext(DialRace race, ulong now)
    {
        _timers.Remove(race);
        while (race.HasNext)
        {
            IPEndPoint address = race.TakeNext();
            QuicConnection? connection = loop.Connect(race.DialId, race.Protocol, SocketAddress28.From(address), out string fault);
            if (connection is null)
            {
                race.OnFailure(address, new CloseReason(CloseCode.Unreachable, fault));
                continue;
            }
            race.Open.Add(connection);
            if (race.HasNext)
                _timers.Set(race, now + HeadStart);
            return;
        }
        if (race.Open.Count > 0)
            return;
        _races.Remove(race.DialId);
        loop.Shared.Events.OnDialFailed(race.DialId, race.Summary());
    }

    private bool Usable(IPEndPoint endPoint) => loop.HasFamily(
        endPoint.AddressFamily == AddressFamily.InterNetwork ? LibC.AF_INET : LibC.AF_INET6);

    // A resolver that never answers must not hold the dial: its time is that of a handshake.
    private async Task ResolveAsync(DialRequest request, string host, int port)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        limit.CancelAfter(loop.Shared.Options.HandshakeTimeout);
        try
        {
            // A lookup under way does not end when it is cancelled; only the wait for it does.
            IPAddress[] addresses = await resolver(host, limit.Token).WaitAsync(limit.Token);
            Post(request, [.. addresses.Select(address => new IPEndPoint(address, port))], "");
        }
        catch (OperationCanceledException)
        {
            Post(request, [], _stopped.IsCancellationRequested
                ? "the transport stops"
                : $"'{host}' was not resolved within {loop.Shared.Options.HandshakeTimeout.TotalSeconds:0.#} s");
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            Post(request, [], $"'{host}' could not be resolved: {fault.Message}");
        }
    }

    private void Post(DialRequest request, IPEndPoint[] addresses, string fault) =>
        loop.Post(new LoopCommand(LoopCommandKind.Resolved, request.Id, addresses, fault, request.Protocol));
}
