using System.Collections.Immutable;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>What a reload would change: a comparison of what is in effect with what the files say now.</summary>
/// <param name="Next">What config.toml says now.</param>
/// <param name="Selection">What plugins.toml says now.</param>
/// <param name="Steps">What is to be done with plugins.</param>
/// <param name="Lines">Every change in one line, sorted; none when nothing changes.</param>
internal sealed record ReloadPlan(
    DaemonConfiguration Next, PluginSelection Selection, ImmutableArray<PluginStep> Steps, ImmutableArray<string> Lines)
{
    private const string AtNextStart = " at the next start";

    // Every key of HostSettings is here; a test compares.
    private static readonly ImmutableArray<HostKey> HostKeys =
    [
        new("control.socket", nameof(HostSettings.ControlSocket), settings => settings.ControlSocket),
        new("log.level", nameof(HostSettings.LogLevel), settings => settings.LogLevel),
        new("metrics.listen", nameof(HostSettings.MetricsListen), settings => settings.MetricsListen),
        new("state", nameof(HostSettings.StateDirectory), settings => settings.StateDirectory, IsAtNextStart: true),
    ];

    /// <summary>The properties of <see cref="HostSettings"/> that a plan looks at.</summary>
    public static IEnumerable<string> ComparedSettings => HostKeys.Select(key => key.Property);

    /// <summary>The lines that take effect only when the daemon starts anew.</summary>
    public IEnumerable<string> Pending => Lines.Where(line => line.EndsWith(AtNextStart, StringComparison.Ordinal));

    /// <summary>Compares.</summary>
    /// <param name="host">The host's settings in effect.</param>
    /// <param name="engine">The engine's configuration in effect.</param>
    /// <param name="loaded">The plugins that are loaded.</param>
    /// <param name="selection">The selection in effect.</param>
    /// <param name="next">What config.toml says now.</param>
    /// <param name="listed">What plugins.toml lists now.</param>
    public static ReloadPlan Between(
        HostSettings host, EngineConfiguration engine, ImmutableArray<LoadedPlugin> loaded, PluginSelection selection,
        DaemonConfiguration next, ImmutableArray<CheckedPlugin> listed)
    {
        PluginSelection after = selection.ReadAgain(listed);
        ImmutableArray<PluginStep> steps = PluginPlan.Between(loaded, selection, after);
        return new ReloadPlan(next, after, steps,
        [
            .. ConfigurationPlan.Between(engine, next.Engine)
                .Concat(HostLines(host, next.Host))
                .Concat(steps.Select(step => step.Text))
                .Order(StringComparer.Ordinal),
        ]);
    }

    private static IEnumerable<string> HostLines(HostSettings before, HostSettings after)
    {
        foreach (HostKey key in HostKeys)
        {
            string old = ConfigurationText.Of(key.Value(before));
            string next = ConfigurationText.Of(key.Value(after));
            if (old != next)
                yield return $"{key.Name}: {old} -> {next}{(key.IsAtNextStart ? AtNextStart : "")}";
        }
    }

    private sealed record HostKey(string Name, string Property, Func<HostSettings, object?> Value, bool IsAtNextStart = false);
}
