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

    /// <inheritdoc/>
    protected override void Write(LogEventInfo logEvent)
    {
        _line.Clear();
        if (forJournal)
            _line.Append('<').Append(PriorityOf(logEvent.Level)).Append('>');
        else
            _line.Append('[').Append(logEvent.TimeStamp.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null))
                .Append("] ").Append(NameOf(logEvent.Level).PadRight(5)).Append(' ');
        _line.Append('[').Append(LogText.Escape(logEvent.LoggerName ?? "")).Append("] ")
            .Append(LogText.Escape(logEvent.FormattedMessage));
        if (logEvent.Exception is { } exception)
            _line.Append(": ").Append(LogText.Escape($"{exception.GetType().Name}: {exception.Message}"));
        _line.Append('\n');
        try
        {
            output.Write(Encoding.UTF8.GetBytes(_line.ToString()));
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
