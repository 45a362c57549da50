using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Threading.Channels;
using VibePN.Contracts;
using VibePN.Engine.Packets;
using VibePN.Engine.Time;

namespace VibePN.Engine.Forwarding;

/// <summary>Keeps echo answers from the kernel that are for this node's own questions. One for each network.</summary>
/// <remarks>
/// Packet threads ask it about ICMP only, and while nobody pings that is one read. An answer is ours when it has our
/// identifier and begins with the run's token, which nobody can know who has not got the question: the pings of
/// programs on this machine pass.
/// </remarks>
internal sealed class EchoDesk
{
    /// <summary>The identifier of all questions of the daemon's.</summary>
    public const ushort Identifier = 0x5650;

    /// <summary>Bytes of a token.</summary>
    public const int TokenBytes = 8;

    private ImmutableArray<EchoRun> _runs = [];

    /// <summary>Waits for a run's answers.</summary>
    public void Add(EchoRun run) => ImmutableInterlocked.Update(ref _runs, static (runs, run) => runs.Add(run), run);

    /// <summary>Waits no longer.</summary>
    public void Remove(EchoRun run) => ImmutableInterlocked.Update(ref _runs, static (runs, run) => runs.Remove(run), run);

    /// <summary>Takes a packet from a peer if it answers one of our questions.</summary>
    public bool TryTake(ReadOnlySpan<byte> packet, in PacketKey key, in IpFacts facts, Fingerprint peer)
    {
        ImmutableArray<EchoRun> runs = _runs;
        if (runs.IsEmpty || !IcmpEcho.TryReadAnswer(packet, key, facts, out EchoMessage answer)
            || answer.Identifier != Identifier || answer.Payload.Length < TokenBytes)
            return false;
        ulong token = BinaryPrimitives.ReadUInt64BigEndian(answer.Payload);
        foreach (EchoRun run in runs)
        {
            if (run.Token != token)
                continue;
            run.OnAnswer(answer, key.Source, packet.Length - facts.TransportOffset, peer);
            return true;
        }
        return false;
    }
}

/// <summary>Questions that belong together, and the answers that have come.</summary>
/// <param name="token">What the payload begins with.</param>
/// <param name="clock">Tells when an answer came.</param>
internal sealed class EchoRun(ulong token, Func<Instant> clock)
{
    // More than anybody asks before reading the answers; what a peer repeats beyond that is dropped.
    private readonly Channel<EchoAnswer> _answers = Channel.CreateBounded<EchoAnswer>(
        new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>What the payload begins with.</summary>
    public ulong Token { get; } = token;

    /// <summary>The answers, as they come.</summary>
    public ChannelReader<EchoAnswer> Answers => _answers.Reader;

    /// <summary>An answer has come. Any thread.</summary>
    public void OnAnswer(in EchoMessage answer, IpAddress from, int bytes, Fingerprint peer) =>
        _answers.Writer.TryWrite(new EchoAnswer(answer.Sequence, from, bytes, answer.HopLimit, peer, clock()));
}

/// <summary>An answer to one of our questions.</summary>
/// <param name="Sequence">To which.</param>
/// <param name="From">Who answered.</param>
/// <param name="Bytes">Bytes of the ICMP message.</param>
/// <param name="HopLimit">What is left of the hop limit.</param>
/// <param name="Peer">The peer that it came through.</param>
/// <param name="At">When.</param>
internal readonly record struct EchoAnswer(ushort Sequence, IpAddress From, int Bytes, byte HopLimit, Fingerprint Peer, Instant At);
