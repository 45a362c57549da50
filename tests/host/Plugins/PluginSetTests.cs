using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Plugins;

public sealed class PluginSetTests : IDisposable
{
    private readonly PluginBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Every_role_is_filled_and_everything_stops_again()
    {
        PluginSet set = _bench.Set();
        await set.StartAsync();
        Assert.Equal(["fake-trust", "fake-routing", "fake-tun", "fake-transport", "fake-control"],
            set.All.Select(plugin => plugin.Entry.Name));
        Assert.All(set.All, plugin => Assert.Equal(PluginState.Running, plugin.State));
        Assert.Single(set.Of<ITransportPlugin>(PluginRole.Transport));
        await set.StopAsync();
        Assert.All(set.All, plugin => Assert.Equal(PluginState.Stopped, plugin.State));
    }

    [Theory]
    [InlineData("throws-in-constructor", ExitCodes.Internal, "could not be constructed: InvalidOperationException: built on sand")]
    [InlineData("throws-in-start", ExitCodes.Internal, "could not start: InvalidOperationException: no morning")]
    [InlineData("lacks-privilege", ExitCodes.Privilege, "could not start: /dev/net/tun needs CAP_NET_ADMIN.")]
    public async Task A_required_plugin_that_fails_ends_the_start_and_leaves_nothing_running(string name, int exitCode, string words)
    {
        _bench.Replace("tun", "faulty", name);
        PluginSet set = _bench.Set();
        DaemonException failure = await PluginBench.FailAsync(set);
        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains($"plugin '{name}' {words}", failure.Message, StringComparison.Ordinal);
        Assert.Equal(PluginState.Failed, set.All[2].State);
    }

