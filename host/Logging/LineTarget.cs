using System.Text;
using NLog;
using NLog.Targets;

namespace VibePN.Host.Logging;

/// <summary>Writes log lines to a stream, in the text form operators' scripts read or in the journal's.</summary>
/// <remarks>
/// Text: <c>[2026-11-22T17:08:36Z] INFO  [peer/registry] message</c>, UTC, two spaces after INFO and WARN.
/// Journal: a priority prefix and no time, which the journal adds itself (sd-daemon(3)).
/// Called on NLog's writer thread only.
/// </remarks>
/// <param name="output">Where lines go; not disposed here.</param>
/// <param name="forJournal">Whether to write the journal's form.</param>
internal sealed class LineTarget(Stream output, bool forJournal) : Target
{
    private readonly StringBuilder _line = new();

    /// <summary>Keeps the last lines, with the time; null when nobody asks for them.</summary>
    public RecentLines? Recent { get; init; }

    /// <inheritdoc/>
    protected override void Write(LogEventInfo logEvent)
    {
        string head = $"[{logEvent.TimeStamp.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss'Z'}] {NameOf(logEvent.Level),-5} ";
        _line.Clear();
        _line.Append('[').Append(LogText.Escape(logEvent.LoggerName ?? "")).Append("] ")
            .Append(LogText.Escape(logEvent.FormattedMessage));
        if (logEvent.Exception is { } exception)
            _line.Append(": ").Append(LogText.Escape($"{exception.GetType().Name}: {exception.Message}"));
        string text = _line.ToString();
        Recent?.Add(head + text);
        try
        {
            output.Write(Encoding.UTF8.GetBytes($"{(forJournal ? $"<{PriorityOf(logEvent.Level)}>" : head)}{text}\n"));
        }
        catch (IOException)
        {
            // The reader of our output went away; a daemon outlives its log.
        }
    }

    private static string NameOf(LogLevel level) =>
        level == LogLevel.Fatal ? "FATAL"
        : level == LogLevel.Error ? "ERROR"
        : level == LogLevel.Warn ? "WARN"
        : level == LogLevel.Info ? "INFO"
        : "DEBUG";

    // syslog(3): 2 critical, 3 error, 4 warning, 6 informational, 7 debug.
    private static char PriorityOf(LogLevel level) =>
        level == LogLevel.Fatal ? '2'
        : level == LogLevel.Error ? '3'
        : level == LogLevel.Warn ? '4'
        : level == LogLevel.Info ? '6'
        : '7';
}
