using System.Net.Sockets;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Cuts what a client sends into requests, in memory that is bounded by the longest one.</summary>
/// <remarks>
/// The first request ends with its last brace, since old clients send no newline; later ones are lines. What follows
/// the first object on its line counts as a line of its own.
/// </remarks>
internal sealed class RequestReader(Socket client)
{
    private const int FirstBuffer = 1024;

    private byte[] _buffer = new byte[FirstBuffer];
    private int _start;
    private int _end;
    private int _scanned;
    private RequestFramer _framer;
    private bool _byLines;

    /// <summary>Whether part of a request is here.</summary>
    public bool HasBegun => _end > _start;

    /// <summary>Takes the next request out of what has come.</summary>
    /// <param name="frame">The request's bytes, valid until the next call of this object.</param>
    /// <returns><see cref="FrameState.Incomplete"/> when more must come first.</returns>
    public FrameState TryTake(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        FrameState state = _byLines ? TakeLine(ref frame) : TakeObject(ref frame);
        if (state == FrameState.Incomplete && _end - _start >= ControlRequest.MaxBytes)
            return FrameState.TooLong;
        return state;
    }

    /// <summary>Takes what is left when the client will send no more; the last line may lack its newline.</summary>
    public FrameState TakeRest(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        if (!_byLines || !HasBegun)
            return FrameState.Incomplete;
        return Cut(_end - _start, 0, ref frame) ? Judge(frame) : FrameState.Incomplete;
    }

    /// <summary>Waits for more bytes.</summary>
    /// <returns>False when the client will send no more.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        int received = await client.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += received;
        return received > 0;
    }

    private FrameState TakeObject(ref ReadOnlyMemory<byte> frame)
    {
        FrameState state = _framer.Feed(_buffer.AsSpan(_start + _scanned, _end - _start - _scanned));
        _scanned = _end - _start;
        if (state != FrameState.Complete)
            return state;
        frame = _buffer.AsMemory(_start, _framer.Length);
        _start += _framer.Length;
        _scanned = 0;
        _byLines = true;
        return state;
    }

    private FrameState TakeLine(ref ReadOnlyMemory<byte> frame)
    {
        while (true)
        {
            int newline = _buffer.AsSpan(_start + _scanned, _end - _start - _scanned).IndexOf((byte)'\n');
            if (newline < 0)
            {
                _scanned = _end - _start;
                return FrameState.Incomplete;
            }
            if (Cut(_scanned + newline, 1, ref frame))
                return Judge(frame);
        }
    }

    // Takes a line off the front; false when it was blank.
    private bool Cut(int length, int newline, ref ReadOnlyMemory<byte> frame)
    {
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, length);
        _start += length + newline;
        _scanned = 0;
        if (line.Span.Trim(" \t\r"u8).IsEmpty)
            return false;
        frame = line;
        return true;
    }

    // A line has its end already; this finds depth and what cannot be an object before the parser reserves memory.
    private static FrameState Judge(ReadOnlyMemory<byte> line)
    {
        FrameState state = new RequestFramer().Feed(line.Span);
        return state == FrameState.Incomplete ? FrameState.NotJson : state;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            // What one long request needed is not kept for the next hours of an idle client.
            if (_buffer.Length > 4 * FirstBuffer)
                _buffer = new byte[FirstBuffer];
            _start = _end = _scanned = 0;
        }
        else if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
    }
}
