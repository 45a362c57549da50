using Microsoft.Extensions.Logging;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

/// <summary>A daemon in this process with plugins that are really loaded and reach nobody.</summary>
internal sealed class DaemonBench : IAsyncDisposable
{
    private readonly DaemonLog _log = new(Stream.Null, forJournal: false, LogLevel.Error);

    public DaemonBench()
    {
        Identity.Shared.WriteTo(Scratch);
        Scratch.Install("fakes");
        Scratch.Install("policies");
        Scratch.Install("faulty");
        WriteConfig();
        WritePlugins();
    }

    public Scratch Scratch { get; } = new();

    public Daemon Daemon { get; private set; } = null!;

    public ServiceManager Manager { get; init; } = ServiceManager.None;

    public string Config => File.ReadAllText(Scratch.At("config.toml"));

    public string Plugins => File.ReadAllText(Scratch.At("plugins.toml"));

    /// <summary>Writes a config.toml with an edit.</summary>
    public void WriteConfig(string from = "", string to = "") => Scratch.Write("config.toml", Edit($"""
        listen = ["127.0.0.1:51820"]
        state = "state"
        [identity]
        cert = "node.crt"
        key = "node.key"
        [control]
        socket = "run/control.sock"
        [metrics]
        listen = ""
        [log]
        level = "error"
        [[peers]]
        name = "node2"
        address = "203.0.113.2:51820"
        fingerprint = "{new string('2', 64)}"
        networks = ["corp"]
        [[peers]]
        name = "node3"
        fingerprint = "{new string('3', 64)}"
        networks = ["corp", "lab"]
        [networks.corp]
        prefix = "10.42.0.0/24"
        export = true
        mtu = 1380
        [networks.lab]
        prefix = "10.43.0.0/24"
        prefix6 = "fd43::/64"
        originate = ["192.168.7.0/24"]
        """, from, to));

    /// <summary>Writes a plugins.toml with an edit.</summary>
    public void WritePlugins(string from = "", string to = "") => Scratch.Write("plugins.toml", Edit("""
        schema = 1
        [[plugin]]
        name = "trust-picky"
        role = "trust"
        path = "policies"
        [plugin.settings]
        refuse = ["node9"]
        [[plugin]]
        name = "policy-first"
        role = "routing"
        path = "policies"
        [[plugin]]
        name = "policy-last"
        role = "routing"
        path = "policies"
        standby = true
        [plugin.settings]
        words = "many"
        [[plugin]]
        name = "fake-tun"
        role = "tun"
        path = "fakes"
        [[plugin]]
        name = "fake-transport"
        role = "transport"
        path = "fakes"
        [[plugin]]
        name = "fake-control"
        role = "control"
        path = "fakes"
        """, from, to));

    public async Task StartAsync()
    {
        var line = new CommandLine(Scratch.At("config.toml"), Scratch.At("plugins.toml"), CommandAction.Run);
        DaemonFiles? files = DaemonFiles.Read(line, strict: true, out System.Collections.Immutable.ImmutableArray<string> errors);
        Assert.True(files is not null, string.Join('\n', errors));
        Daemon = new Daemon(line, files, _log, PluginLimits.Standard) { Manager = Manager };
        await Daemon.StartAsync();
    }

    public Task<ReloadOutcome> ReloadAsync(bool dryRun = false) => Daemon.ReloadAsync(dryRun, "test", CancellationToken.None);

    public Task<string> HashAsync() => Daemon.GetConfigurationHashAsync(CancellationToken.None);

    public string StateOf(string plugin) => Daemon.GetPlugins().Single(report => report.Name == plugin).State;

    public async ValueTask DisposeAsync()
    {
        if (Daemon is not null)
            await Daemon.DisposeAsync();
        _log.Dispose();
        Scratch.Dispose();
    }

    private static string Edit(string text, string from, string to)
    {
        Assert.True(from.Length == 0 || text.Contains(from, StringComparison.Ordinal), $"there is no '{from}'");
        return from.Length == 0 ? text : text.Replace(from, to, StringComparison.Ordinal);
    }
}
