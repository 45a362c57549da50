namespace VibePN.Engine.Control;

/// <summary>Turns the pieces in which a control stream arrives into frames.</summary>
/// <remarks>
/// One per connection, one thread at a time.
/// Holds at most one incomplete frame: its buffer grows with the bytes that really came, to
/// <see cref="ControlLimits.MaxFrame"/> at most. After an error it stays in error.
/// </remarks>
internal sealed class ControlFramer
{
    private const int FirstBuffer = 256;

    private byte[] _buffer = [];
    private int _start;
    private int _count;
    private string? _problem;

    /// <summary>Bytes of an incomplete frame held now.</summary>
    public int Held => _count;

    /// <summary>The next frame of the stream. Call until it answers NeedMore or Error.</summary>
    /// <param name="bytes">What arrived; what the framer took is cut off its front.</param>
    /// <param name="frame">The frame. Borrowed: its body is valid until the next call.</param>
    /// <returns>NeedMore when all of <paramref name="bytes"/> is taken and no frame is complete.</returns>
    public ReadResult TryNext(ref ReadOnlySpan<byte> bytes, out ControlFrame frame)
    {
        if (_problem is not null)
        {
            frame = new ControlFrame(_problem);
            return ReadResult.Error;
        }
        ReadResult result = _count == 0 ? ReadInPlace(ref bytes, out frame) : ReadBuffered(ref bytes, out frame);
        if (result == ReadResult.Error)
            _problem = frame.Problem;
        return result;
    }

    // Most pieces begin with a frame and hold it whole: no copy then.
    private ReadResult ReadInPlace(ref ReadOnlySpan<byte> bytes, out ControlFrame frame)
    {
        ReadResult result = ControlReader.TryRead(bytes, out frame, out int consumed);
        bytes = bytes[consumed..];
        if (result == ReadResult.NeedMore)
            Take(ref bytes, bytes.Length);
        return result;
    }

    private ReadResult ReadBuffered(ref ReadOnlySpan<byte> bytes, out ControlFrame frame)
    {
        // An incomplete frame is shorter than MaxFrame, so there is always room for its rest.
        Take(ref bytes, Math.Min(bytes.Length, ControlLimits.MaxFrame - _count));
        ReadResult result = ControlReader.TryRead(_buffer.AsSpan(_start, _count), out frame, out int consumed);
        _start += consumed;
        _count -= consumed;
        return result;
    }

    private void Take(ref ReadOnlySpan<byte> bytes, int taken)
    {
        if (_start + _count + taken > _buffer.Length)
            MakeRoom(_count + taken);
        bytes[..taken].CopyTo(_buffer.AsSpan(_start + _count));
        _count += taken;
        bytes = bytes[taken..];
    }

    private void MakeRoom(int needed)
    {
        byte[] buffer = _buffer;
        if (needed > buffer.Length)
        {
            int size = Math.Max(Math.Max(FirstBuffer, needed), buffer.Length * 2);
            buffer = new byte[Math.Min(size, ControlLimits.MaxFrame)];
        }
        _buffer.AsSpan(_start, _count).CopyTo(buffer);
        _buffer = buffer;
        _start = 0;
    }
}
