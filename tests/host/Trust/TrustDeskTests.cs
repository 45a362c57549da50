using VibePN.Contracts;
using VibePN.Host.Control;
using VibePN.Host.Tests.Running;
using VibePN.Host.Trust;

namespace VibePN.Host.Tests.Trust;

/// <summary>Orders over real plugins in a daemon that reaches nobody. <c>trust-picky</c> takes no orders.</summary>
public sealed class TrustDeskTests : IAsyncDisposable
{
    private const string Picky = """
        [[plugin]]
        name = "trust-picky"
        role = "trust"
        path = "policies"
        """;

    private static readonly string Stranger = new('7', 64);

    private readonly DaemonBench _bench = new();

    [Fact]
    public async Task An_order_that_no_plugin_can_carry_out_is_an_error_and_not_silence()
    {
        await _bench.StartAsync();
        TrustAnswer answer = await OrderAsync(new TrustWish(TrustAction.Deny, Stranger, DryRun: false));
        Assert.Equal((ControlError.Conflict, "trust-picky: no orders taken"), (answer.Error, answer.Text));
    }

    [Fact]
    public async Task A_denial_goes_to_all_and_one_that_carries_it_out_is_enough()
    {
        await StartWithTofuAsync();
        TrustAnswer answer = await OrderAsync(new TrustWish(TrustAction.Deny, Stranger, DryRun: false));
        Assert.Equal(ControlError.None, answer.Error);
        Assert.Equal([("trust-picky", false), ("trust-tofu", true)], answer.Plugins.Select(plugin => (plugin.Plugin, plugin.Done)));
        TrustEntry denied = Assert.Single((await BookAsync()).Entries, entry => entry.State == TrustState.Denied);
        Assert.Equal(Stranger, denied.Fingerprint.ToString());
        Assert.Equal(ControlError.None, (await OrderAsync(new TrustWish(TrustAction.Forget, Stranger, DryRun: false))).Error);
        Assert.DoesNotContain((await BookAsync()).Entries, entry => entry.State == TrustState.Denied);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_and_changes_nothing()
    {
        await StartWithTofuAsync();
        TrustAnswer answer = await OrderAsync(new TrustWish(TrustAction.Deny, Stranger, DryRun: true));
        Assert.Equal(ControlError.None, answer.Error);
        Assert.EndsWith("Nothing was changed.", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain((await BookAsync()).Entries, entry => entry.State == TrustState.Denied);
        Assert.False(File.Exists(_bench.Scratch.At("state/trust-tofu/pins")));
    }

    [Fact]
    public async Task A_damaged_store_refuses_orders_with_its_sentence_and_stays_as_it_is()
    {
        _bench.Scratch.Write("state/trust-tofu/pins", "rubbish");
        await StartWithTofuAsync();
        foreach (bool dryRun in new[] { true, false })
        {
            TrustAnswer answer = await OrderAsync(new TrustWish(TrustAction.Deny, Stranger, dryRun));
            Assert.Equal(ControlError.Unavailable, answer.Error);
            Assert.Contains("it is damaged", answer.Text, StringComparison.Ordinal);
        }
        Assert.Equal("rubbish", await File.ReadAllTextAsync(_bench.Scratch.At("state/trust-tofu/pins"), TestContext.Current.CancellationToken));
        Assert.Contains("it is damaged", Assert.Single((await BookAsync()).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_others_can_read_refuses_orders_too()
    {
        File.SetUnixFileMode(_bench.Scratch.Write("state/trust-tofu/pins", ""), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await StartWithTofuAsync();
        TrustAnswer answer = await OrderAsync(new TrustWish(TrustAction.Deny, Stranger, DryRun: false));
        Assert.Equal(ControlError.Unavailable, answer.Error);
        Assert.Contains("chmod 0600", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_by_signal_leaves_a_line_with_its_outcome()
    {
        await _bench.StartAsync();
        await _bench.Daemon.ReloadBySignalAsync("SIGHUP");
        _bench.WriteConfig("mtu = 1380", "mtu = 5");
        await _bench.Daemon.ReloadBySignalAsync("SIGHUP");
        string[] lines = await File.ReadAllLinesAsync(_bench.Scratch.At("state/" + AuditLog.FileName), TestContext.Current.CancellationToken);
        Assert.Contains("\"principal\":\"SIGHUP\",\"method\":\"reload\",\"parameters\":{},\"outcome\":\"ok\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"outcome\":\"invalid_config\"", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
    }

    public async ValueTask DisposeAsync() => await _bench.DisposeAsync();

    private Task StartWithTofuAsync()
    {
        _bench.WritePlugins("schema = 1\n", $"""
            schema = 1
            {Picky}
            [[plugin]]
            name = "trust-tofu"
            role = "trust"
            path = "{Scratch.PluginOutput("trust-tofu")}"

            """);
        // The bench has its own entry of the same plugin.
        _bench.Scratch.Write("plugins.toml", _bench.Plugins.Replace(Picky + "\n[plugin.settings]\nrefuse = [\"node9\"]\n", "", StringComparison.Ordinal));
        return _bench.StartAsync();
    }

    private Task<TrustAnswer> OrderAsync(TrustWish wish) => _bench.Daemon.Trust.OrderAsync(wish, TestContext.Current.CancellationToken);

    private Task<TrustBook> BookAsync() => _bench.Daemon.Trust.GetBookAsync(TestContext.Current.CancellationToken);
}
