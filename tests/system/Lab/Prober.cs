using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VibePN.System.Tests.Lab;

/// <summary>Asks many addresses for an echo until each has answered, without a process for each, and notes when.</summary>
/// <remarks>IPv4, because there a raw socket may write the checksum itself and one socket serves all.</remarks>
internal sealed class Prober : IDisposable
{
    private const byte EchoRequest = 8;
    private const byte EchoReply = 0;
    private const int IpHeader = 20;
    private static int _lastId = Environment.ProcessId & 0x7FFF;

    private readonly IPEndPoint[] _targets;
    private readonly long[] _answeredAt;
    private readonly TimeSpan _interval;
    private readonly ushort _id;
    private readonly Socket _socket;
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private int _sequence;
    private int _firstCounted;
    private volatile bool _ends;

    /// <summary>Begins to ask.</summary>
    /// <param name="from">The node that asks.</param>
    /// <param name="targets">Overlay addresses.</param>
    /// <param name="interval">Between two requests to one address.</param>
    public Prober(Node from, IEnumerable<string> targets, TimeSpan interval)
    {
        _targets = [.. targets.Select(target => new IPEndPoint(IPAddress.Parse(target), 0))];
        _answeredAt = new long[_targets.Length];
        _interval = interval;
        _id = (ushort)Interlocked.Increment(ref _lastId);
        _socket = from.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp));
        _thread = new Thread(Run) { IsBackground = true, Name = $"probe {from.Name}" };
        _thread.Start();
    }

    /// <summary>When the last of the targets answered, as a timestamp of <see cref="Stopwatch"/>; null while one has not.</summary>
    public long? AllAnsweredAt
    {
        get
        {
            lock (_gate)
                return _answeredAt.Contains(0) ? null : _answeredAt.Max();
        }
    }

    /// <summary>The targets that have not answered.</summary>
    public IReadOnlyList<string> Silent
    {
        get
        {
            lock (_gate)
                return [.. _targets.Where((_, index) => _answeredAt[index] == 0).Select(target => target.Address.ToString())];
        }
    }

    /// <summary>Counts only answers to requests that are sent from now on.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            Array.Clear(_answeredAt);
            _firstCounted = _sequence;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _thread.Join();
        _socket.Dispose();
    }

    private void Run()
    {
        byte[] buffer = new byte[2048];
        while (!_ends)
        {
            long due = Stopwatch.GetTimestamp() + (long)(_interval.TotalSeconds * Stopwatch.Frequency);
            AskSilentOnes();
            for (TimeSpan left; (left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due)) > TimeSpan.Zero;)
            {
                if (_socket.Poll(left, SelectMode.SelectRead))
                    Read(buffer);
            }
        }
    }

    private void AskSilentOnes()
    {
        lock (_gate)
        {
            _sequence++;
            Span<byte> request = stackalloc byte[12];
            request.Clear();
            request[0] = EchoRequest;
            BinaryPrimitives.WriteUInt16BigEndian(request[4..], _id);
            BinaryPrimitives.WriteInt32BigEndian(request[8..], _sequence);
            BinaryPrimitives.WriteUInt16BigEndian(request[2..], Checksum(request));
            for (int i = 0; i < _targets.Length; i++)
            {
                if (_answeredAt[i] == 0)
                    TrySend(request, _targets[i]);
            }
        }
    }

    // Without a device or a route there is no way to send; the next round tries again.
    private void TrySend(ReadOnlySpan<byte> request, IPEndPoint target)
    {
        try
        {
            _socket.SendTo(request, target);
        }
        catch (SocketException)
        {
        }
    }

    private void Read(byte[] buffer)
    {
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        int length = _socket.ReceiveFrom(buffer, ref from);
        ReadOnlySpan<byte> message = buffer.AsSpan(0, length);
        if (length < IpHeader + 12 || message[IpHeader] != EchoReply
            || BinaryPrimitives.ReadUInt16BigEndian(message[(IpHeader + 4)..]) != _id)
            return;
        int sequence = BinaryPrimitives.ReadInt32BigEndian(message[(IpHeader + 8)..]);
        int target = Array.FindIndex(_targets, candidate => candidate.Address.Equals(((IPEndPoint)from).Address));
        lock (_gate)
        {
            if (target >= 0 && sequence > _firstCounted && _answeredAt[target] == 0)
                _answeredAt[target] = Stopwatch.GetTimestamp();
        }
    }

    private static ushort Checksum(ReadOnlySpan<byte> message)
    {
        uint sum = 0;
        for (int i = 0; i < message.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(message[i..]);
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
