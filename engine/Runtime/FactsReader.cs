using VibePN.Engine.Node;

namespace VibePN.Engine.Runtime;

/// <summary>Asks the control thread for the node's facts: once for all instruments that are read together.</summary>
/// <param name="loop">The control thread.</param>
/// <param name="plane">The node, on that thread; null until it has begun.</param>
/// <param name="time">The clock.</param>
/// <remarks>Any thread but the control thread. While that one is busy, the last facts stand.</remarks>
internal sealed class FactsReader(ControlLoop loop, Func<ControlPlane?> plane, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _reading = new();
    private NodeFacts _facts = NodeFacts.None;
    private Task<NodeFacts>? _asked;
    private long? _readAt;

    /// <summary>The facts of about now.</summary>
    public NodeFacts Read()
    {
        lock (_reading)
        {
            if (_readAt is { } at && time.GetElapsedTime(at) < Fresh)
                return _facts;
            // One question at a time: a thread that hangs must not find a heap of them.
            _asked ??= loop.InvokeAsync(
                _ => plane() is { } node ? NodeFacts.Of(node) : NodeFacts.None, CancellationToken.None);
            if (Task.WaitAny([_asked], Patience) == 0)
            {
                // A failed one is the engine's end, whose last facts stand.
                if (_asked.IsCompletedSuccessfully)
                    _facts = _asked.Result;
                _asked = null;
            }
            _readAt = time.GetTimestamp();
            return _facts;
        }
    }
}
