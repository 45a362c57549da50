using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

internal enum LoopCommandKind
{
    Resolved,
    Stop,
}

/// <summary>Something that another thread asks of the loop.</summary>
/// <param name="Kind">What.</param>
/// <param name="DialId">Resolved: which dial.</param>
/// <param name="Addresses">Resolved: what the name stands for; empty when it stands for nothing.</param>
/// <param name="Fault">Resolved: why there is no address.</param>
internal readonly record struct LoopCommand(
    LoopCommandKind Kind, long DialId = 0, IPEndPoint[]? Addresses = null, string Fault = "");

/// <summary>Turns dial requests into tries: resolves names off the loop, then tries the addresses in turn.</summary>
/// <remarks>Begin and Cancel may be called from any thread; the On… members belong to the loop's.</remarks>
internal sealed class Dialer(EventLoop loop) : IDisposable
{
    private const string Scheme = "quic://";

    // A name with more addresses than this is somebody's load balancer, not a peer.
    private const int MaxAddresses = 4;

    private readonly CancellationTokenSource _stopped = new();
    private readonly Dictionary<long, Try> _tries = [];
    private readonly ConcurrentDictionary<long, Task> _resolving = new();

    /// <summary>Starts a dial. Never blocks.</summary>
    public void Begin(DialRequest request)
    {
        string address = request.Address.StartsWith(Scheme, StringComparison.Ordinal)
            ? request.Address[Scheme.Length..]
            : request.Address;
        if (IPEndPoint.TryParse(address, out IPEndPoint? literal) && literal.Port != 0)
        {
            loop.Post(new LoopCommand(LoopCommandKind.Resolved, request.Id, [literal]));
            return;
        }
        int colon = address.LastIndexOf(':');
        bool valid = colon > 0 & ushort.TryParse(
            address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port);
        if (!valid || port == 0)
        {
            Post(request.Id, [], $"'{address}' is not host:port");
            return;
        }
        // While it stands here a stop waits for it.
        Task task = ResolveAsync(request.Id, address[..colon], port, _stopped.Token);
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

    /// <summary>Loop: a name has become addresses, or nothing.</summary>
    public void OnResolved(in LoopCommand command)
    {
        IPEndPoint[] usable = [.. (command.Addresses ?? []).Where(Usable).Take(MaxAddresses)];
        if (usable.Length == 0)
        {
            string text = command.Fault.Length > 0
                ? command.Fault
                : $"no listen address of the family of {command.Addresses?.FirstOrDefault()}";
            loop.Events.OnDialFailed(command.DialId, new CloseReason(CloseCode.Unreachable, text));
            return;
        }
        _tries[command.DialId] = new Try(usable);
        Next(command.DialId, new CloseReason(CloseCode.Unreachable, "no connection could be begun"));
    }

    /// <summary>Loop: the dial has reached its goal.</summary>
    public void OnConnected(long dialId) => _tries.Remove(dialId);

    /// <summary>Loop: one address failed; the next may do when nobody answered at this one.</summary>
    public void OnFailed(long dialId, CloseReason reason)
    {
        if (reason.Code is CloseCode.HandshakeTimeout or CloseCode.Unreachable)
            Next(dialId, reason);
        else
            Fail(dialId, reason);
    }

    private void Next(long dialId, CloseReason reason)
    {
        while (_tries.TryGetValue(dialId, out Try? attempt) && attempt.Next < attempt.Addresses.Length)
        {
            if (loop.Connect(dialId, SocketAddress28.From(attempt.Addresses[attempt.Next++])))
                return;
        }
        Fail(dialId, reason);
    }

    private void Fail(long dialId, CloseReason reason)
    {
        _tries.Remove(dialId);
        loop.Events.OnDialFailed(dialId, reason);
    }

    private bool Usable(IPEndPoint endPoint) => loop.HasFamily(
        endPoint.AddressFamily == AddressFamily.InterNetwork ? LibC.AF_INET : LibC.AF_INET6);

    private async Task ResolveAsync(long dialId, string host, int port, CancellationToken stopped)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, stopped);
            Post(dialId, [.. addresses.Select(address => new IPEndPoint(address, port))], "");
        }
        catch (OperationCanceledException)
        {
            Post(dialId, [], "the transport stops");
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            Post(dialId, [], $"'{host}' could not be resolved: {fault.Message}");
        }
    }

    private void Post(long dialId, IPEndPoint[] addresses, string fault) =>
        loop.Post(new LoopCommand(LoopCommandKind.Resolved, dialId, addresses, fault));

    private sealed class Try(IPEndPoint[] addresses)
    {
        public IPEndPoint[] Addresses { get; } = addresses;

        public int Next { get; set; }
    }
}
