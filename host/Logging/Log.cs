using Microsoft.Extensions.Logging;

namespace VibePN.Host.Logging;

/// <summary>Every line the host logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "vibepnd {Version} starts as node {Node}")]
    public static partial void Starting(ILogger logger, string version, string node);

    [LoggerMessage(2, LogLevel.Information, "ready after {Milliseconds} ms: {Plugins} plugins, {Networks} networks, {Peers} peers")]
    public static partial void Ready(ILogger logger, long milliseconds, int plugins, int networks, int peers);

    [LoggerMessage(3, LogLevel.Information, "stopping: {Reason}")]
    public static partial void Stopping(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(5, LogLevel.Error, "the engine did not stop cleanly: {Reason}")]
    public static partial void EngineStopFailed(ILogger logger, string reason);

    [LoggerMessage(10, LogLevel.Information, "{Role} plugin {Plugin} {Version} started ({File}, sha256 {Hash})")]
    public static partial void PluginStarted(
        ILogger logger, string role, string plugin, string version, string file, string hash);

    [LoggerMessage(11, LogLevel.Information, "plugin {Plugin} stopped")]
    public static partial void PluginStopped(ILogger logger, string plugin);

    [LoggerMessage(12, LogLevel.Warning, "going on without an optional plugin: {Reason}")]
    public static partial void OptionalPluginFailed(ILogger logger, string reason);

    [LoggerMessage(13, LogLevel.Error, "plugin {Plugin} failed while stopping: {Reason}")]
    public static partial void PluginStopFailed(ILogger logger, string plugin, string reason);

    [LoggerMessage(14, LogLevel.Error,
        "plugin {Plugin} did not stop within {Seconds} s and was abandoned (zombie); restart the daemon to be rid of it")]
    public static partial void PluginZombie(ILogger logger, string plugin, double seconds);

    [LoggerMessage(15, LogLevel.Warning,
        "plugin {Plugin} is still in memory {Seconds} s after it stopped: a thread, timer or handle of it is left over")]
    public static partial void PluginNotUnloaded(ILogger logger, string plugin, double seconds);

    [LoggerMessage(16, LogLevel.Critical,
        "plugin {Plugin} let an exception escape on a thread of its own and counts as failed: {Reason}")]
    public static partial void PluginFault(ILogger logger, string plugin, string reason);

    [LoggerMessage(17, LogLevel.Critical, "unhandled exception of the daemon's own: {Reason}")]
    public static partial void OwnFault(ILogger logger, string reason);

    [LoggerMessage(20, LogLevel.Information, "metrics at http://{Address}/metrics")]
    public static partial void MetricsServed(ILogger logger, string address);

    [LoggerMessage(21, LogLevel.Warning,
        "metrics at http://{Address}/metrics are open to the network without authentication")]
    public static partial void MetricsExposed(ILogger logger, string address);

    [LoggerMessage(30, LogLevel.Information, "reload by {Caller}: {Changes}")]
    public static partial void Reloaded(ILogger logger, string caller, string changes);

    [LoggerMessage(31, LogLevel.Error, "reload by {Caller} refused, nothing changed: {Reason}")]
    public static partial void ReloadRefused(ILogger logger, string caller, string reason);

    [LoggerMessage(32, LogLevel.Information, "{Method} by {Caller}")]
    public static partial void ControlCalled(ILogger logger, string method, string caller);

    [LoggerMessage(33, LogLevel.Error, "control method {Method} failed: {Reason}")]
    public static partial void ControlFailed(ILogger logger, string method, string reason);

    [LoggerMessage(34, LogLevel.Information, "swap by {Caller}: {Text} The control thread was busy with it for {Milliseconds} ms.")]
    public static partial void Swapped(ILogger logger, string caller, string text, double milliseconds);

    [LoggerMessage(35, LogLevel.Error, "swap by {Caller} refused, nothing changed: {Reason}")]
    public static partial void SwapRefused(ILogger logger, string caller, string reason);

    [LoggerMessage(36, LogLevel.Warning, "{Text}")]
    public static partial void ReloadWarning(ILogger logger, string text);

    [LoggerMessage(37, LogLevel.Warning, "the session with peer {Peer} ended: {Reason}")]
    public static partial void SessionEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(38, LogLevel.Error, "control plugin {Plugin} could not take over, the one before it serves again: {Reason}")]
    public static partial void ControlMoveFailed(ILogger logger, string plugin, string reason);

    [LoggerMessage(40, LogLevel.Error, "{Reason}")]
    public static partial void AuditFailed(ILogger logger, string reason);

    [LoggerMessage(41, LogLevel.Information, "the audit log can be written again; {Missing} lines are missing in it")]
    public static partial void AuditWrittenAgain(ILogger logger, long missing);

    [LoggerMessage(39, LogLevel.Critical, "no control plugin serves any more; restart the daemon: {Reason}")]
    public static partial void ControlLost(ILogger logger, string reason);

    [LoggerMessage(42, LogLevel.Information, "the control socket {Path} cannot be reached: {Reason}")]
    public static partial void ControlSocketSilent(ILogger logger, string path, string reason);

    [LoggerMessage(43, LogLevel.Debug, "{Methods} methods of {Plugin} compiled in {Milliseconds} ms")]
    public static partial void PluginCompiled(ILogger logger, string plugin, int methods, long milliseconds);

    [LoggerMessage(50, LogLevel.Error, "invites: {Reason}")]
    public static partial void EnrolmentFault(ILogger logger, string reason);

    [LoggerMessage(51, LogLevel.Warning, "{Peer} ({Fingerprint}) joined network {Network} by invite {Invite}")]
    public static partial void Enrolled(ILogger logger, string peer, string fingerprint, string network, string invite);
}
