using System.Collections.Immutable;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Host.Configuration;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Plugins;

/// <summary>Loads real fixture plugins into a real plugin set, in a directory of the test's own.</summary>
internal sealed class PluginBench : IDisposable
{
    private static readonly string[] Roles = ["trust", "routing", "tun", "transport", "control"];

    private readonly List<(string Name, string Text)> _entries = [];

    /// <summary>Fills every role with a fake.</summary>
    public PluginBench()
    {
        string fakes = Scratch.Install("fakes");
        foreach (string role in Roles)
            Use("fake-" + role, role, fakes);
    }

    /// <summary>Where everything is.</summary>
    public Scratch Scratch { get; } = new();

    /// <summary>The limits given to plugins.</summary>
    public PluginLimits Limits { get; set; } = PluginLimits.Standard;

    /// <summary>Puts a fixture into a role that takes one plugin, instead of the fake.</summary>
    public void Replace(string role, string fixture, string name, string more = "")
    {
        _entries.RemoveAll(entry => entry.Name == "fake-" + role);
        Use(name, role, Scratch.Install(fixture), more);
    }

    /// <summary>Adds an entry, in place of one of the same name.</summary>
    public void Use(string name, string role, string folder, string more = "")
    {
        _entries.RemoveAll(entry => entry.Name == name);
        _entries.Add((name, $"[[plugin]]\nname = \"{name}\"\nrole = \"{role}\"\npath = \"{folder}\"\n{more}\n"));
    }

    /// <summary>Checks all entries and returns the errors.</summary>
    public string Errors()
    {
        PluginSet.Check(Manifest(), out IReadOnlyList<(PluginEntry, ConfigError Error)> errors);
        return string.Join('\n', errors.Select(pair => pair.Error.ToString()));
    }

    /// <summary>A set of the checked plugins, not yet started.</summary>
    public PluginSet Set()
    {
        ImmutableArray<CheckedPlugin> plugins = PluginSet.Check(Manifest(), out IReadOnlyList<(PluginEntry, ConfigError)> errors);
        Assert.Empty(errors);
        return new PluginSet(plugins,
            new PluginServices(NullLoggerFactory.Instance, TimeProvider.System, Scratch.At("state"), Limits));
    }

    /// <summary>What the entries say about which plugins run.</summary>
    public PluginSelection Selection()
    {
        ImmutableArray<CheckedPlugin> plugins = PluginSet.Check(Manifest(), out IReadOnlyList<(PluginEntry, ConfigError)> errors);
        Assert.Empty(errors);
        return new PluginSelection(plugins);
    }

    /// <summary>Starts a set that must fail, and returns how.</summary>
    public static async Task<DaemonException> FailAsync(PluginSet set)
    {
        DaemonException failure = await Assert.ThrowsAsync<DaemonException>(set.StartAsync);
        Assert.DoesNotContain(set.All, plugin => plugin.State == PluginState.Running);
        return failure;
    }

    /// <inheritdoc/>
    public void Dispose() => Scratch.Dispose();

    private PluginManifest Manifest()
    {
        var text = new StringBuilder("schema = 1\n").AppendJoin('\n', _entries.Select(entry => entry.Text));
        string path = Scratch.Write("plugins.toml", text.ToString());
        PluginManifest? manifest = PluginManifestReader.ReadFile(path, out IReadOnlyList<ConfigError> errors);
        Assert.Empty(errors);
        return manifest!;
    }
}
