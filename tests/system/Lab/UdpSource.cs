using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VibePN.System.Tests.Lab;

/// <summary>Sends numbered datagrams at an even pace, on a thread of its own.</summary>
/// <remarks>
/// On a busy machine it falls behind, and then goes on from there in place of sending all that is overdue at once: a burst
/// would overflow queues that nobody else has touched. <see cref="PerSecond"/> says what it has come to.
/// </remarks>
internal sealed class UdpSource : IDisposable
{
    /// <summary>Of a datagram: the bytes after the number are zero.</summary>
    public const int Payload = 100;

    private const int LargestBurst = 64;

    private readonly Socket _socket;
    private readonly Thread _thread;
    private readonly int _wanted;
    private readonly long _began = Stopwatch.GetTimestamp();
    private long _ended;
    private long _sent;
    private long _refused;
    private volatile bool _ends;

    /// <summary>Begins to send.</summary>
    /// <param name="from">The node that sends.</param>
    /// <param name="to">The address to send to.</param>
    /// <param name="port">The port to send to.</param>
    /// <param name="perSecond">How many a second.</param>
    public UdpSource(Node from, string to, int port, int perSecond)
    {
        _wanted = perSecond;
        var target = new IPEndPoint(IPAddress.Parse(to), port);
        _socket = from.Namespace.Run(() => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        _thread = new Thread(() => Run(target)) { IsBackground = true, Name = $"source {from.Name}" };
        _thread.Start();
    }

    /// <summary>Datagrams that the kernel has taken so far; their numbers are 0 to this.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Times that the kernel refused a datagram: no route, or no device. Their numbers are used again.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Datagrams a second, over the whole time.</summary>
    public double PerSecond =>
        Sent / Stopwatch.GetElapsedTime(_began, _ended == 0 ? Stopwatch.GetTimestamp() : _ended).TotalSeconds;

    /// <summary>Ends the sending; all numbers stay readable.</summary>
    public void Stop()
    {
        if (_ends)
            return;
        _ends = true;
        _thread.Join();
        _ended = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _socket.Dispose();
    }

    private void Run(IPEndPoint target)
    {
        SocketAddress address = target.Serialize();
        byte[] datagram = new byte[Payload];
        long last = _began;
        double owed = 0;
        while (!_ends)
        {
            long now = Stopwatch.GetTimestamp();
            owed = Math.Min(LargestBurst, owed + (Stopwatch.GetElapsedTime(last, now).TotalSeconds * _wanted));
            last = now;
            for (; owed >= 1; owed--)
                SendOne(datagram, address);
            Thread.Sleep(1);
        }
    }

    private void SendOne(byte[] datagram, SocketAddress address)
    {
        BinaryPrimitives.WriteInt64BigEndian(datagram, _sent);
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, address);
            Volatile.Write(ref _sent, _sent + 1);
        }
        catch (SocketException)
        {
            Volatile.Write(ref _refused, _refused + 1);
        }
    }
}
