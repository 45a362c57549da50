using Microsoft.Extensions.Logging;

namespace VibePN.Plugins.TunLinux;

/// <summary>What the plugin logs. That a network has or lost its interface, the engine says.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug,
        "TUN device '{Device}' of network '{Network}' is up: MTU {Mtu}, addresses {Addresses}.")]
    public static partial void Opened(ILogger logger, string device, string network, int mtu, string addresses);

    [LoggerMessage(2, LogLevel.Debug, "TUN device '{Device}' is gone: {Reason}")]
    public static partial void Lost(ILogger logger, string device, string reason);

    [LoggerMessage(3, LogLevel.Warning,
        "Changes of this machine's network are no longer watched: {Reason} Restart the daemon to watch them again.")]
    public static partial void WatchEnded(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Error, "The engine failed to take note of a network event.")]
    public static partial void EventFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Debug, "The machine's addresses, links or routes changed.")]
    public static partial void NetworkChanged(ILogger logger);
}
