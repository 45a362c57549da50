using System.Buffers.Binary;
using System.Collections;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VibePN.System.Tests.Lab;

/// <summary>Receives what a <see cref="UdpSource"/> sends and keeps exact books, on a thread of its own.</summary>
internal sealed class UdpSink : IDisposable
{
    // linux asm-generic/socket.h: as SO_RCVBUF, for root without a limit.
    private const int SolSocket = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int BufferBytes = 64 << 20;

    private readonly Socket _socket;
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly BitArray _seen = new(1 << 20);
    private long _received;
    private long _repeated;
    private long _reordered;
    private long _highest = -1;
    private long _firstAt;
    private volatile bool _ends;

    /// <summary>Begins to receive.</summary>
    /// <param name="at">The node that receives.</param>
    /// <param name="address">The address to listen on.</param>
    /// <param name="port">The port to listen on.</param>
    public UdpSink(Node at, string address, int port)
    {
        var here = new IPEndPoint(IPAddress.Parse(address), port);
        _socket = at.Namespace.Run(() => Open(here));
        _thread = new Thread(Run) { IsBackground = true, Name = $"sink {at.Name}" };
        _thread.Start();
    }

    /// <summary>Datagrams that have come, each counted once.</summary>
    public long Received => Read(() => _received);

    /// <summary>Datagrams that came again.</summary>
    public long Repeated => Read(() => _repeated);

    /// <summary>Datagrams that came after one with a higher number.</summary>
    public long Reordered => Read(() => _reordered);

    /// <summary>When the first came since <see cref="Forget"/>, as a timestamp of <see cref="Stopwatch"/>; null while none has.</summary>
    public long? FirstAt => Read(() => _firstAt) is var at && at == 0 ? null : at;

    /// <summary>Waits anew for a first datagram.</summary>
    public void Forget() => Read(() => _firstAt = 0);

    /// <summary>Which of the first numbers did not come, in a few words.</summary>
    public string Missing(long sent) => Read(() =>
    {
        var gaps = new List<string>();
        for (int number = 0; number < Math.Min(sent, _seen.Length) && gaps.Count < 20; number++)
        {
            int first = number;
            while (number < Math.Min(sent, _seen.Length) && !_seen[number])
                number++;
            if (number > first)
                gaps.Add($"{first}-{number - 1}");
        }
        return string.Join(' ', gaps);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _thread.Join();
        _socket.Dispose();
    }

    private static Socket Open(IPEndPoint here)
    {
        var socket = new Socket(here.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 100 };
        // So that nothing is lost here when this thread has to wait for the processor.
        socket.SetRawSocketOption(SolSocket, SO_RCVBUFFORCE, BitConverter.GetBytes(BufferBytes));
        socket.Bind(here);
        return socket;
    }

    private T Read<T>(Func<T> value)
    {
        lock (_gate)
            return value();
    }

    private void Run()
    {
        byte[] buffer = new byte[2048];
        while (!_ends)
        {
            try
            {
                if (_socket.Receive(buffer) == UdpSource.Payload)
                    Enter(BinaryPrimitives.ReadInt64BigEndian(buffer));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // Time to look whether it is over.
            }
        }
    }

    private void Enter(long number)
    {
        lock (_gate)
        {
            if (_firstAt == 0)
                _firstAt = Stopwatch.GetTimestamp();
            if (number >= _seen.Length)
                _seen.Length = checked((int)(number * 2));
            if (_seen[(int)number])
            {
                _repeated++;
                return;
            }
            _seen[(int)number] = true;
            _received++;
            if (number < _highest)
                _reordered++;
            _highest = Math.Max(_highest, number);
        }
    }
}
