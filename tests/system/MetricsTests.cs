using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>The metrics of a real daemon, and everything in docs/ that names them.</summary>
public sealed partial class MetricsTests(Triangle triangle) : IClassFixture<Triangle>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Promtool_finds_nothing_to_complain_about()
    {
        string file = Path.Combine(triangle.Lab.Distribution.Folder, "metrics.txt");
        File.WriteAllText(file, await PageAsync());
        (await Tool.RunAsync(Patience, "sh", "-c", $"promtool check metrics < '{file}'")).Succeeded();
    }

    [Fact]
    public async Task Documented_metrics_are_the_served_ones()
    {
        string page = await PageAsync();
        string[] documented = [.. Documented().Matches(Read("docs/running.md")).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal)];
        Assert.Equal(Families(page).Where(name => !SomeTimes(name)).Order(StringComparer.Ordinal), documented.Where(name => !SomeTimes(name)));
    }

    [Theory]
    [InlineData("docs/grafana/vibepn.json")]
    [InlineData("docs/prometheus/alerts.yml")]
    [InlineData("docs/prometheus/alerts.test.yml")]
    public async Task Metrics_that_dashboard_and_alerts_name_are_served(string file)
    {
        string[] named = [.. Name().Matches(Read(file)).Select(match => match.Value).Distinct(StringComparer.Ordinal)];
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(Families(await PageAsync())));
    }

    [Fact]
    public async Task Alerts_are_rules_that_fire_when_they_should()
    {
        string folder = Path.Combine(Distribution.Repository(), "docs/prometheus");
        (await Tool.RunAsync(Patience, "promtool", "check", "rules", Path.Combine(folder, "alerts.yml"))).Succeeded();
        (await Tool.RunAsync(Patience, "promtool", "test", "rules", Path.Combine(folder, "alerts.test.yml"))).Succeeded();
    }

    [Fact]
    public async Task Labels_hold_names_of_ours_and_no_addresses_or_fingerprints()
    {
        string[] values = [.. LabelValue().Matches(await PageAsync()).Select(match => match.Groups[1].Value).Distinct(StringComparer.Ordinal)];
        Assert.Contains("node2", values);
        Assert.Contains("corp", values);
        Assert.DoesNotContain(values, value => Address().IsMatch(value));
    }

    [Fact]
    public async Task Traffic_is_counted_by_network_and_peer()
    {
        const string Series = "vibepn_peer_packets_total{network=\"lab\",peer=\"node2\",direction=\"out\"}";
        double before = Value(await PageAsync(), Series);
        (await triangle.One.PingAsync(NodeConfig.Address("lab", 2, v6: false), count: 20)).AssertAllAnswered(20);
        string page = await PageAsync();
        Assert.InRange(Value(page, Series) - before, 20, 60);
        Assert.Equal(1, Value(page, "vibepn_peer_up{peer=\"node3\"}"));
        Assert.Equal(2, Value(page, "vibepn_sessions{state=\"up\"}"));
        Assert.Equal(0, Value(page, "vibepn_sessions{state=\"idle\"}"));
        Assert.InRange(Value(page, "vibepn_peer_round_trip_seconds{peer=\"node2\"}"), 1e-6, 1);
        Assert.InRange(Value(page, "vibepn_peer_path_mtu_bytes{peer=\"node2\"}"), 1200, 1472);
        // The loop that reads the interface sends in the same turn, so that pings need not have waited at all.
        Assert.InRange(Value(page, "vibepn_peer_queue_wait_seconds_total{peer=\"node2\"}"), 0, 10);
        Assert.InRange(Value(page, "vibepn_routes{network=\"corp\",state=\"accepted\"}"), 4, 4);
        Assert.InRange(Value(page, "vibepn_control_turns_total"), 1, 1e9);
        Assert.InRange(Value(page, "vibepn_control_busy_seconds_total"), 1e-6, 60);
    }

    // Counters that are pushed appear with their first count; whether that has come depends on other tests.
    private static bool SomeTimes(string name) =>
        name is "vibepn_control_requests_total" or "vibepn_control_refused_connections_total" or "vibepn_control_dropped_events_total";

    private static string Read(string file) => File.ReadAllText(Path.Combine(Distribution.Repository(), file));

    private static IEnumerable<string> Families(string page) => Family().Matches(page).Select(match => match.Groups[1].Value);

    private static double Value(string page, string series)
    {
        string line = page.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"there is no {series} in:\n{page}");
        return double.Parse(line[(series.Length + 1)..], global::System.Globalization.CultureInfo.InvariantCulture);
    }

    private Task<string> PageAsync() =>
        Task.Run(() => triangle.One.Namespace.Run(() => Http.GetBody("127.0.0.1", 9000, "/metrics")));

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex Family();

    // A row of a table that begins with a metric's name.
    [GeneratedRegex(@"^\| `(vibepn_\w+)`", RegexOptions.Multiline)]
    private static partial Regex Documented();

    [GeneratedRegex(@"vibepn_\w+")]
    private static partial Regex Name();

    [GeneratedRegex("=\"([^\"]*)\"")]
    private static partial Regex LabelValue();

    [GeneratedRegex(@"\d+\.\d+\.\d+\.\d+|:.*:|[0-9a-f]{32}")]
    private static partial Regex Address();
}
