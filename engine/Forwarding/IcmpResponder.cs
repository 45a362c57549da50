using VibePN.Contracts;
using VibePN.Engine.Packets;
using VibePN.Engine.Time;

namespace VibePN.Engine.Forwarding;

/// <summary>Answers packets that went nowhere with ICMP errors, into the device they came from, at a bounded rate.</summary>
/// <remarks>
/// Owned by the device's reader thread. The two kinds have a rate each, so that a scan of unreachable addresses
/// cannot starve path-MTU discovery.
/// </remarks>
internal sealed class IcmpResponder : IDisposable
{
    private const int PerSecond = 100;
    private const int Burst = 50;

    private readonly NetworkPort _network;
    private readonly Func<Instant> _now;
    private readonly PacketBatch _answer = new(capacity: 1, arenaBytes: 4096);
    private TokenBucket _tooBig;
    private TokenBucket _unreachable;

    /// <summary>A responder with full buckets.</summary>
    /// <param name="network">Where the answers are written.</param>
    /// <param name="now">The clock.</param>
    public IcmpResponder(NetworkPort network, Func<Instant> now)
    {
        _network = network;
        _now = now;
        _tooBig = new TokenBucket(PerSecond, Burst, now());
        _unreachable = new TokenBucket(PerSecond, Burst, now());
    }

    /// <summary>Says what does fit.</summary>
    public void AnswerTooBig(ReadOnlySpan<byte> offending, int mtu)
    {
        if (_tooBig.TryTake(_now()) && TryReserve(offending, out IpAddress from, out Span<byte> answer)
            && IcmpAnswers.TryBuildTooBig(offending, mtu, from, answer, out int length))
            Write(length);
    }

    /// <summary>Says that nobody is there.</summary>
    public void AnswerUnreachable(ReadOnlySpan<byte> offending, UnreachableCause cause)
    {
        if (_unreachable.TryTake(_now()) && TryReserve(offending, out IpAddress from, out Span<byte> answer)
            && IcmpAnswers.TryBuildUnreachable(offending, cause, from, answer, out int length))
            Write(length);
    }

    /// <summary>Frees the answer's memory.</summary>
    public void Dispose() => _answer.Dispose();

    // The answer names the unreachable host itself as its source. An own address would be the natural one, but Linux
    // drops packets that arrive from outside with a source of its own ("martian"); the destination also passes a
    // strict reverse-path filter, since the kernel just routed to it through this device.
    private bool TryReserve(ReadOnlySpan<byte> offending, out IpAddress from, out Span<byte> answer)
    {
        _answer.Clear();
        answer = default;
        bool parsed = IpPacket.TryParse(offending, out PacketKey key, out _);
        from = key.Destination;
        return parsed && _answer.TryReserve(IcmpAnswers.MaxAnswer, out answer);
    }

    private void Write(int length)
    {
        _answer.Commit(length);
        if (_network.Write(_answer, 0, 1) == 0)
            _network.SentDrops.Add(DropReason.DeviceRefused);
    }
}
