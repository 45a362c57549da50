using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Prometheus;
using VibePN.Host.Logging;
using VibePN.Host.Running;

namespace VibePN.Host.Metrics;

/// <summary>Serves <c>/metrics</c> over plain HTTP on one address.</summary>
internal sealed class MetricsEndpoint : IDisposable
{
    private readonly MeterBridge _bridge;
    private readonly MetricServer _server;
    private readonly CollectorRegistry _registry;

    private MetricsEndpoint(MeterBridge bridge, MetricServer server, CollectorRegistry registry)
    {
        _registry = registry;
        _bridge = bridge;
        _server = server;
    }

    /// <summary>Begins to serve.</summary>
    /// <param name="listen">The one address to bind: IPv4.</param>
    /// <param name="logger">Told of the address.</param>
    /// <exception cref="DaemonException">The port is taken, or the address is not this machine's.</exception>
    public static MetricsEndpoint Open(IPEndPoint listen, ILogger logger)
    {
        // The runtime's and the process's own metrics of the predecessor come from meters of ours, if at all.
        Prometheus.Metrics.SuppressDefaultMetrics();
        CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
        var bridge = new MeterBridge(registry);
        var server = new MetricServer(HostOf(listen.Address), listen.Port, registry: registry);
        try
        {
            server.Start();
        }
        catch (Exception exception) when (exception is HttpListenerException or SocketException)
        {
            bridge.Dispose();
            throw new DaemonException(ExitCodes.Unavailable,
                $"metrics cannot be served at {listen}: {exception.Message}. Free the port, choose another with "
                + "'listen' in [metrics], or turn metrics off with listen = \"\".");
        }

        if (IPAddress.IsLoopback(listen.Address))
            Log.MetricsServed(logger, listen.ToString());
        else
            Log.MetricsExposed(logger, listen.ToString());
        return new MetricsEndpoint(bridge, server, registry);
    }

    /// <summary>What is served now.</summary>
    public async Task<string> TextAsync(CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(buffer, cancellationToken);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Stops serving.</summary>
    public void Dispose()
    {
        _server.Stop();
        _bridge.Dispose();
    }

    // The listener takes a host name for the address to bind; '+' is any.
    private static string HostOf(IPAddress address) => address.Equals(IPAddress.Any) ? "+" : address.ToString();
}
