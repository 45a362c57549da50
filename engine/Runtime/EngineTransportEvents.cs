using System.Collections.Concurrent;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Runtime;

/// <summary>Where transports report: packets go straight on, everything else becomes work for the control loop.</summary>
/// <remarks>
/// Control bytes wait in the loop's queue; a peer that sends faster than the loop reads is closed when
/// <see cref="MaxQueuedBytes"/> of its bytes wait, so no peer can grow our memory.
/// </remarks>
internal sealed class EngineTransportEvents(IControlQueue loop, TrustGate gate, ControlPlane plane, InboundPorts ports)
    : ITransportEvents
{
    /// <summary>Control bytes of one connection that may wait for the control loop.</summary>
    public const int MaxQueuedBytes = 262_144;

    // What a piece costs us besides its bytes: else a peer that sends single bytes could make us hold a hundredfold.
    private const int PieceOverhead = 256;

    private readonly ConcurrentDictionary<long, QueuedBytes> _queued = new();

    /// <inheritdoc/>
    public HandshakeVerdict OnHandshake(in HandshakeQuestion question) => gate.Judge(question);

    /// <inheritdoc/>
    public void OnConnected(ITransportConnection connection, long dialId)
    {
        _queued[connection.Id] = new QueuedBytes();
        loop.Post(now => plane.OnConnected(connection, dialId, now));
    }

    /// <inheritdoc/>
    public void OnDialFailed(long dialId, CloseReason reason) => loop.Post(now => plane.OnDialFailed(dialId, reason, now));

    /// <inheritdoc/>
    public void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes)
    {
        if (!_queued.TryGetValue(connection.Id, out QueuedBytes? queued))
            return;
        if (queued.Add(bytes.Length + PieceOverhead) > MaxQueuedBytes)
        {
            connection.Close(new CloseReason(CloseCode.LimitExceeded, "control messages faster than they can be read"));
            return;
        }
        byte[] copy = queued.Copy(bytes);
        loop.Post(now =>
        {
            queued.Add(-copy.Length - PieceOverhead);
            plane.OnControl(connection, copy, now);
            if (Planted.Is(PlantedDefect.ControlHandledTwice))
                plane.OnControl(connection, copy, now);
        });
    }

    /// <inheritdoc/>
    public void OnPackets(ITransportConnection connection, PacketBatch batch) => ports.Process(connection, batch);

    /// <inheritdoc/>
    public void OnPathChanged(ITransportConnection connection, PathFacts path)
    {
        // Path facts are read from the connection when somebody asks: nothing to do now.
    }

    /// <inheritdoc/>
    public void OnClosed(ITransportConnection connection, CloseReason reason)
    {
        _queued.TryRemove(connection.Id, out _);
        ports.Remove(connection);
        loop.Post(now => plane.OnClosed(connection, reason, now));
    }

    private sealed class QueuedBytes
    {
        private int _count;
        private byte[] _reused = [];

        public int Add(int bytes) => Interlocked.Add(ref _count, bytes);

        /// <summary>Keeps bytes that are only borrowed.</summary>
        public byte[] Copy(ReadOnlySpan<byte> bytes)
        {
            byte[] copy = bytes.ToArray();
            if (!Planted.Is(PlantedDefect.ControlBufferReused))
                return copy;
            // The planted defect: pieces of one length share a buffer.
            if (_reused.Length != copy.Length)
                _reused = copy;
            copy.CopyTo(_reused, 0);
            return _reused;
        }
    }
}
