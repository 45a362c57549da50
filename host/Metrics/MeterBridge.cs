using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Prometheus;

namespace VibePN.Host.Metrics;

/// <summary>Publishes the instruments of all meters named <c>vibepn*</c> in a Prometheus registry.</summary>
/// <remarks>
/// The library's own adapter keeps instruments for ever, which would keep plugins' code in memory, and exports
/// counters as gauges. Measurements may come on any thread.
/// </remarks>
internal sealed class MeterBridge : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly MetricFactory _factory;
    private readonly Lock _collecting = new();
    private readonly ConcurrentDictionary<InstrumentBridge, bool> _observed = new();

    /// <summary>Begins to listen; instruments that exist already are published as well.</summary>
    public MeterBridge(CollectorRegistry registry)
    {
        _factory = Prometheus.Metrics.WithCustomRegistry(registry);
        _listener.InstrumentPublished = OnPublished;
        _listener.MeasurementsCompleted = (_, state) => OnCompleted(state as InstrumentBridge);
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record(state, (double)value, tags));
        _listener.Start();
        registry.AddBeforeCollectCallback(Observe);
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => _listener.Dispose();

    private static void Record(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        (state as InstrumentBridge)?.Record(value, tags);

    private void OnPublished(Instrument instrument, MeterListener listener)
    {
        if (instrument.Meter.Name != "vibepn" && !instrument.Meter.Name.StartsWith("vibepn.", StringComparison.Ordinal))
            return;
        var bridge = new InstrumentBridge(instrument, _factory);
        if (bridge.IsObservable)
            _observed[bridge] = true;
        listener.EnableMeasurementEvents(instrument, bridge);
    }

    private void OnCompleted(InstrumentBridge? bridge)
    {
        if (bridge is null)
            return;
        _observed.TryRemove(bridge, out _);
        bridge.Withdraw();
    }

    private void Observe()
    {
        lock (_collecting) // two may ask at once
        {
            InstrumentBridge[] asked = [.. _observed.Keys];
            foreach (InstrumentBridge bridge in asked)
                bridge.BeginRound();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // A plugin's callback threw: its own metric misses a value, and the others stand.
            }
            foreach (InstrumentBridge bridge in asked)
                bridge.EndRound();
        }
    }
}
