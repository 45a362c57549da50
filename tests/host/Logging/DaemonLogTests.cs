using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using VibePN.Host.Logging;

namespace VibePN.Host.Tests.Logging;

public sealed partial class DaemonLogTests
{
    [Fact]
    public void Lines_have_the_predecessors_form()
    {
        string[] lines = Lines(forJournal: false, LogLevel.Debug, log =>
        {
            ILogger logger = log.Loggers.CreateLogger("peer/registry");
            Write(logger, LogLevel.Debug);
            Write(logger, LogLevel.Information);
            Write(logger, LogLevel.Warning);
            Write(logger, LogLevel.Error);
            Write(logger, LogLevel.Critical);
        });
        Assert.Equal(
            [
                "[T] DEBUG [peer/registry] hello", "[T] INFO  [peer/registry] hello", "[T] WARN  [peer/registry] hello",
                "[T] ERROR [peer/registry] hello", "[T] FATAL [peer/registry] hello",
            ],
            lines.Select(line => Time().Replace(line, "[T]")));
    }

    [Fact]
    public void The_last_lines_are_kept_with_the_time_and_no_more_than_that()
    {
        var log = new DaemonLog(Stream.Null, forJournal: true, LogLevel.Information);
        using (log) // writes out what is queued
        {
            ILogger logger = log.Loggers.CreateLogger("host");
            for (int i = 0; i < RecentLines.Most + 7; i++)
                Write(logger, LogLevel.Warning);
        }
        Assert.Equal(RecentLines.Most, log.Recent.Count);
        Assert.All(log.Recent, line => Assert.Equal("[T] WARN  [host] hello", Time().Replace(line, "[T]")));
    }

    [Fact]
    public void The_journal_gets_priorities_and_no_time()
    {
        string[] lines = Lines(forJournal: true, LogLevel.Information, log =>
        {
            ILogger logger = log.Loggers.CreateLogger("host");
            Write(logger, LogLevel.Debug);
            Write(logger, LogLevel.Information);
            Write(logger, LogLevel.Error);
        });
        Assert.Equal(["<6>[host] hello", "<3>[host] hello"], lines);
    }

    [Fact]
    public void The_level_changes_while_the_log_is_open()
    {
        string[] lines = Lines(forJournal: true, LogLevel.Error, log =>
        {
            ILogger logger = log.Loggers.CreateLogger("host");
            Write(logger, LogLevel.Information);
            log.SetLevel(LogLevel.Debug);
            Write(logger, LogLevel.Debug);
            log.SetLevel(LogLevel.Warning);
            Write(logger, LogLevel.Information);
        });
        Assert.Equal(["<7>[host] hello"], lines);
    }

    [Fact]
    public void No_message_can_forge_a_line_or_move_the_cursor()
    {
        string line = Assert.Single(Lines(forJournal: true, LogLevel.Information, log =>
            Write(log.Loggers.CreateLogger("a\nb"), LogLevel.Warning, "x\n<2>[host] forged \u001b[31m\u202e {0}\r")));
        Assert.Equal(@"<4>[a\nb] x\n<2>[host] forged \x1B[31m\u202E {0}\x0D", line);
    }

    [Fact]
    public void An_overlong_message_is_cut()
    {
        string line = Assert.Single(Lines(forJournal: true, LogLevel.Information, log =>
            Write(log.Loggers.CreateLogger("a"), LogLevel.Warning, new string('x', 100_000))));
        Assert.Equal("<4>[a] ".Length + LogText.MaxLength + 3, line.Length);
    }

    [Fact]
    public void A_stuck_reader_costs_lines_and_not_time()
    {
        using var stuck = new StuckStream();
        using var log = new DaemonLog(stuck, forJournal: true, LogLevel.Information);
        ILogger logger = log.Loggers.CreateLogger("a");
        for (int i = 0; i < 30_000; i++)
            Write(logger, LogLevel.Information);
        Assert.InRange(log.Dropped, 15_000, 25_000);
        stuck.Release();
    }

    private static void Write(ILogger logger, LogLevel level, string text = "hello") =>
        logger.Log(level, default, text, null, static (message, _) => message);

    private static string[] Lines(bool forJournal, LogLevel level, Action<DaemonLog> write)
    {
        using var output = new MemoryStream();
        using (var log = new DaemonLog(output, forJournal, level))
            write(log);
        return Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex(@"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\]")]
    private static partial Regex Time();

    private sealed class StuckStream : MemoryStream
    {
        private readonly ManualResetEventSlim _released = new();

        public void Release() => _released.Set();

        public override void Write(byte[] buffer, int offset, int count) => _released.Wait();

        public override void Write(ReadOnlySpan<byte> buffer) => _released.Wait();
    }
}
