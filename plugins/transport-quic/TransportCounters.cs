using System.Diagnostics.Metrics;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Totals of one loop since start. Written by the loop's thread, read by any.</summary>
internal sealed class TransportCounters
{
    private const int Values = 23;

    // On both sides: loops that count do not meet in a cache line.
    private const int Margin = 8;

    private readonly long[] _values = new long[Margin + Values + Margin];

    /// <summary>Datagrams that another loop's connection was meant by.</summary>
    public ref long HandedOver => ref _values[Margin + 20];

    /// <summary>Turns of the loop: every one wakes it, or follows work left over.</summary>
    public ref long Turns => ref _values[Margin + 21];

    /// <summary>Pauses in which datagrams gathered.</summary>
    public ref long Pauses => ref _values[Margin + 22];

    /// <summary>The totals of several loops.</summary>
    public static TransportCounters Sum(IReadOnlyList<TransportCounters> loops)
    {
        var sum = new TransportCounters();
        foreach (TransportCounters loop in loops)
        {
            for (int i = Margin; i < Margin + Values; i++)
                sum._values[i] += Volatile.Read(ref loop._values[i]);
        }
        return sum;
    }

    public ref long Connections => ref _values[Margin + 0];
    public ref long HalfOpen => ref _values[Margin + 1];
    public ref long Completed => ref _values[Margin + 2];
    public ref long Refused => ref _values[Margin + 3];
    public ref long Failed => ref _values[Margin + 4];

    /// <summary>Handshakes that the dialling end gave up because another address was faster, or because it stops.</summary>
    public ref long Abandoned => ref _values[Margin + 5];
    public ref long Unroutable => ref _values[Margin + 6];

    /// <summary>First packets dropped because their source begins too many handshakes.</summary>
    public ref long TooMany => ref _values[Margin + 7];

    /// <summary>First packets dropped because there are too many connections or handshakes.</summary>
    public ref long Full => ref _values[Margin + 8];

    /// <summary>Datagrams of a dialled connection that came from an address other than the dialled one.</summary>
    public ref long Strays => ref _values[Margin + 9];

    /// <summary>Datagrams from new addresses of a peer that changes its address too often.</summary>
    public ref long MovesRefused => ref _values[Margin + 10];

    public ref long Retries => ref _values[Margin + 11];
    public ref long Resets => ref _values[Margin + 12];
    public ref long DatagramsOut => ref _values[Margin + 13];
    public ref long Runs => ref _values[Margin + 14];
    public ref long DatagramsIn => ref _values[Margin + 15];
    public ref long GsoSockets => ref _values[Margin + 16];
    public ref long KeyUpdates => ref _values[Margin + 17];

    /// <summary>Paths that were found to swallow large packets.</summary>
    public ref long BlackHoles => ref _values[Margin + 18];

    /// <summary>Connections with those that are over and only recognise late packets.</summary>
    public ref long Known => ref _values[Margin + 19];

    /// <summary>Publishes them on the host's meter.</summary>
    /// <param name="meter">The host's.</param>
    /// <param name="now">The totals now.</param>
    public static void Publish(Meter meter, Func<TransportCounters> now)
    {
        meter.CreateObservableGauge(
            "quic.connections", () => now().Connections, null, "Connections, handshakes included.");
        meter.CreateObservableGauge(
            "quic.handshakes.open", () => now().HalfOpen, null, "Handshakes that others began.");
        meter.CreateObservableCounter("quic.handshakes", () => now().ByResult(), null, "Handshakes by result.");
        meter.CreateObservableCounter(
            "quic.datagrams.unroutable", () => now().Unroutable, null, "UDP datagrams of no connection.");
        meter.CreateObservableCounter("quic.datagrams.strayed", () => now().ByStray(), null, "Datagrams from unexpected addresses.");
        meter.CreateObservableCounter("quic.initials.dropped", () => now().ByDrop(), null, "First packets dropped, by reason.");
        meter.CreateObservableCounter(
            "quic.retries", () => now().Retries, null, "Retry packets sent.");
        meter.CreateObservableCounter(
            "quic.resets", () => now().Resets, null, "Stateless resets sent.");
        meter.CreateObservableCounter(
            "quic.datagrams.sent", () => now().DatagramsOut, null, "UDP datagrams sent.");
        meter.CreateObservableCounter(
            "quic.datagrams.received", () => now().DatagramsIn, null, "UDP datagrams received.");
        meter.CreateObservableCounter(
            "quic.datagrams.handed.over", () => now().HandedOver, null, "Datagrams received by another loop than their connection's.");
        meter.CreateObservableCounter(
            "quic.loop.turns", () => now().Turns, null, "Turns of the transport's loops.");
        meter.CreateObservableCounter(
            "quic.loop.pauses", () => now().Pauses, null, "Pauses in which datagrams gathered (rx_usecs).");
        meter.CreateObservableCounter(
            "quic.gso.runs", () => now().Runs, null, "Messages of several equal datagrams sent.");
        meter.CreateObservableCounter(
            "quic.key.updates", () => now().KeyUpdates, null, "Key changes that this end began.");
        meter.CreateObservableCounter(
            "quic.path.black.holes", () => now().BlackHoles, null, "Paths found to swallow large packets.");
        meter.CreateObservableGauge(
            "quic.gso.sockets", () => now().GsoSockets, null, "Sockets that use segmentation offload.");
    }

    private IEnumerable<Measurement<long>> ByDrop() =>
    [
        new(TooMany, new KeyValuePair<string, object?>("reason", "source")),
        new(Full, new KeyValuePair<string, object?>("reason", "full")),
    ];

    private IEnumerable<Measurement<long>> ByStray() =>
    [
        new(Strays, new KeyValuePair<string, object?>("reason", "responder")),
        new(MovesRefused, new KeyValuePair<string, object?>("reason", "rate")),
    ];

    private IEnumerable<Measurement<long>> ByResult() =>
    [
        new(Completed, new KeyValuePair<string, object?>("result", "completed")),
        new(Refused, new KeyValuePair<string, object?>("result", "refused")),
        new(Failed, new KeyValuePair<string, object?>("result", "failed")),
        new(Abandoned, new KeyValuePair<string, object?>("result", "abandoned")),
    ];
}
