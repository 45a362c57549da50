using System.Net.Sockets;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Control;

/// <summary>A connection to the daemon's socket that carries lines.</summary>
internal sealed class ControlChannel : IDisposable
{
    // More than any answer needs, and less than hurts.
    private const int MaxLine = 64 << 20;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(20);

    private readonly Socket _socket;
    private readonly string _path;
    private byte[] _buffer = new byte[16384];
    private int _start;
    private int _end;

    private ControlChannel(Socket socket, string path)
    {
        _socket = socket;
        _path = path;
    }

    /// <summary>Connects, and waits while the daemon's queue of clients is full.</summary>
    /// <exception cref="SocketException">Nobody is there, or we may not.</exception>
    public static async Task<ControlChannel> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        UnixDomainSocketEndPoint endpoint = EndPoint(path);
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(endpoint, cancellationToken);
                return new ControlChannel(socket, path);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.WouldBlock)
            {
                // The daemon's queue of waiting clients is full; it drains.
                socket.Dispose();
                await Task.Delay(RetryInterval, cancellationToken);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    /// <summary>Sends a request's line.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        try
        {
            while (line.Length > 0)
                line = line[await _socket.SendAsync(line, cancellationToken)..];
        }
        catch (SocketException error)
            when (error.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // The daemon refused before it read; why it did is waiting to be read.
        }
    }

    /// <summary>The next line without its end; valid until the next call. Null when the daemon closed.</summary>
    public async Task<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken cancellationToken)
    {
        int scanned = _start;
        while (true)
        {
            int newline = _buffer.AsSpan(scanned, _end - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
                return Take(scanned + newline, 1);
            scanned = _end;
            if (_end - _start > MaxLine)
                throw new CommandException($"vibepnd's answer is longer than {MaxLine >> 20} MiB ({Escape.Controls(_path)}).");
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (scanned, _end, _start) = (scanned - _start, _end - _start, 0);
            }
            if (_end == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            int received = await ReceiveAsync(cancellationToken);
            if (received == 0)
                return _end > _start ? Take(_end, 0) : (ReadOnlyMemory<byte>?)null;
            _end += received;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private ReadOnlyMemory<byte> Take(int end, int newline)
    {
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, end - _start);
        _start = end + newline;
        return line;
    }

    private async Task<int> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Linux reports this after the last byte when the daemon closed without reading everything.
            return 0;
        }
    }

    private static UnixDomainSocketEndPoint EndPoint(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException)
        {
            throw new CommandException(
                $"'{Escape.Controls(path)}' cannot be a socket's path: it is empty or longer than 107 bytes.",
                ExitCode.Usage);
        }
    }
}
