using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using NLog;
using NLog.Config;
using NLog.Targets;

namespace VibePN.Host.Logging;

/// <summary>Which components log how much, and for how long. Any thread.</summary>
/// <remarks>
/// A component's own level holds for those below it too (<c>engine</c> for <c>engine/peers</c>); the longest name that
/// applies decides, and after it the configuration's <c>log.level</c>. Nothing of this survives a start.
/// </remarks>
internal sealed class LogLevels(LogFactory factory, Target target, NLog.LogLevel standard, TimeProvider time) : IDisposable
{
    /// <summary>The name that stands for all components.</summary>
    public const string Everything = "*";

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, bool> _components = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Special> _special = new(StringComparer.Ordinal);
    private NLog.LogLevel _standard = standard;

    /// <summary>The words for levels, as the configuration has them, most talkative first.</summary>
    public static ImmutableArray<string> Words { get; } = ["debug", "info", "warn", "error"];

    /// <summary>Remembers a component's name, so that it can be listed and a slip be noticed.</summary>
    public void Note(string component) => _components.TryAdd(component, true);

    /// <summary>Changes the level of whatever has none of its own.</summary>
    public void SetStandard(NLog.LogLevel level)
    {
        lock (_lock)
        {
            _standard = level;
            Apply();
        }
    }

    /// <summary>Gives a component a level of its own.</summary>
    /// <param name="component">Its name, the beginning of several, or <see cref="Everything"/>.</param>
    /// <param name="word">One of <see cref="Words"/>.</param>
    /// <param name="duration">After which the level returns by itself, or null for never.</param>
    /// <returns>What is wrong with the request, or null.</returns>
    public string? Set(string component, string word, TimeSpan? duration)
    {
        if (Check(component, word) is { } problem)
            return problem;
        NLog.LogLevel level = LevelOf(word)!;
        lock (_lock)
        {
            Remove(component);
            var special = new Special(level, time.GetUtcNow() + duration);
            if (duration is { } wait)
                special.Timer = time.CreateTimer(_ => Expire(component, special), null, wait, Timeout.InfiniteTimeSpan);
            _special[component] = special;
            Apply();
        }
        return null;
    }

    /// <summary>What is wrong with an order, or null.</summary>
    public string? Check(string component, string word) =>
        LevelOf(word) is null ? $"'{LogText.Escape(word)}' is no level: there are {string.Join(", ", Words)}."
        : component != Everything && !_components.Keys.Any(known => Covers(component, known))
            ? $"there is no component '{LogText.Escape(component)}'. Components: {string.Join(", ", _components.Keys.Order(StringComparer.Ordinal))}."
        : null;

    /// <summary>All components and what they log, sorted; first what stands for all.</summary>
    public ImmutableArray<ComponentLevel> List()
    {
        lock (_lock)
        {
            IEnumerable<string> names = _components.Keys.Concat(_special.Keys).Append(Everything).Distinct().Order(StringComparer.Ordinal);
            return [.. names.Select(LevelOfComponent)];
        }
    }

    /// <summary>Ends the timers.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (string component in _special.Keys.ToArray())
                Remove(component);
        }
    }

    /// <summary>The rules for the levels as they are now.</summary>
    public void Apply()
    {
        LoggingConfiguration configuration = factory.Configuration!;
        configuration.LoggingRules.Clear();
        foreach ((string name, Special special) in _special.Where(pair => pair.Key != Everything).OrderByDescending(pair => pair.Key.Length))
        {
            foreach (string pattern in new[] { name, name + "/*" })
            {
                configuration.LoggingRules.Add(new LoggingRule(pattern, special.Level, NLog.LogLevel.Fatal, target) { Final = true });
                // A rule without a target swallows: what is below the level must not reach the rules that follow.
                var silent = new LoggingRule { LoggerNamePattern = pattern, Final = true };
                foreach (NLog.LogLevel below in NLog.LogLevel.AllLoggingLevels.Where(each => each < special.Level))
                    silent.EnableLoggingForLevel(below);
                configuration.LoggingRules.Add(silent);
            }
        }
        NLog.LogLevel level = _special.TryGetValue(Everything, out Special? all) ? all.Level : _standard;
        configuration.LoggingRules.Add(new LoggingRule("*", level, NLog.LogLevel.Fatal, target));
        factory.ReconfigExistingLoggers();
    }

    private ComponentLevel LevelOfComponent(string name)
    {
        string? decides = _special.Keys.Where(special => Covers(special, name)).MaxBy(special => special == Everything ? 0 : special.Length);
        if (decides is null)
            return new ComponentLevel(name, WordOf(_standard), "", null);
        Special special = _special[decides];
        return new ComponentLevel(name, WordOf(special.Level), decides, special.Until);
    }

    private static bool Covers(string special, string component) => special == Everything || component == special
        || component.StartsWith(special + "/", StringComparison.Ordinal);

    private void Expire(string component, Special special)
    {
        lock (_lock)
        {
            // A newer order may have taken its place while this one waited.
            if (_special.GetValueOrDefault(component) != special)
                return;
            Remove(component);
            Apply();
        }
    }

    private void Remove(string component)
    {
        if (_special.Remove(component, out Special? special))
            special.Timer?.Dispose();
    }

    private static NLog.LogLevel? LevelOf(string word) => Words.IndexOf(word) switch
    {
        0 => NLog.LogLevel.Debug,
        1 => NLog.LogLevel.Info,
        2 => NLog.LogLevel.Warn,
        3 => NLog.LogLevel.Error,
        _ => null,
    };

    private static string WordOf(NLog.LogLevel level) => level == NLog.LogLevel.Trace ? "debug"
        : level == NLog.LogLevel.Fatal ? "error" : level.Name.ToLowerInvariant();

    private sealed class Special(NLog.LogLevel level, DateTimeOffset? until)
    {
        public NLog.LogLevel Level { get; } = level;

        public DateTimeOffset? Until { get; } = until;

        public ITimer? Timer { get; set; }
    }
}

/// <summary>What a component logs.</summary>
/// <param name="Component">Its name; <c>*</c> for those without a level of their own.</param>
/// <param name="Level">The least severe level that is logged.</param>
/// <param name="SetFor">The name that an operator gave this level to; empty when it is the configuration's.</param>
/// <param name="Until">When it returns by itself, or null.</param>
internal sealed record ComponentLevel(string Component, string Level, string SetFor, DateTimeOffset? Until);

/// <summary>Notes the name of each component that logs.</summary>
internal sealed class NotingLoggerFactory(ILoggerFactory inner, LogLevels levels) : ILoggerFactory
{
    /// <inheritdoc/>
    public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName)
    {
        levels.Note(categoryName);
        return inner.CreateLogger(categoryName);
    }

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
