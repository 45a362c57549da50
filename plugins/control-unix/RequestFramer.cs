namespace VibePN.Plugins.ControlUnix;

/// <summary>What the bytes so far amount to.</summary>
internal enum FrameState
{
    /// <summary>The object is not complete.</summary>
    Incomplete,

    /// <summary>A whole object, by its braces; whether it is JSON the parser says.</summary>
    Complete,

    /// <summary>What came first is no object.</summary>
    NotAnObject,

    /// <summary>Nested deeper than allowed.</summary>
    TooDeep,

    /// <summary>An object by its beginning, and no JSON.</summary>
    NotJson,

    /// <summary>Longer than a request may be.</summary>
    TooLong,
}

/// <summary>Finds the end of a JSON object in a stream, looking at every byte once.</summary>
/// <remarks>
/// The end is found by counting brackets outside strings. Neither a newline nor the end of the stream is needed,
/// since old clients send neither.
/// </remarks>
internal struct RequestFramer
{
    /// <summary>Levels of nesting allowed.</summary>
    public const int MaxDepth = 16;

    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>Bytes from the stream's start to the object's end, once complete.</summary>
    public int Length { get; private set; }

    /// <summary>Takes the bytes that came since the last call.</summary>
    public FrameState Feed(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            Length++;
            FrameState state = _inString ? FeedString(value) : FeedStructure(value);
            if (state != FrameState.Incomplete)
                return state;
        }
        return FrameState.Incomplete;
    }

    private FrameState FeedString(byte value)
    {
        // Never legal inside a string; a client that forgot a quote learns of it now and not at the deadline.
        if (value is (byte)'\n')
            return FrameState.NotJson;
        if (_escaped)
            _escaped = false;
        else if (value == '\\')
            _escaped = true;
        else if (value == '"')
            _inString = false;
        return FrameState.Incomplete;
    }

    private FrameState FeedStructure(byte value)
    {
        if (_depth == 0 && value is not ((byte)'{' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
            return FrameState.NotAnObject;
        switch (value)
        {
            case (byte)'"':
                _inString = true;
                break;
            case (byte)'{' or (byte)'[':
                return ++_depth > MaxDepth ? FrameState.TooDeep : FrameState.Incomplete;
            case (byte)'}' or (byte)']':
                return --_depth == 0 ? FrameState.Complete : FrameState.Incomplete;
        }
        return FrameState.Incomplete;
    }
}
