namespace VibePN.Engine.Control;

/// <summary>One frame of the control stream, its size already checked against its type.</summary>
/// <param name="type">The message; for a skipped frame the unknown number.</param>
/// <param name="body">The bytes after the type. Borrowed from the reader's source.</param>
internal readonly ref struct ControlFrame(ControlType type, ReadOnlySpan<byte> body)
{
    private readonly string? _problem;

    /// <summary>A frame that must end the session.</summary>
    /// <param name="problem">What is wrong with it, one of <see cref="ControlProblem"/>.</param>
    public ControlFrame(string problem) : this(ControlType.None, default) => _problem = problem;

    /// <summary>The message; for a skipped frame the unknown number.</summary>
    public ControlType Type { get; } = type;

    /// <summary>The bytes after the type. Borrowed from the reader's source.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>What is wrong, when the reader answered <see cref="ReadResult.Error"/>; empty otherwise.</summary>
    public string Problem => _problem ?? "";
}

/// <summary>What the reader found at the front of its source.</summary>
internal enum ReadResult
{
    /// <summary>The frame is not complete yet; nothing was consumed.</summary>
    NeedMore = 0,

    /// <summary>A frame of a known type.</summary>
    Frame = 1,

    /// <summary>A frame of an unknown, optional type: pass over it.</summary>
    Skip = 2,

    /// <summary>Not our protocol: the session has to end. The frame's problem says why.</summary>
    Error = 3,
}
