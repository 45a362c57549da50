using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What one connection's control stream brought: cut into messages, and kept while the peer is over its share.</summary>
internal sealed class ControlIntake
{
    /// <summary>Most bytes that may wait: as much as a transport takes from a peer before it is read.</summary>
    public const int MaxWaiting = 65_536;

    private byte[] _waiting = [];
    private int _count;

    /// <summary>Cuts the stream into messages.</summary>
    public ControlFramer Framer { get; } = new();

    /// <summary>Whether messages may lie here that nobody has read, because the peer was over its share.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>When a message that has begun must be complete.</summary>
    public Instant Deadline { get; private set; } = Instant.Never;

    /// <summary>Everything that can be read now is read.</summary>
    /// <param name="anyMessage">Whether a message ended in what was read: then an incomplete one has begun just now.</param>
    /// <param name="now">The time.</param>
    public void OnRead(bool anyMessage, Instant now)
    {
        IsWaiting = false;
        if (Framer.Held == 0)
            Deadline = Instant.Never;
        else if (anyMessage || Deadline == Instant.Never)
            Deadline = now + SessionTimes.MessageTimeout;
    }

    /// <summary>Keeps bytes until the peer is within its share again.</summary>
    /// <returns>False when that would be too many.</returns>
    public bool TryKeep(ReadOnlySpan<byte> bytes)
    {
        IsWaiting = true;
        Deadline = Instant.Never; // it is we who let it wait
        if (_count + bytes.Length > MaxWaiting)
            return false;
        if (_count + bytes.Length > _waiting.Length)
            Array.Resize(ref _waiting, Math.Min(MaxWaiting, Math.Max(_count + bytes.Length, 2 * _waiting.Length)));
        bytes.CopyTo(_waiting.AsSpan(_count));
        _count += bytes.Length;
        return true;
    }

    /// <summary>Hands out what was kept, which is forgotten here.</summary>
    public byte[] TakeWaiting()
    {
        byte[] bytes = _waiting[.._count];
        _waiting = [];
        _count = 0;
        return bytes;
    }
}
