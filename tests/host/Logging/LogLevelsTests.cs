using System.Text;
using Microsoft.Extensions.Logging;
using VibePN.Host.Logging;

namespace VibePN.Host.Tests.Logging;

public sealed class LogLevelsTests
{
    [Fact]
    public void A_component_gets_a_level_of_its_own_and_those_below_it_too()
    {
        string lines = Run(log =>
        {
            log.Loggers.CreateLogger("engine/peers");
            Assert.Null(log.Levels.Set("engine", "debug", null));
            Write(log.Loggers.CreateLogger("engine/peers"), LogLevel.Debug, "below");
            Write(log.Loggers.CreateLogger("host"), LogLevel.Debug, "silent");
            Write(log.Loggers.CreateLogger("host"), LogLevel.Information, "loud");
            Assert.Null(log.Levels.Set("engine/peers", "error", null));
            Write(log.Loggers.CreateLogger("engine/peers"), LogLevel.Warning, "quieter now");
            Write(log.Loggers.CreateLogger("engine/routes"), LogLevel.Debug, "still debug");
        });
        Assert.Equal(["below", "loud", "still debug"], Texts(lines));
    }

    [Fact]
    public void Everything_can_be_changed_and_a_reload_leaves_what_an_operator_set()
    {
        string lines = Run(log =>
        {
            ILogger logger = log.Loggers.CreateLogger("host");
            Assert.Null(log.Levels.Set("*", "error", null));
            log.SetLevel(LogLevel.Debug);
            Write(logger, LogLevel.Information, "not logged");
            Assert.Null(log.Levels.Set("host", "debug", null));
            Write(logger, LogLevel.Debug, "logged once");
        });
        Assert.Equal(["logged once"], Texts(lines));
    }

    [Fact]
    public async Task A_level_for_a_while_returns_by_itself()
    {
        using var log = new DaemonLog(Stream.Null, forJournal: false, LogLevel.Information);
        log.Loggers.CreateLogger("host");
        Assert.Null(log.Levels.Set("host", "debug", TimeSpan.FromSeconds(2)));
        Assert.Equal("host", LevelOf(log, "host").SetFor);
        Assert.NotNull(LevelOf(log, "host").Until);
        for (int i = 0; i < 1_000 && LevelOf(log, "host").SetFor.Length > 0; i++)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal(new ComponentLevel("host", "info", "", null), LevelOf(log, "host"));
    }

    [Fact]
    public void A_newer_order_outlives_the_end_of_an_older_one()
    {
        var time = new StoppedTime();
        using var factory = new NLog.LogFactory { Configuration = new NLog.Config.LoggingConfiguration() };
        using var levels = new LogLevels(factory, new NLog.Targets.NullTarget("null"), NLog.LogLevel.Info, time);
        levels.Note("host");
        Assert.Null(levels.Set("host", "debug", TimeSpan.FromMinutes(1)));
        Action end = time.Ends.Single();
        Assert.Null(levels.Set("host", "warn", null));
        end();
        Assert.Equal("warn", levels.List().Single(one => one.Component == "host").Level);
    }

    [Fact]
    public void A_slip_is_told_with_what_there_is()
    {
        using var log = new DaemonLog(Stream.Null, forJournal: false, LogLevel.Information);
        log.Loggers.CreateLogger("engine/peers");
        Assert.Equal("'loud' is no level: there are debug, info, warn, error.", log.Levels.Set("engine", "loud", null));
        Assert.Equal("there is no component 'engin'. Components: engine/peers.", log.Levels.Set("engin", "debug", null));
        Assert.Equal(["* info", "engine/peers info"], log.Levels.List().Select(one => $"{one.Component} {one.Level}"));
    }

    private static ComponentLevel LevelOf(DaemonLog log, string component) => log.Levels.List().Single(one => one.Component == component);

    private static string Run(Action<DaemonLog> use)
    {
        using var output = new MemoryStream();
        using (var log = new DaemonLog(output, forJournal: false, LogLevel.Information))
            use(log);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static string[] Texts(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[(line.IndexOf("] ", 30, StringComparison.Ordinal) + 2)..])];

    /// <summary>A clock whose timers end when a test says so.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        public List<Action> Ends { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Ends.Add(() => callback(state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private static void Write(ILogger logger, LogLevel level, string text) =>
        logger.Log(level, default, text, null, (state, _) => state);
}
