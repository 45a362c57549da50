using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Host.Metrics;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Metrics;

public sealed class MetricsEndpointTests
{
    [Fact]
    public async Task Metrics_are_served_on_that_address_only()
    {
        var listen = new IPEndPoint(IPAddress.Loopback, FreePort());
        using MetricsEndpoint endpoint = MetricsEndpoint.Open(listen, NullLogger.Instance);
        using var client = new HttpClient();
        using var meter = new System.Diagnostics.Metrics.Meter("vibepn.endpoint");
        meter.CreateCounter<long>("served").Add(1);
        string text = await client.GetStringAsync(new Uri($"http://{listen}/metrics"), TestContext.Current.CancellationToken);
        Assert.Contains("vibepn_served_total 1", text, StringComparison.Ordinal);
        Assert.DoesNotContain("process_", text, StringComparison.Ordinal);

        using var elsewhere = new TcpListener(IPAddress.Parse("127.0.0.2"), listen.Port);
        elsewhere.Start(); // would fail if the endpoint were bound to every address
    }

    [Fact]
    public void A_taken_port_is_one_sentence_with_a_remedy()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var listen = (IPEndPoint)taken.LocalEndpoint;
        DaemonException failure = Assert.Throws<DaemonException>(() => MetricsEndpoint.Open(listen, NullLogger.Instance));
        Assert.Equal(ExitCodes.Unavailable, failure.ExitCode);
        Assert.StartsWith($"metrics cannot be served at {listen}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("choose another with 'listen' in [metrics]", failure.Message, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
