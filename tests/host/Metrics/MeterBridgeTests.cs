using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text;
using Prometheus;
using VibePN.Host.Metrics;

namespace VibePN.Host.Tests.Metrics;

public sealed class MeterBridgeTests : IDisposable
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly MeterBridge _bridge;
    private readonly Meter _meter = new($"vibepn.test-{Guid.NewGuid()}");

    public MeterBridgeTests() => _bridge = new MeterBridge(_registry);

    public void Dispose()
    {
        _meter.Dispose();
        _bridge.Dispose();
    }

    [Fact]
    public async Task Every_kind_of_instrument_is_published_by_convention()
    {
        _meter.CreateCounter<long>("test.packets", "{packets}", "Packets.").Add(3);
        UpDownCounter<int> open = _meter.CreateUpDownCounter<int>("vibepn.test.open");
        open.Add(5);
        open.Add(-2);
        _meter.CreateGauge<double>("test.level").Record(1.5);
        _meter.CreateObservableCounter("test.bytes", () => 7L, "By");
        _meter.CreateObservableGauge("test.rtt", () => new Measurement<double>(0.25, new KeyValuePair<string, object?>("peer", "n\"2")), "s");
        _meter.CreateHistogram<double>("test.wait", "s").Record(0.02);

        string text = await ExportAsync();
        Assert.Contains("# HELP vibepn_test_packets_total Packets.\n# TYPE vibepn_test_packets_total counter\nvibepn_test_packets_total 3\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE vibepn_test_open gauge\nvibepn_test_open 3\n", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_level 1.5\n", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_bytes_total 7\n", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_rtt_seconds{peer=\"n\\\"2\"} 0.25\n", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_wait_seconds_bucket{le=\"0.01\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_wait_seconds_bucket{le=\"0.025\"} 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plugins_meter_labels_its_metrics_and_takes_them_along()
    {
        var plugin = new Meter("vibepn.tun-x", null, [new("plugin", "tun-x")]);
        plugin.CreateCounter<long>("reads").Add(1, new KeyValuePair<string, object?>("device", "a"));
        Assert.Contains("vibepn_reads_total{plugin=\"tun-x\",device=\"a\"} 1\n", await ExportAsync(), StringComparison.Ordinal);
        plugin.Dispose();
        Assert.DoesNotContain("tun-x", await ExportAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Meters_of_others_are_not_published()
    {
        using var other = new Meter("System.Something");
        other.CreateCounter<long>("foreign").Add(1);
        using var lookalike = new Meter("vibepnx");
        lookalike.CreateCounter<long>("foreign2").Add(1);
        Assert.DoesNotContain("foreign", await ExportAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_observing_callback_that_throws_spoils_only_its_own_metric()
    {
        _meter.CreateObservableGauge("test.bad", long () => throw new InvalidOperationException("no"));
        _meter.CreateObservableGauge("test.good", () => 1L);
        Assert.Contains("vibepn_test_good 1\n", await ExportAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Series_of_one_instrument_are_bounded()
    {
        Counter<long> counter = _meter.CreateCounter<long>("test.many");
        for (int i = 0; i < 12_000; i++)
            counter.Add(1, new KeyValuePair<string, object?>("peer", i));
        Assert.Equal(10_000, (await ExportAsync()).Split("vibepn_test_many_total{").Length - 1);
    }

    [Fact]
    public async Task A_series_that_is_no_longer_told_is_no_longer_served()
    {
        string[] peers = ["a", "b"];
        _meter.CreateObservableCounter("test.sent", () => peers.Select(
            peer => new Measurement<long>(7, new KeyValuePair<string, object?>("peer", peer))));
        Counter<long> pushed = _meter.CreateCounter<long>("test.pushed");
        pushed.Add(1);
        Assert.Contains("vibepn_test_sent_total{peer=\"b\"} 7\n", await ExportAsync(), StringComparison.Ordinal);
        peers = ["a"];
        string text = await ExportAsync();
        Assert.Contains("vibepn_test_sent_total{peer=\"a\"} 7\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("peer=\"b\"", text, StringComparison.Ordinal);
        Assert.Contains("vibepn_test_pushed_total 1\n", text, StringComparison.Ordinal); // tells only what is new
        peers = ["a", "b"];
        Assert.Contains("vibepn_test_sent_total{peer=\"b\"} 7\n", await ExportAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_meters_instruments_leave_the_memory()
    {
        WeakReference instrument = UseOnce();
        for (int i = 0; i < 10 && instrument.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(instrument.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference UseOnce()
    {
        using var meter = new Meter("vibepn.short");
        Counter<long> counter = meter.CreateCounter<long>("short");
        counter.Add(1);
        return new WeakReference(counter);
    }

    private async Task<string> ExportAsync()
    {
        using var stream = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
