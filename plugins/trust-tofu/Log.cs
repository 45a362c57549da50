using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>Every line the plugin logs. Judgements are not among them: the engine logs those, within its limits.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Pins} pins and {Denials} denials are loaded")]
    public static partial void Loaded(this ILogger logger, int pins, int denials);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Peer} is pinned to {Fingerprint} on first use")]
    public static partial void FirstUse(this ILogger logger, string peer, Fingerprint fingerprint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "audit: {Action} by the operator: {Reason}")]
    public static partial void Ordered(this ILogger logger, TrustAction action, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason}")]
    public static partial void StoreFailed(this ILogger logger, string reason);
}
