using System.Diagnostics.Metrics;
using Prometheus;

namespace VibePN.Host.Metrics;

/// <summary>One instrument on its way into the registry.</summary>
/// <remarks>Holds no reference to the instrument: a plugin's may have to be collected with its code.</remarks>
internal sealed class InstrumentBridge
{
    // What a peer or a network can name must not fill the memory by way of labels.
    private const int MaxSeries = 10_000;

    private static readonly double[] StandardBuckets = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

    private enum Kind
    {
        Sum,
        Total,
        Level,
        Delta,
        Distribution,
    }

    private readonly MetricFactory _factory;
    private readonly Kind _kind;
    private readonly string _name;
    private readonly string _help;
    private readonly double[] _buckets;
    private readonly KeyValuePair<string, string>[] _fixed;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Series> _series = [];
    private long _round;

    /// <summary>Learns what the instrument is.</summary>
    public InstrumentBridge(Instrument instrument, MetricFactory factory)
    {
        _factory = factory;
        IsObservable = instrument.IsObservable;
        _kind = KindOf(instrument);
        _name = MetricName.Of(instrument, _kind is Kind.Sum or Kind.Total);
        _help = string.IsNullOrEmpty(instrument.Description) ? "No description." : instrument.Description;
        _buckets = StandardBuckets;
        if (instrument is Histogram<double> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised })
            _buckets = [.. advised];
        else if (instrument is Histogram<long> { Advice.HistogramBucketBoundaries: { Count: > 0 } whole })
            _buckets = [.. whole.Select(bound => (double)bound)];
        _fixed = [.. (instrument.Meter.Tags ?? []).Select(tag => KeyValuePair.Create(tag.Key, tag.Value?.ToString() ?? ""))];
    }

    /// <summary>Whether the instrument tells all of its series each time it is asked.</summary>
    public bool IsObservable { get; }

    /// <summary>The instrument is about to be asked.</summary>
    public void BeginRound()
    {
        lock (_lock)
            _round++;
    }

    /// <summary>The instrument was asked: a series that it did not tell is no more, such as that of a removed peer.</summary>
    public void EndRound()
    {
        lock (_lock)
        {
            foreach ((string key, Series series) in _series.Where(pair => pair.Value.Round != _round).ToArray())
            {
                _series.Remove(key);
                series.Remove();
            }
        }
    }

    /// <summary>Takes a measurement.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new List<KeyValuePair<string, string>>(_fixed.Length + tags.Length);
        labels.AddRange(_fixed);
        foreach (KeyValuePair<string, object?> tag in tags)
            labels.Add(KeyValuePair.Create(MetricName.Label(tag.Key), tag.Value?.ToString() ?? ""));
        string key = string.Join('\0', labels.Select(label => label.Key + "=" + label.Value));
        Series? series;
        lock (_lock)
        {
            if (!_series.TryGetValue(key, out series))
            {
                if (_series.Count >= MaxSeries)
                    return;
                series = Open(labels);
                _series.Add(key, series);
            }
            series.Round = _round;
        }

        series.Record(value);
    }

    /// <summary>The instrument is gone: takes its series out of the registry.</summary>
    public void Withdraw()
    {
        lock (_lock)
        {
            foreach (Series series in _series.Values)
                series.Remove();
            _series.Clear();
        }
    }

    private static Kind KindOf(Instrument instrument)
    {
        string type = instrument.GetType().Name;
        return type.Split('`')[0] switch
        {
            "Counter" => Kind.Sum,
            "ObservableCounter" => Kind.Total,
            "UpDownCounter" => Kind.Delta,
            "Histogram" => Kind.Distribution,
            _ => Kind.Level,
        };
    }

    private Series Open(List<KeyValuePair<string, string>> labels)
    {
        string[] names = [.. labels.Select(label => label.Key)];
        string[] values = [.. labels.Select(label => label.Value)];
        switch (_kind)
        {
            case Kind.Sum:
                Counter sum = _factory.CreateCounter(_name, _help, names);
                return new Series(value => sum.WithLabels(values).Inc(value), () => sum.RemoveLabelled(values));
            case Kind.Total:
                Counter total = _factory.CreateCounter(_name, _help, names);
                return new Series(value => total.WithLabels(values).IncTo(value), () => total.RemoveLabelled(values));
            case Kind.Distribution:
                Histogram histogram = _factory.CreateHistogram(
                    _name, _help, names, new HistogramConfiguration { Buckets = _buckets });
                return new Series(value => histogram.WithLabels(values).Observe(value), () => histogram.RemoveLabelled(values));
            case Kind.Delta:
                Gauge delta = _factory.CreateGauge(_name, _help, names);
                return new Series(value => delta.WithLabels(values).Inc(value), () => delta.RemoveLabelled(values));
            default:
                Gauge level = _factory.CreateGauge(_name, _help, names);
                return new Series(value => level.WithLabels(values).Set(value), () => level.RemoveLabelled(values));
        }
    }

    private sealed class Series(Action<double> record, Action remove)
    {
        public Action<double> Record { get; } = record;

        public Action Remove { get; } = remove;

        /// <summary>When it was told last.</summary>
        public long Round { get; set; }
    }
}
