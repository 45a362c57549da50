using System.Diagnostics.Metrics;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Totals since start. Written by the loop's thread, read by any.</summary>
internal sealed class TransportCounters
{
    private long _connections;
    private long _halfOpen;
    private long _completed;
    private long _refused;
    private long _failed;
    private long _abandoned;
    private long _unroutable;
    private long _tooMany;
    private long _full;
    private long _strays;
    private long _movesRefused;
    private long _retries;
    private long _resets;
    private long _datagramsOut;
    private long _runs;
    private long _datagramsIn;
    private long _gsoSockets;
    private long _known;
    private long _keyUpdates;
    private long _blackHoles;

    public ref long Connections => ref _connections;
    public ref long HalfOpen => ref _halfOpen;
    public ref long Completed => ref _completed;
    public ref long Refused => ref _refused;
    public ref long Failed => ref _failed;

    /// <summary>Handshakes that the dialling end gave up because another address was faster, or because it stops.</summary>
    public ref long Abandoned => ref _abandoned;
    public ref long Unroutable => ref _unroutable;

    /// <summary>First packets dropped because their source begins too many handshakes.</summary>
    public ref long TooMany => ref _tooMany;

    /// <summary>First packets dropped because there are too many connections or handshakes.</summary>
    public ref long Full => ref _full;

    /// <summary>Datagrams of a dialled connection that came from an address other than the dialled one.</summary>
    public ref long Strays => ref _strays;

    /// <summary>Datagrams from new addresses of a peer that changes its address too often.</summary>
    public ref long MovesRefused => ref _movesRefused;

    public ref long Retries => ref _retries;
    public ref long Resets => ref _resets;
    public ref long DatagramsOut => ref _datagramsOut;
    public ref long Runs => ref _runs;
    public ref long DatagramsIn => ref _datagramsIn;
    public ref long GsoSockets => ref _gsoSockets;
    public ref long KeyUpdates => ref _keyUpdates;

    /// <summary>Paths that were found to swallow large packets.</summary>
    public ref long BlackHoles => ref _blackHoles;

    /// <summary>Connections with those that are over and only recognise late packets.</summary>
    public ref long Known => ref _known;

    /// <summary>Publishes them on the host's meter.</summary>
    public void Publish(Meter meter)
    {
        meter.CreateObservableGauge(
            "quic.connections", () => Volatile.Read(ref _connections), null, "Connections, handshakes included.");
        meter.CreateObservableGauge(
            "quic.handshakes.open", () => Volatile.Read(ref _halfOpen), null, "Handshakes that others began.");
        meter.CreateObservableCounter("quic.handshakes", Handshakes, null, "Handshakes by result.");
        meter.CreateObservableCounter(
            "quic.datagrams.unroutable", () => Volatile.Read(ref _unroutable), null, "UDP datagrams of no connection.");
        meter.CreateObservableCounter("quic.datagrams.strayed", Strayed, null, "Datagrams from unexpected addresses.");
        meter.CreateObservableCounter("quic.initials.dropped", Dropped, null, "First packets dropped, by reason.");
        meter.CreateObservableCounter(
            "quic.retries", () => Volatile.Read(ref _retries), null, "Retry packets sent.");
        meter.CreateObservableCounter(
            "quic.resets", () => Volatile.Read(ref _resets), null, "Stateless resets sent.");
        meter.CreateObservableCounter(
            "quic.datagrams.sent", () => Volatile.Read(ref _datagramsOut), null, "UDP datagrams sent.");
        meter.CreateObservableCounter(
            "quic.datagrams.received", () => Volatile.Read(ref _datagramsIn), null, "UDP datagrams received.");
        meter.CreateObservableCounter(
            "quic.gso.runs", () => Volatile.Read(ref _runs), null, "Messages of several equal datagrams sent.");
        meter.CreateObservableCounter(
            "quic.key.updates", () => Volatile.Read(ref _keyUpdates), null, "Key changes that this end began.");
        meter.CreateObservableCounter(
            "quic.path.black.holes", () => Volatile.Read(ref _blackHoles), null, "Paths found to swallow large packets.");
        meter.CreateObservableGauge(
            "quic.gso.sockets", () => Volatile.Read(ref _gsoSockets), null, "Sockets that use segmentation offload.");
    }

    private IEnumerable<Measurement<long>> Dropped() =>
    [
        new(Volatile.Read(ref _tooMany), new KeyValuePair<string, object?>("reason", "source")),
        new(Volatile.Read(ref _full), new KeyValuePair<string, object?>("reason", "full")),
    ];

    private IEnumerable<Measurement<long>> Strayed() =>
    [
        new(Volatile.Read(ref _strays), new KeyValuePair<string, object?>("reason", "responder")),
        new(Volatile.Read(ref _movesRefused), new KeyValuePair<string, object?>("reason", "rate")),
    ];

    private IEnumerable<Measurement<long>> Handshakes() =>
    [
        new(Volatile.Read(ref _completed), new KeyValuePair<string, object?>("result", "completed")),
        new(Volatile.Read(ref _refused), new KeyValuePair<string, object?>("result", "refused")),
        new(Volatile.Read(ref _failed), new KeyValuePair<string, object?>("result", "failed")),
        new(Volatile.Read(ref _abandoned), new KeyValuePair<string, object?>("result", "abandoned")),
    ];
}
