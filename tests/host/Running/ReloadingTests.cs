using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class ReloadingTests
{
    [Fact]
    public async Task The_same_files_change_nothing()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        string hash = await bench.HashAsync();
        Assert.Empty((await bench.ReloadAsync(dryRun: true)).Changes);
        Assert.Empty((await bench.ReloadAsync()).Changes);
        Assert.Equal(hash, await bench.HashAsync());
    }

    [Theory]
    [InlineData("mtu = 1380", "mtu = 1300", "network corp: mtu 1380 -> 1300")]
    [InlineData("mtu = 1380", "mss_clamp = false", "network corp: mss_clamp true -> false")]
    [InlineData("mtu = 1380", "overlap = \"allow\"", "network corp: overlap refuse -> allow")]
    [InlineData("export = true", "", "network corp: export true -> false")]
    [InlineData("originate = [\"192.168.7.0/24\"]", "", "network lab: originate [192.168.7.0/24] -> []")]
    [InlineData("203.0.113.2:51820", "203.0.113.9:51820", "peer node2: addresses [\"203.0.113.2:51820\"] -> [\"203.0.113.9:51820\"]")]
    [InlineData("level = \"error\"", "level = \"warn\"", "log.level: error -> warning")]
    [InlineData("[\"127.0.0.1:51820\"]", "[\"127.0.0.1:51821\"]", "listen: [127.0.0.1:51820] -> [127.0.0.1:51821]")]
    public async Task A_change_of_configuration_is_planned_made_and_in_effect(string from, string to, string line)
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        string hash = await bench.HashAsync();
        bench.WriteConfig(from, to);
        Assert.Equal([line], (await bench.ReloadAsync(dryRun: true)).Changes);
        Assert.Equal(hash, await bench.HashAsync());
        Assert.Equal([line], (await bench.ReloadAsync()).Changes);
        Assert.NotEqual(hash, await bench.HashAsync());
        Assert.Empty((await bench.ReloadAsync()).Changes);
        bench.WriteConfig();
        await bench.ReloadAsync();
        Assert.Equal(hash, await bench.HashAsync());
    }

    [Fact]
    public async Task Identity_and_state_wait_for_the_next_start_and_are_said_each_time()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        string hash = await bench.HashAsync();
        Identity other = Identity.Make();
        other.WriteTo(bench.Scratch);
        bench.WriteConfig("state = \"state\"", "state = \"elsewhere\"");
        for (int i = 0; i < 2; i++)
        {
            ReloadOutcome outcome = await bench.ReloadAsync();
            Assert.Equal(ControlError.None, outcome.Error);
            Assert.Equal(
                [
                    $"identity: {Identity.Shared.Fingerprint} -> {other.Fingerprint} at the next start",
                    $"state: \"{bench.Scratch.At("state")}\" -> \"{bench.Scratch.At("elsewhere")}\" at the next start",
                ],
                outcome.Changes);
            Assert.Equal(outcome.Changes, bench.Daemon.Pending);
        }

        // Automatic addresses follow from who the daemon is, not from who it will be.
        Assert.Equal(hash, await bench.HashAsync());
    }

    [Fact]
    public async Task Metrics_move_to_another_address_and_a_taken_one_refuses_the_reload()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        string taken = probe.LocalEndpoint.ToString()!;
        string hash = await bench.HashAsync();
        bench.WriteConfig("[metrics]\nlisten = \"\"", $"[metrics]\nlisten = \"{taken}\"");
        ReloadOutcome refused = await bench.ReloadAsync();
        Assert.Equal(ControlError.Unavailable, refused.Error);
        Assert.Contains("metrics cannot be served", refused.Text, StringComparison.Ordinal);
        Assert.Equal(hash, await bench.HashAsync());
        probe.Stop();
        Assert.Equal([$"metrics.listen: none -> {taken}"], (await bench.ReloadAsync()).Changes);
        using var client = new HttpClient();
        string text = await client.GetStringAsync(new Uri($"http://{taken}/metrics"), TestContext.Current.CancellationToken);
        Assert.Contains("vibepn_build_info", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_of_a_plugin_that_can_take_them_change_in_place()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        bench.WritePlugins("[\"node9\"]", "[\"node8\"]");
        Assert.Equal(["plugin trust-picky: refuse [\"node9\"] -> [\"node8\"]"], (await bench.ReloadAsync()).Changes);
        Assert.Equal("[\"node8\"]", bench.Daemon.GetPlugins().Single(plugin => plugin.Name == "trust-picky").Settings["refuse"]);
        string hash = await bench.HashAsync();
        bench.WritePlugins("[\"node9\"]", "[\"everybody\"]");
        ReloadOutcome refused = await bench.ReloadAsync();
        Assert.Equal(ControlError.InvalidConfig, refused.Error);
        Assert.Contains("error VPN1111: plugin 'trust-picky' does not take its new settings: nobody would be left", refused.Text, StringComparison.Ordinal);
        Assert.Equal(hash, await bench.HashAsync());
    }

    [Fact]
    public async Task Another_routing_plugin_takes_over_and_what_only_stands_by_is_noted()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        Assert.Equal("standby", bench.StateOf("policy-last"));
        bench.WritePlugins("words = \"many\"", "words = \"few\"");
        Assert.Equal(["standby policy-last: words \"many\" -> \"few\""], (await bench.ReloadAsync()).Changes);
        bench.WritePlugins("name = \"policy-first\"", "name = \"policy-none\"");
        Assert.Contains("role routing: policy-first -> policy-none (new instance)", (await bench.ReloadAsync()).Changes);
        Assert.Equal("running", bench.StateOf("policy-none"));
        Assert.DoesNotContain(bench.Daemon.GetPlugins(), plugin => plugin.Name == "policy-first");
    }

    [Fact]
    public async Task A_swap_outlives_a_reload_that_leaves_the_role_alone()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        SwapOutcome swap = await bench.Daemon.SwapAsync(
            new SwapRequest("routing", "policy-last", null, DryRun: false), "test", CancellationToken.None);
        Assert.Contains("until the daemon is started anew", swap.Text, StringComparison.Ordinal);
        bench.WriteConfig("mtu = 1380", "mtu = 1300");
        await bench.ReloadAsync();
        Assert.Equal(("running", "standby"), (bench.StateOf("policy-last"), bench.StateOf("policy-first")));
        bench.WritePlugins("name = \"policy-first\"", "name = \"policy-none\"");
        Assert.Contains("role routing: policy-last -> policy-none (new instance)", (await bench.ReloadAsync()).Changes);
        Assert.Equal(("running", "standby"), (bench.StateOf("policy-none"), bench.StateOf("policy-last")));
    }

    [Fact]
    public async Task A_plugin_that_does_not_start_refuses_the_reload_and_nothing_else_of_it_happens()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        string hash = await bench.HashAsync();
        bench.WriteConfig("mtu = 1380", "mtu = 1300");
        bench.WritePlugins("name = \"policy-first\"", "name = \"policy-unstarted\"");
        ReloadOutcome refused = await bench.ReloadAsync();
        Assert.NotEqual(ControlError.None, refused.Error);
        Assert.Contains("it is raining", refused.Text, StringComparison.Ordinal);
        Assert.Equal(hash, await bench.HashAsync());
    }

    [Fact]
    public async Task Interfaces_and_transports_keep_their_plugins_until_the_next_start()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        bench.WritePlugins("name = \"fake-tun\"\nrole = \"tun\"\npath = \"fakes\"", "name = \"throws-on-thread\"\nrole = \"tun\"\npath = \"faulty\"");
        Assert.Equal(["role tun: fake-tun -> throws-on-thread at the next start"], (await bench.ReloadAsync()).Changes);
        Assert.Equal("running", bench.StateOf("fake-tun"));
        Assert.Equal(["role tun: fake-tun -> throws-on-thread at the next start"], bench.Daemon.Pending);
    }

    [Fact]
    public async Task Two_hundred_invalid_files_change_nothing_and_each_says_where_it_is_wrong()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        string hash = await bench.HashAsync();
        string plugins = string.Join(' ', bench.Daemon.GetPlugins());
        var random = new Random(20261122);
        int refused = 0;
        for (int i = 0; refused < 200; i++)
        {
            Assert.True(i < 2_000, "too few of the mutations are invalid");
            bool isConfig = i % 4 != 0;
            string path = bench.Scratch.At(isConfig ? "config.toml" : "plugins.toml");
            string good = File.ReadAllText(path);
            bench.Scratch.Write(Path.GetFileName(path), Mutate(good, random));
            ReloadOutcome outcome = await bench.ReloadAsync(dryRun: true);
            if (outcome.Error != ControlError.None)
            {
                outcome = await bench.ReloadAsync();
                Assert.Equal(ControlError.InvalidConfig, outcome.Error);
                Assert.All(outcome.Text.Split('\n'), line => Assert.Matches(@"^/.*\.toml.*: error VPN\d{4}: ", line));
                Assert.Equal(hash, await bench.HashAsync());
                refused++;
            }

            bench.Scratch.Write(Path.GetFileName(path), good);
        }

        Assert.Equal(plugins, string.Join(' ', bench.Daemon.GetPlugins()));
        Assert.Empty((await bench.ReloadAsync()).Changes);
    }

    [Fact]
    public void Every_setting_of_the_host_is_compared() => Assert.Equal(
        typeof(HostSettings).GetProperties().Where(property => property.CanWrite).Select(property => property.Name).Order(),
        ReloadPlan.ComparedSettings.Order());

    [Theory]
    [InlineData("[control]\nsocket = \"run/control.sock\"", "[control]\nsocket = \"run/moved.sock\"", "", "", "run/moved.sock")]
    [InlineData("", "", "[plugin.settings]\nmode = \"0600\"", "[plugin.settings]\nmode = \"0660\"", "run/control.sock")]
    public async Task A_control_plugin_that_is_replaced_still_answers_who_asked_for_it(
        string configFrom, string configTo, string pluginsFrom, string pluginsTo, string socket)
    {
        await using var bench = new DaemonBench();
        string control = $"name = \"control-unix\"\nrole = \"control\"\npath = \"{Scratch.PluginOutput("control-unix")}\"\n[plugin.settings]\nmode = \"0600\"";
        bench.WritePlugins("name = \"fake-control\"\nrole = \"control\"\npath = \"fakes\"", control);
        Directory.CreateDirectory(bench.Scratch.At("run"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await bench.StartAsync();
        bench.WriteConfig(configFrom, configTo);
        if (pluginsFrom.Length > 0)
            bench.Scratch.Write("plugins.toml", bench.Plugins.Replace(pluginsFrom, pluginsTo, StringComparison.Ordinal));
        string answer = await AskAsync(bench.Scratch.At("run/control.sock"), "reload");
        Assert.Contains("\"status\":\"ok\"", answer, StringComparison.Ordinal);
        string status = await UntilAnswersAsync(bench.Scratch.At(socket));
        Assert.Contains("\"config_hash\"", status, StringComparison.Ordinal);
    }

    private static string Mutate(string text, Random random)
    {
        string[] lines = text.Split('\n');
        int at = random.Next(lines.Length);
        lines[at] = random.Next(6) switch
        {
            0 => lines[at].Length == 0 ? "=" : lines[at][..random.Next(lines[at].Length)],
            1 => lines[at] + "\nsurplus = 1",
            2 => lines[at].Replace("= ", "= -", StringComparison.Ordinal),
            3 => lines[at].Replace('4', '9').Replace("/9", "/99", StringComparison.Ordinal),
            4 => new string([.. lines[at].Reverse()]),
            _ => "",
        };
        return string.Join('\n', lines);
    }

    private static async Task<string> UntilAnswersAsync(string socket)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                string answer = await AskAsync(socket, "status");
                if (answer.Contains("\"status\":\"ok\"", StringComparison.Ordinal) || i == 500)
                    return answer;
            }
            catch (Exception exception) when (exception is SocketException or IOException && i < 500)
            {
                // The new instance does not serve yet, or the old one is just closing.
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<string> AskAsync(string path, string command)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes($"{{\"cmd\":\"{command}\"}}\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(new NetworkStream(socket));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
