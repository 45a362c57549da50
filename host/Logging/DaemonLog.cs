using Microsoft.Extensions.Logging;
using NLog;
using NLog.Config;
using NLog.Extensions.Logging;
using NLog.Targets.Wrappers;
using VibePN.Host.Native;

namespace VibePN.Host.Logging;

/// <summary>The daemon's log: loggers for everyone, one bounded queue, one writer.</summary>
/// <remarks>A full queue loses lines and counts them; whoever logs never waits for a slow terminal.</remarks>
internal sealed class DaemonLog : IDisposable
{
    private const int QueueLimit = 10_000;

    private readonly LogFactory _factory = new();
    private readonly NLogLoggerProvider _provider;
    private readonly RecentLines _recent = new();
    private long _dropped;

    /// <summary>Begins to log.</summary>
    /// <param name="output">Where lines go; not disposed here.</param>
    /// <param name="forJournal">Whether the journal reads them.</param>
    /// <param name="level">The least severe level that is logged.</param>
    public DaemonLog(Stream output, bool forJournal, Microsoft.Extensions.Logging.LogLevel level)
    {
        var queue = new AsyncTargetWrapper(
            new LineTarget(output, forJournal) { Recent = _recent }, QueueLimit, AsyncTargetWrapperOverflowAction.Discard)
        { Name = "queue" };
        queue.LogEventDropped += (_, _) => Interlocked.Increment(ref _dropped);
        _factory.AutoShutdown = false;
        _factory.Configuration = new LoggingConfiguration(_factory);
        Levels = new LogLevels(_factory, queue, LevelOf(level), TimeProvider.System);
        Levels.Apply();
        _provider = new NLogLoggerProvider(
            new NLogProviderOptions
            {
                CaptureEventId = EventIdCaptureType.None,
                CaptureMessageTemplates = false,
                CaptureMessageProperties = false,
                IncludeScopes = false,
                ShutdownOnDispose = false,
                AutoShutdown = false,
            },
            _factory);
        // NLog's rules decide over levels, so that they can change at run time.
        Loggers = new NotingLoggerFactory(
            new LoggerFactory([_provider], new LoggerFilterOptions { MinLevel = Microsoft.Extensions.Logging.LogLevel.Trace }), Levels);
    }

    /// <summary>Loggers by component, such as <c>host</c> or <c>engine/sessions</c>.</summary>
    public ILoggerFactory Loggers { get; }

    /// <summary>Which components log how much.</summary>
    public LogLevels Levels { get; }
    /// <summary>The last lines that were written, oldest first.</summary>
    public IReadOnlyList<string> Recent => _recent.All;

    /// <summary>Lines lost because the queue was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether standard output is the journal's socket: systemd names that socket in JOURNAL_STREAM.</summary>
    public static bool IsJournal()
    {
        string? stream = Environment.GetEnvironmentVariable("JOURNAL_STREAM");
        return stream is not null
            && FileFacts.TryRead("/proc/self/fd/1", followLinks: true, out _) is { } facts
            && stream == $"{facts.Device}:{facts.Inode}";
    }

    /// <summary>Changes the least severe level of whatever an operator gave no other one.</summary>
    public void SetLevel(Microsoft.Extensions.Logging.LogLevel level) => Levels.SetStandard(LevelOf(level));

    /// <summary>Writes out what is queued, and ends.</summary>
    public void Dispose()
    {
        Levels.Dispose();
        Loggers.Dispose();
        _factory.Flush(TimeSpan.FromSeconds(2));
        _factory.Shutdown();
        _factory.Dispose();
    }

    private static NLog.LogLevel LevelOf(Microsoft.Extensions.Logging.LogLevel level) => level switch
    {
        Microsoft.Extensions.Logging.LogLevel.Trace => NLog.LogLevel.Trace,
        Microsoft.Extensions.Logging.LogLevel.Debug => NLog.LogLevel.Debug,
        Microsoft.Extensions.Logging.LogLevel.Information => NLog.LogLevel.Info,
        Microsoft.Extensions.Logging.LogLevel.Warning => NLog.LogLevel.Warn,
        Microsoft.Extensions.Logging.LogLevel.Error => NLog.LogLevel.Error,
        _ => NLog.LogLevel.Fatal,
    };
}
