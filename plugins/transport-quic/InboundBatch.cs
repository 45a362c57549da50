using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// Inner packets of one receive burst on their way to the engine; one batch for all connections of a loop.
/// </summary>
/// <remarks>Belongs to the loop's thread. Nothing allocates after construction.</remarks>
internal sealed class InboundBatch(ITransportEvents events) : IDisposable
{
    // Where the checksum lies is for the engine to find out.
    private static readonly PacketOffload s_partial = new(OffloadKind.None, 0, ChecksumState.Partial, 0, 0);

    private const int Slots = 4096;
    private const int ArenaBytes = 2 * 1024 * 1024;

    private readonly PacketBatch _batch = new(Slots, ArenaBytes);
    private QuicConnection? _owner;
    private bool _delivered;

    /// <summary>Takes what one datagram carried.</summary>
    /// <param name="owner">The connection it came over; packets of another one are delivered first.</param>
    /// <param name="payload">What stood behind the header.</param>
    /// <param name="halves">Where halves wait for each other.</param>
    /// <returns>Bytes of the inner packet that is complete with it; 0 for none.</returns>
    public int Add(QuicConnection owner, in DatagramHeader header, ReadOnlySpan<byte> payload, HalfTable halves)
    {
        if (!ReferenceEquals(owner, _owner))
            Flush();
        bool whole = header.Part == DatagramPart.Whole;
        int room = whole ? payload.Length : 2 * payload.Length + 1;
        if (!_batch.TryReserve(room, out Span<byte> buffer))
        {
            Flush();
            if (!_batch.TryReserve(room, out buffer))
                return 0;
        }
        int length = payload.Length;
        if (whole)
            payload.CopyTo(buffer);
        else
            length = halves.Add(header, payload, buffer);
        if (length == 0)
            return 0;
        _owner = owner;
        _batch.Commit(length, (ushort)header.Network, header.IsPartial ? s_partial : default);
        return length;
    }

    /// <summary>Delivers what is there.</summary>
    public void Flush()
    {
        QuicConnection? owner = _owner;
        _owner = null;
        if (owner is null)
            return;
        _delivered = true;
        try
        {
            events.OnPackets(owner, _batch);
        }
        finally
        {
            _batch.Clear();
        }
    }

    /// <summary>Whether anything has been delivered since the last call.</summary>
    public bool TakeDelivered()
    {
        bool delivered = _delivered;
        _delivered = false;
        return delivered;
    }

    public void Dispose() => _batch.Dispose();
}
