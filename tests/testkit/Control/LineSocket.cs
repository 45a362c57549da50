using System.Net.Sockets;
using System.Text;

namespace VibePN.Testkit;

/// <summary>A blocking client of a control socket, for threads of their own: nothing of it waits for a pool.</summary>
public sealed class LineSocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody listens.</exception>
    public LineSocket(string path, int receiveBufferBytes = 0)
    {
        if (receiveBufferBytes > 0)
            _socket.ReceiveBufferSize = receiveBufferBytes;
        _socket.SendTimeout = _socket.ReceiveTimeout = 20_000;
        _socket.Connect(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>Sends bytes; what a daemon that has closed does not take is lost.</summary>
    /// <returns>False when it has closed.</returns>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        _socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error == SocketError.Success;
    }

    /// <summary>Sends a line.</summary>
    public bool Send(string line) => Send(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>The next line, valid until the next call; empty when the daemon has closed.</summary>
    /// <exception cref="TimeoutException">Nothing came for 20 s.</exception>
    public ReadOnlySpan<byte> Read()
    {
        while (true)
        {
            int newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                ReadOnlySpan<byte> line = _buffer.AsSpan(_start, newline);
                _start += newline + 1;
                return line;
            }
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            if (_end == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            int received = _socket.Receive(_buffer.AsSpan(_end), SocketFlags.None, out SocketError error);
            if (error is SocketError.TimedOut or SocketError.WouldBlock)
                throw new TimeoutException("The daemon neither answered nor closed for 20 s.");
            if (received <= 0)
                return [];
            _end += received;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
