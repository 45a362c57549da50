using System.Net;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>One end of a connection between two <see cref="MemoryTransport"/>s.</summary>
public sealed class MemoryConnection : ITransportConnection
{
    private const int ControlQueueBytes = 65_536;
    private const int PacketQueue = 4_096;
    private static long s_lastId;

    private readonly MemoryTransport _transport;
    private readonly Lock _lock = new();
    private MemoryConnection? _other;
    private bool _closed;
    private bool _cut;
    private int _controlBytes;
    private int _packets;
    private long _sent;
    private long _received;

    internal MemoryConnection(MemoryTransport transport, ConnectionRole role, Fingerprint peer, IPEndPoint remote)
    {
        _transport = transport;
        Role = role;
        Peer = peer;
        Path = new PathFacts(remote, TimeSpan.FromMilliseconds(1), 0, 1_421, 1_452);
    }

    /// <inheritdoc/>
    public long Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <inheritdoc/>
    public ConnectionRole Role { get; }

    /// <inheritdoc/>
    public Fingerprint Peer { get; }

    /// <inheritdoc/>
    public required string Protocol { get; init; }

    /// <inheritdoc/>
    public PathFacts Path { get; }

    /// <inheritdoc/>
    public required ReadOnlyMemory<byte> ChannelBinding { get; init; }

    /// <inheritdoc/>
    public bool SendControl(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        lock (_lock)
        {
            if (_closed || _controlBytes + copy.Length > ControlQueueBytes)
                return false;
            _controlBytes += copy.Length;
            Deliver((other, events) =>
            {
                lock (_lock)
                    _controlBytes -= copy.Length;
                events.OnControl(other, copy);
            });
            return true;
        }
    }

    /// <inheritdoc/>
    public SendResult Send(PacketBatch batch, int first, int count)
    {
        ArgumentNullException.ThrowIfNull(batch);
        lock (_lock)
        {
            for (int i = 0; i < count; i++)
            {
                DropReason refusal = _closed ? DropReason.ConnectionClosed
                    : batch.LengthOf(first + i) > Path.MaxPacketBytes ? DropReason.TooBig
                    : _packets >= PacketQueue ? DropReason.QueueFull : DropReason.None;
                if (refusal != DropReason.None)
                    return new SendResult(i, refusal);
                SendOne(batch.Packet(first + i).ToArray(), batch.NetworkOf(first + i));
            }
        }
        return new SendResult(count, DropReason.None);
    }

    /// <inheritdoc/>
    public void Close(CloseReason reason)
    {
        if (!TryEnd())
            return;
        // Behind everything sent so far, as the control queue is still delivered.
        Deliver((other, _) => other.EndByPeer(reason));
        _transport.Post(events => Ended(events, reason));
    }

    /// <summary>The path breaks for good and nobody is told: what is sent from now on is lost.</summary>
    public void Cut()
    {
        _cut = true;
        if (_other is { } other)
            other._cut = true;
    }

    /// <summary>Both ends hear that the connection is gone.</summary>
    public void Break()
    {
        var reason = new CloseReason(CloseCode.IdleTimeout, "broken");
        foreach (MemoryConnection end in new[] { this, _other! })
        {
            if (end.TryEnd())
                end._transport.Post(events => end.Ended(events, reason));
        }
    }

    /// <inheritdoc/>
    public ConnectionStatistics GetStatistics() =>
        new(Interlocked.Read(ref _sent), 0, Interlocked.Read(ref _received), 0, 0, 0, 0);

    internal void Join(MemoryConnection other)
    {
        (_other, other._other) = (other, this);
    }

    private void SendOne(byte[] packet, ushort network)
    {
        _packets++;
        Interlocked.Increment(ref _sent);
        Deliver((other, events) =>
        {
            lock (_lock)
                _packets--;
            if (_transport.Wire.Loses(packet))
                return;
            using var batch = new PacketBatch(1, 65_536 + 512);
            batch.TryAdd(packet, network);
            Interlocked.Increment(ref other._received);
            events.OnPackets(other, batch);
        });
    }

    /// <summary>Calls the other end, on its thread, in order, and never before it is connected or after it has closed.</summary>
    private void Deliver(Action<MemoryConnection, ITransportEvents> call)
    {
        MemoryConnection other = _other!;
        if (_cut)
            return;
        other._transport.Post(Call);

        void Call(ITransportEvents events)
        {
            if (!other._cut && !other.IsClosed)
                call(other, events);
        }
    }

    private bool IsClosed
    {
        get
        {
            lock (_lock)
                return _closed;
        }
    }

    private void EndByPeer(CloseReason reason)
    {
        if (TryEnd())
            _transport.Post(events => Ended(events, reason with { ByPeer = true }));
    }

    private bool TryEnd()
    {
        lock (_lock)
        {
            bool first = !_closed;
            _closed = true;
            return first;
        }
    }

    private void Ended(ITransportEvents events, CloseReason reason)
    {
        _transport.Forget(this);
        events.OnClosed(this, reason);
    }
}
