using Microsoft.Extensions.Logging;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Every line the plugin logs. Nothing in them comes from a request but names the host itself listed.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "listening on {Path} ({Mode})")]
    public static partial void Listening(ILogger logger, string path, UnixFileMode mode);

    [LoggerMessage(Level = LogLevel.Information, Message = "audit: {Principal} asked for {Method}")]
    public static partial void Audit(ILogger logger, string principal, string method);

    [LoggerMessage(Level = LogLevel.Warning, Message = "audit: {Method} for {Principal} failed: {Reason}")]
    public static partial void AuditFailed(ILogger logger, string method, string principal, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "refused {Principal}, who has no role here; {Suppressed} more refused since the last such line")]
    public static partial void Refused(ILogger logger, string principal, long suppressed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "clients cannot be accepted: {Reason}; trying again")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "method {Method} threw")]
    public static partial void MethodThrew(ILogger logger, Exception error, string method);

    [LoggerMessage(Level = LogLevel.Error, Message = "serving a client failed")]
    public static partial void ClientFailed(ILogger logger, Exception error);
}