    [Fact]
    public async Task A_plugin_that_hangs_in_start_is_given_up()
    {
        _bench.Replace("tun", "faulty", "hangs-in-start");
        _bench.Limits = new PluginLimits(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        DaemonException failure = await PluginBench.FailAsync(_bench.Set());
        Assert.Equal(ExitCodes.Internal, failure.ExitCode);
        Assert.Contains("plugin 'hangs-in-start' did not start within 0.1 s", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plugin_that_hangs_in_stop_is_abandoned_and_the_others_stop()
    {
        _bench.Replace("tun", "faulty", "hangs-in-stop");
        _bench.Limits = new PluginLimits(TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100));
        PluginSet set = _bench.Set();
        await set.StartAsync();
        await set.StopAsync();
        Assert.Equal(
            [PluginState.Stopped, PluginState.Stopped, PluginState.Zombie, PluginState.Stopped, PluginState.Stopped],
            set.All.Select(plugin => plugin.State));
    }

    [Fact]
    public async Task The_set_starts_without_an_optional_plugin_that_fails()
    {
        _bench.Use("broken-transport", "transport", _bench.Scratch.Install("faulty"), "optional = true");
        PluginSet set = _bench.Set();
        await set.StartAsync();
        Assert.Equal(["fake-transport", "broken-transport"],
            set.All.Where(plugin => plugin.Entry.Role == PluginRole.Transport).Select(plugin => plugin.Entry.Name));
        Assert.Equal(PluginState.Failed, set.All[4].State);
        Assert.Single(set.Of<ITransportPlugin>(PluginRole.Transport));
        await set.StopAsync();
    }

    [Fact]
    public async Task A_role_that_only_an_optional_plugin_could_fill_is_not_left_empty()
    {
        _bench.Replace("tun", "faulty", "throws-in-start", "optional = true");
        DaemonException failure = await PluginBench.FailAsync(_bench.Set());
        Assert.Equal(ExitCodes.Configuration, failure.ExitCode);
        Assert.Contains("no plugin runs for the role 'tun'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_and_store_reach_the_plugin()
    {
        _bench.Replace("tun", "faulty", "has-settings",
            "[plugin.settings]\nlabel = \"x y\"\nsize = 7\nloud = false\npause = \"1m30s\"\nnames = [\"a\", \"b\"]");
        PluginSet set = _bench.Set();
        await set.StartAsync();
        await set.StopAsync();
        Assert.Equal("x y red 7 False 90000 a+b", File.ReadAllText(_bench.Scratch.At("state/has-settings/seen")));
    }

    [Fact]
    public async Task A_trust_plugin_whose_code_let_an_exception_escape_refuses_everybody()
    {
        _bench.Replace("trust", "faulty", "fails-later");
        PluginSet set = _bench.Set();
        await set.StartAsync();
        FailClosedTrust trust = Assert.Single(set.Trust());
        int raised = 0;
        trust.Changed += () => raised++;
        Assert.Equal(TrustOutcome.Accept, trust.Decide(Request()).Outcome);

        Assert.Null(set.Attribute(new InvalidOperationException("not a plugin's")));
        Assert.Equal("fails-later", set.Attribute(Assert.Throws<InvalidOperationException>(trust.List)));
        trust.OnFault();
        Assert.Equal(1, raised);
        TrustVerdict verdict = trust.Decide(Request());
        Assert.Equal((TrustOutcome.Refuse, TrustReason.PluginFault), (verdict.Outcome, verdict.Reason));
        Assert.False(trust.List().Healthy);
        await set.StopAsync();
    }

    [Fact]
    public async Task Two_plugins_with_two_releases_of_one_library_run_side_by_side()
    {
        _bench.Use("uses-one", "trust", _bench.Scratch.Install("uses-one"));
        _bench.Use("uses-two", "trust", _bench.Scratch.Install("uses-two"));
        PluginSet set = _bench.Set();
        await set.StartAsync();
        string[] releases = [.. set.Of<ITrustPlugin>(PluginRole.Trust).Select(trust => trust.List().HealthText)];
        await set.StopAsync();
        Assert.Equal(["ok", "release one", "release two"], releases);
    }

    [Fact]
    public async Task A_folder_overwritten_in_place_does_not_touch_what_runs()
    {
        PluginSet set = _bench.Set();
        await set.StartAsync();
        foreach (string file in Directory.EnumerateFiles(_bench.Scratch.At("fakes")))
        {
            // In place, as cp does: truncating a mapped file is what would kill the process.
            using var stream = new FileStream(file, FileMode.Truncate);
            stream.Write("gone"u8);
        }

        ITransportPlugin transport = set.Of<ITransportPlugin>(PluginRole.Transport).Single();
        Assert.Equal("fake", transport.Traits.Scheme);
        Assert.Equal(default, transport.GetStatistics());
        await set.StopAsync();
        Assert.All(set.All, plugin => Assert.Equal(PluginState.Stopped, plugin.State));
    }

    [Fact]
    public async Task A_staged_copy_that_was_cut_short_is_made_again()
    {
        PluginSet first = _bench.Set();
        await first.StartAsync();
        await first.StopAsync();
        string staged = _bench.Scratch.At("state/cache/plugins/" + first.All[0].Hash);
        string assembly = Directory.EnumerateFiles(staged, "*.dll").Single();
        File.Delete(assembly); // never truncated in place: this process may still have it mapped
        File.WriteAllText(assembly, "");
        PluginSet second = _bench.Set();
        await second.StartAsync();
        await second.StopAsync();
        Assert.Equal(first.All[0].Hash, PluginPackage.TryHash(staged));
    }

    [Fact]
    public async Task Stopped_plugins_that_can_be_replaced_leave_the_memory()
    {
        WeakReference[] contexts = await RunOnceAsync();
        for (int i = 0; i < 200 && contexts.Any(context => context.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(20, TestContext.Current.CancellationToken); // the threads that ran the plugins are ending
        }

        Assert.Equal(3, contexts.Length);
        Assert.All(contexts, context => Assert.False(context.IsAlive));
    }

    private static TrustRequest Request() => new()
    {
        Fingerprint = Identity.Shared.Fingerprint,
        PublicKey = Identity.Shared.Fingerprint,
        CertificateDer = default,
        NotBefore = DateTimeOffset.MinValue,
        NotAfter = DateTimeOffset.MaxValue,
        Role = ConnectionRole.Responder,
        Peers = [],
        Protocol = "vibepn/1",
        Remote = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1),
        Now = DateTimeOffset.UnixEpoch,
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference[]> RunOnceAsync()
    {
        PluginSet set = _bench.Set();
        await set.StartAsync();
        Assert.Equal("fake", TraitsOf(set).Scheme);
        await set.StopAsync();
        Assert.All(set.All, plugin => Assert.Equal(plugin.Entry.Role is not (PluginRole.Tun or PluginRole.Transport), plugin.Context is not null));
        return [.. set.All.Select(plugin => plugin.Context).OfType<WeakReference>()];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TransportTraits TraitsOf(PluginSet set) =>
        set.Of<ITransportPlugin>(PluginRole.Transport).Single().Traits;
}
