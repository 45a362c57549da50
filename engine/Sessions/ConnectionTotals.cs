using VibePN.Contracts;

namespace VibePN.Engine.Sessions;

/// <summary>Sums of connections' counters: a peer outlives its connections.</summary>
internal static class ConnectionTotals
{
    /// <summary>Both together.</summary>
    public static ConnectionStatistics And(this ConnectionStatistics one, ConnectionStatistics other) => new(
        one.PacketsSent + other.PacketsSent, one.BytesSent + other.BytesSent,
        one.PacketsReceived + other.PacketsReceived, one.BytesReceived + other.BytesReceived,
        one.PacketsDropped + other.PacketsDropped, one.DatagramsLost + other.DatagramsLost,
        one.QueuedBytes + other.QueuedBytes)
    {
        PacketsMarked = one.PacketsMarked + other.PacketsMarked,
        QueueWait = one.QueueWait + other.QueueWait,
    };
}
