using System.Net;
using System.Net.Sockets;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>A UDP path between one client and one server that loses, repeats and reorders on demand.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly Socket _front;
    private readonly Socket _otherFront = NewSocket();
    private volatile bool _moved;
    private readonly List<Socket> _backs = [];
    private readonly IPEndPoint _server;
    private volatile Socket _back;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _pumps;
    private EndPoint? _client;
    private int _answered;
    private int _asked;

    /// <param name="server">Where it all goes.</param>
    /// <param name="front">Where clients dial; any port of 127.0.0.1 when not given.</param>
    public Relay(IPEndPoint server, IPEndPoint? front = null)
    {
        _server = server;
        _front = NewSocket(front);
        _back = NewBack();
        _pumps = [PumpAsync(_front, toServer: true), PumpAsync(_back, toServer: false)];
    }

    /// <summary>The server sees the client under a new port from now on, as after a NAT forgot.</summary>
    public IPEndPoint Rebind()
    {
        _back = NewBack();
        _pumps.Add(PumpAsync(_back, toServer: false));
        return (IPEndPoint)_back.LocalEndPoint!;
    }

    /// <summary>The server has another address from now on: what it sends comes from there, the old one is dead.</summary>
    public void MoveServer() => _moved = true;

    /// <summary>Where clients dial.</summary>
    public IPEndPoint Address => (IPEndPoint)_front.LocalEndPoint!;

    /// <summary>Where the server answers to.</summary>
    public IPEndPoint BackAddress => (IPEndPoint)_back.LocalEndPoint!;

    /// <summary>Whether the datagram of this number is lost.</summary>
    public Func<long, bool> Drop { get; set; } = _ => false;

    /// <summary>Whether the datagram of this number is sent twice.</summary>
    public Func<long, bool> Repeat { get; set; } = _ => false;

    /// <summary>Whether the datagram of this number waits for its successor.</summary>
    public Func<long, bool> Delay { get; set; } = _ => false;

    /// <summary>Bytes of the largest datagram that passes.</summary>
    public int Largest { get; set; } = int.MaxValue;

    /// <summary>Whether the client's datagram of this number is lost.</summary>
    public Func<long, bool> DropFromClient { get; set; } = _ => false;

    /// <summary>The server's datagrams wait for this.</summary>
    public Task Answers { get; set; } = Task.CompletedTask;

    /// <summary>Datagrams that the server has sent.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Datagrams that the client has sent.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Sees every datagram that passes, and may alter it.</summary>
    public Action<byte[]>? Watch { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_pumps);
        _front.Dispose();
        _otherFront.Dispose();
        _backs.ForEach(socket => socket.Dispose());
        _stop.Dispose();
    }

    private Socket NewBack()
    {
        Socket socket = NewSocket();
        socket.Connect(_server);
        _backs.Add(socket);
        return socket;
    }

    private static Socket NewSocket(IPEndPoint? local = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = 4 * 1024 * 1024;
        socket.Bind(local ?? new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task PumpAsync(Socket from, bool toServer)
    {
        byte[] buffer = new byte[65_536];
        byte[]? delayed = null;
        EndPoint any = new IPEndPoint(IPAddress.Any, 0);
        for (long number = 0; !_stop.IsCancellationRequested; number++)
        {
            try
            {
                SocketReceiveFromResult got = await from.ReceiveFromAsync(buffer, SocketFlags.None, any, _stop.Token);
                if (toServer)
                {
                    _client = got.RemoteEndPoint;
                    Interlocked.Increment(ref _asked);
                }
                byte[] datagram = buffer[..got.ReceivedBytes];
                Watch?.Invoke(datagram);
                if (!toServer)
                {
                    Interlocked.Increment(ref _answered);
                    await Answers.WaitAsync(_stop.Token);
                }
                if (datagram.Length > Largest || Drop(number) || (toServer && _moved) || (toServer && DropFromClient(number)))
                    continue;
                if (delayed is null && Delay(number))
                {
                    delayed = datagram;
                    continue;
                }
                await ForwardAsync(datagram, toServer);
                if (Repeat(number))
                    await ForwardAsync(datagram, toServer);
                if (delayed is not null)
                    await ForwardAsync(delayed, toServer);
                delayed = null;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The server's port is closed for a while; the datagram is lost.
            }
        }
    }

    private async Task ForwardAsync(byte[] datagram, bool toServer)
    {
        if (toServer)
            await _back.SendAsync(datagram, _stop.Token);
        else if (_client is not null)
            await (_moved ? _otherFront : _front).SendToAsync(datagram, _client, _stop.Token);
    }
}
