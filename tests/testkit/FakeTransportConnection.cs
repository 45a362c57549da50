using System.Net;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>A connection without a wire: tests look at what was sent and choose what is refused.</summary>
public sealed class FakeTransportConnection : ITransportConnection
{
    private static long s_lastId;

    private readonly Lock _lock = new();
    private readonly List<SentPacket> _sent = [];
    private readonly List<int> _sendRuns = [];
    private readonly List<byte> _control = [];

    /// <summary>A packet that Send took.</summary>
    /// <param name="Network">The slot's network number.</param>
    /// <param name="Bytes">A copy of the packet.</param>
    public sealed record SentPacket(ushort Network, byte[] Bytes);

    /// <inheritdoc/>
    public long Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <inheritdoc/>
    public ConnectionRole Role { get; init; }

    /// <inheritdoc/>
    public Fingerprint Peer { get; init; }

    /// <inheritdoc/>
    public string Protocol { get; init; } = "vibepn/1";

    /// <inheritdoc/>
    public PathFacts Path { get; set; } = new(new IPEndPoint(IPAddress.Loopback, 51820), TimeSpan.Zero, 0, 1421, 1452);

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ChannelBinding { get; init; }

    /// <summary>False for tests that count allocations: Send then only counts.</summary>
    public bool Records { get; init; } = true;

    /// <summary>Why a packet is refused; <see cref="DropReason.None"/> takes it. Takes all by default.</summary>
    public Func<byte[], DropReason>? Refuses { get; set; }

    /// <summary>Packets that Send took so far.</summary>
    public int SentCount { get; private set; }

    /// <summary>Why the connection was closed from our side, or null.</summary>
    public CloseReason? Closed { get; private set; }

    /// <summary>Whether the control queue is full.</summary>
    public bool ControlFull { get; set; }

    /// <summary>Copies of the packets that Send took, in order.</summary>
    public IReadOnlyList<SentPacket> Sent
    {
        get
        {
            lock (_lock)
                return [.. _sent];
        }
    }

    /// <summary>How many packets each Send was given, in order.</summary>
    public IReadOnlyList<int> SendRuns
    {
        get
        {
            lock (_lock)
                return [.. _sendRuns];
        }
    }

    /// <summary>Takes the control bytes sent since the last call.</summary>
    public byte[] TakeControl()
    {
        lock (_lock)
        {
            byte[] bytes = [.. _control];
            _control.Clear();
            return bytes;
        }
    }

    /// <inheritdoc/>
    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (ControlFull || Closed is not null)
                return false;
            _control.AddRange(bytes);
            return true;
        }
    }

    /// <inheritdoc/>
    public SendResult Send(PacketBatch batch, int first, int count)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (Closed is not null)
            return new SendResult(0, DropReason.ConnectionClosed);
        if (!Records)
        {
            SentCount += count;
            return new SendResult(count, DropReason.None);
        }
        lock (_lock)
        {
            _sendRuns.Add(count);
            for (int i = 0; i < count; i++)
            {
                byte[] packet = batch.Packet(first + i).ToArray();
                DropReason refusal = Refuses?.Invoke(packet) ?? DropReason.None;
                if (refusal != DropReason.None)
                    return new SendResult(i, refusal);
                _sent.Add(new SentPacket(batch.NetworkOf(first + i), packet));
                SentCount++;
            }
            return new SendResult(count, DropReason.None);
        }
    }

    /// <inheritdoc/>
    public void Close(CloseReason reason) => Closed ??= reason;

    /// <inheritdoc/>
    public ConnectionStatistics GetStatistics() => new(SentCount, 0, 0, 0, 0, 0, 0);
}
