namespace VibePN.Engine.Forwarding;

/// <summary>Packets and bytes that went one way. Any thread; added to once per run, not per packet.</summary>
/// <remarks>The numbers stand in the middle of three cache lines, so that no other object shares theirs.</remarks>
internal sealed class TrafficCounters
{
    private const int Packet = 8;
    private const int Byte = 9;

    private readonly long[] _counts = new long[24];

    /// <summary>Packets so far; a super packet is one.</summary>
    public long Packets => Volatile.Read(ref _counts[Packet]);

    /// <summary>Their bytes.</summary>
    public long Bytes => Volatile.Read(ref _counts[Byte]);

    /// <summary>Counts a run of packets.</summary>
    public void Add(int packets, long bytes)
    {
        Interlocked.Add(ref _counts[Packet], packets);
        Interlocked.Add(ref _counts[Byte], bytes);
    }
}
