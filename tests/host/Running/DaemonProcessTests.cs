using System.Net;
using System.Net.Sockets;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class DaemonProcessTests : IDisposable
{
    private readonly DaemonProcess _daemon = new();

    public void Dispose() => _daemon.Dispose();

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_ends_the_daemon_in_order(string signal)
    {
        _daemon.Start();
        await _daemon.SeeAsync("[host] ready after");
        _daemon.Signal(signal);
        Assert.Equal(ExitCodes.Ok, await _daemon.ExitAsync());
        await _daemon.SeeAsync("[host] stopped");
        Assert.DoesNotContain("ERROR", _daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_says_ok_and_starts_nothing()
    {
        _daemon.Start("--check");
        Assert.Equal(ExitCodes.Ok, await _daemon.ExitAsync());
        Assert.Equal("ok", _daemon.Output.Trim());
        Assert.False(Directory.Exists(_daemon.Scratch.At("state")));
    }

    [Fact]
    public async Task Errors_of_both_files_and_the_plugins_come_together_and_nothing_starts()
    {
        _daemon.WriteConfig("[log]\nlevle = \"info\"");
        _daemon.WritePlugins("other-major", "other-major");
        _daemon.Start();
        Assert.Equal(ExitCodes.Configuration, await _daemon.ExitAsync());
        Assert.Contains("config.toml(11,1): error VPN1004: unknown key 'levle' in [log]; did you mean 'level'?", _daemon.Output, StringComparison.Ordinal);
        Assert.Contains("plugins.toml(5,3): error VPN1101: plugin 'other-major'", _daemon.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_daemon.Scratch.At("state")));
    }

    [Theory]
    [InlineData("lacks-privilege", ExitCodes.Privilege, "vibepnd: plugin 'lacks-privilege' could not start: /dev/net/tun needs CAP_NET_ADMIN.")]
    [InlineData("throws-in-start", ExitCodes.Internal, "plugin 'throws-in-start' could not start: InvalidOperationException: no morning")]
    public async Task A_plugin_that_cannot_start_ends_the_daemon_with_its_sentence(string plugin, int exitCode, string words)
    {
        _daemon.WritePlugins("faulty", plugin);
        _daemon.Start();
        Assert.Equal(exitCode, await _daemon.ExitAsync());
        Assert.Contains(words, _daemon.Output, StringComparison.Ordinal);
        Assert.Contains("[host/plugins] plugin fake-trust stopped", _daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_metrics_port_ends_the_start()
    {
        using var taken = new TcpListener(IPAddress.Loopback, _daemon.MetricsPort);
        taken.Start();
        _daemon.Start();
        Assert.Equal(ExitCodes.Unavailable, await _daemon.ExitAsync());
        Assert.Contains("vibepnd: metrics cannot be served at", _daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_daemon_does_not_share_the_state_directory()
    {
        _daemon.Start();
        await _daemon.SeeAsync("[host] ready after");
        using var second = new DaemonProcess();
        second.Scratch.Write("config.toml", File.ReadAllText(second.Scratch.At("config.toml"))
            .Replace("state = \"state\"", $"state = \"{_daemon.Scratch.At("state")}\"", StringComparison.Ordinal));
        second.Start();
        Assert.Equal(ExitCodes.Unavailable, await second.ExitAsync());
        Assert.Contains("is in use by another vibepnd", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plugins_exception_on_its_own_thread_is_attributed_and_survived()
    {
        _daemon.WritePlugins("faulty", "throws-on-thread");
        _daemon.Start();
        await _daemon.SeeAsync("[host] ready after");
        _daemon.Scratch.Write("state/throws-on-thread/go", "");
        await _daemon.SeeAsync(
            "FATAL [host/plugins] plugin throws-on-thread let an exception escape on a thread of its own and counts as failed: "
            + "InvalidOperationException: loose thread");
        _daemon.Signal("TERM");
        Assert.Equal(ExitCodes.Ok, await _daemon.ExitAsync());
    }

    [Fact]
    public async Task Hang_up_reads_the_configuration_again_and_a_bad_one_changes_nothing()
    {
        _daemon.Start();
        await _daemon.SeeAsync("[host] ready after");
        _daemon.WriteConfig("[log]\nlevel = \"loud\"");
        _daemon.Signal("HUP");
        await _daemon.SeeAsync("reload by SIGHUP refused, nothing changed: config.toml(11,9): error VPN1007");
        _daemon.WriteConfig("[log]\nlevel = \"debug\"");
        _daemon.Signal("HUP");
        await _daemon.SeeAsync("reload by SIGHUP: log.level: information -> debug");
    }

    [Fact]
    public async Task The_unix_socket_serves_every_method()
    {
        _daemon.WritePlugins("fakes", "fake-tun", "control-unix", Scratch.PluginOutput("control-unix"));
        Directory.CreateDirectory(_daemon.Scratch.At("run"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _daemon.Start();
        await _daemon.SeeAsync("[host] ready after");
        string status = await _daemon.AskAsync("status");
        Assert.StartsWith("""{"status":"ok","output":{"config_hash":""", status, StringComparison.Ordinal);
        Assert.Contains("\"health\":\"ok\",\"health_reason\":\"\",\"network_states\":[],\"networks\":0,\"node\":", status, StringComparison.Ordinal);
        Assert.Equal("""{"status":"ok","output":[]}""", (await _daemon.AskAsync("peers")).Trim());
        Assert.Contains("\"name\":\"fake-trust\",\"role\":\"trust\",\"settings\":{},\"state\":\"running\"", await _daemon.AskAsync("plugins.list"), StringComparison.Ordinal);
        _daemon.WriteConfig("nope = 1");
        Assert.Contains("config.toml(10,1): error VPN1004: unknown key 'nope' in [metrics]", await _daemon.AskAsync("reload"), StringComparison.Ordinal);
        Assert.Equal("""{"status":"ok","output":{"message":"shutting down"}}""", (await _daemon.AskAsync("shutdown")).Trim());
        Assert.Equal(ExitCodes.Ok, await _daemon.ExitAsync());
        Assert.False(File.Exists(_daemon.Scratch.At("run/control.sock")));
    }
}
