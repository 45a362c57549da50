using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Tests;

/// <summary>What is shown again and again, and tables on narrow screens.</summary>
public sealed class WatchTests
{
    [Fact]
    public async Task Without_a_screen_one_sample_follows_the_other()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("routes", "[]");
        Assert.Equal("No routes.\nNo routes.\nNo routes.\n", Watch(3, null, "routes", "--watch", "0.1", "--socket", daemon.Socket));
        Assert.Equal("[]\n[]\n", Watch(2, null, "routes", "--watch", "--json", "--socket", daemon.Socket));
        Assert.Equal(5, daemon.Requests.Count);
    }

    [Fact]
    public async Task On_a_screen_each_sample_takes_the_place_of_the_one_before()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("status", """{"health":"ok","uptime":"1s","peers":1,"routes":2}""");
        string one = "\e[HHealth: ok\e[K\nUptime: 1s\e[K\nPeers:  1\e[K\nRoutes: 2\e[K\n\e[J";
        Assert.Equal(one + one, Watch(2, 24, "status", "--watch=5", "--socket", daemon.Socket));
        Assert.Equal("\e[HHealth: ok\e[K\n... 3 more lines\e[K\n\e[J", Watch(1, 3, "status", "--watch", "--socket", daemon.Socket));
    }

    [Fact]
    public void A_daemon_that_is_away_does_not_end_the_watching()
    {
        string shown = Watch(2, null, "status", "--watch", "1", "--socket", "/nonexistent/s");
        Assert.Equal(2, shown.Split("vibepnd cannot be reached").Length - 1);
    }

    [Theory]
    [InlineData("status --watch 0", "--watch takes 0.1 to 3600 seconds, not '0'.")]
    [InlineData("status --watch=soon", "--watch takes 0.1 to 3600 seconds, not 'soon'.")]
    [InlineData("top --interval 0", "--interval takes 0.05 to 60 seconds.")]
    [InlineData("ping x --size 7", "--size takes 8 to 65000 bytes.")]
    [InlineData("ping x --count -1", "--count takes 0 to 1000000.")]
    [InlineData("events --since yesterday", "--since is 'yesterday'; it must be a time such as 90s, 5m, 2h30m or 1d.")]
    [InlineData("log level debug --for 5", "--for is '5'; it must be a time such as 90s, 5m, 2h30m or 1d.")]
    [InlineData("log level", "LEVEL is missing.")]
    [InlineData("routes --all --filtered", "--filtered and --all exclude each other.")]
    [InlineData("peers node2 --network corp", "--network filters the list of peers")]
    [InlineData("completion tcsh", "'tcsh' is no shell that completion is made for")]
    public void A_mistake_is_2_with_a_sentence(string line, string message)
    {
        Outcome outcome = Outcome.Of(line.Split(' '));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(2, outcome.ExitCode);
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("2h30m", 9_000)]
    [InlineData("1d", 86_400)]
    [InlineData("1.5m", 90)]
    [InlineData("250ms", 0.25)]
    public void Times_are_read_as_operators_write_them(string text, double seconds) =>
        Assert.Equal(seconds, DurationText.Parse("--for", text).TotalSeconds);

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("-5m")]
    [InlineData("5 m")]
    [InlineData("999999999d")]
    [InlineData("5m\n")]
    public void What_is_no_time_is_refused(string text) => Assert.Throws<CommandException>(() => DurationText.Parse("--for", text));

    [Fact]
    public async Task Top_shows_rates_by_the_daemons_clock_busiest_first_and_gives_the_screen_back()
    {
        int samples = 0;
        await using var daemon = new FakeDaemon(_ =>
        {
            long n = samples++;
            return $$"""{"status":"ok","output":[{"name":"idle","state":"up","since":"s","sampled_ms":{{n * 2000}},"rx_bytes":0,"tx_bytes":0,"rx_packets":0,"tx_packets":0,"rtt_ms":1,"loss_permille":0},{"name":"busy","state":"up","since":"s","sampled_ms":{{n * 2000}},"rx_bytes":{{n * 1_000_000}},"tx_bytes":{{n * 500}},"rx_packets":{{n * 800}},"tx_packets":{{n * 20}},"rtt_ms":2,"loss_permille":5}]}""" + "\n";
        });
        Outcome once = daemon.Vpnctl("top", "--once", "--interval", "0.05");
        Assert.Equal("""
            2 of 2 peers up, receiving 4 Mbit/s, sending 2 kbit/s
            PEER  STATE  RECEIVING   SENDING  PACKETS IN  PACKETS OUT   RTT   LOSS
            busy  up      4 Mbit/s  2 kbit/s       400/s         10/s  2 ms  0.5 %
            idle  up       0 bit/s   0 bit/s         0/s          0/s  1 ms    0 %

            """, once.Out);
        string screen = Watch(2, 24, "top", "--interval", "0.05", "--socket", daemon.Socket);
        Assert.StartsWith("\e[?1049h\e[?25l\e[H", screen, StringComparison.Ordinal);
        Assert.EndsWith("\e[?25h\e[?1049l", screen, StringComparison.Ordinal);
        Assert.Contains("q quits", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Top_subtracts_nothing_across_two_connections()
    {
        int samples = 0;
        await using var daemon = new FakeDaemon(_ => $$"""{"status":"ok","output":[{"name":"a","state":"up","since":"{{samples++}}","sampled_ms":{{samples * 1000}},"rx_bytes":5000,"tx_bytes":0,"rx_packets":0,"tx_packets":0}]}""" + "\n");
        Assert.Contains("\"rx_bits_per_s\": null", daemon.Vpnctl("top", "--json", "--interval", "0.05").Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(40)]
    [InlineData(20)]
    public void A_table_is_never_wider_than_the_screen(int width)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var table = new Table(new Column("NAME"), new Column("OPTIONAL", 1), new Column("ADDRESS"), new Column("N", AlignRight: true));
        table.Add(new string('x', 60), "an optional value", new string('y', 50), "123");
        table.Write(new Terminal(output, output, width, false));
        Assert.All(output.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, width));
        Assert.Equal(width == 200, output.ToString().Contains("optional value", StringComparison.Ordinal));
        Assert.Equal(width < 200, output.ToString().Contains('…', StringComparison.Ordinal));
        Assert.Contains("123", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ping_without_an_answer_is_a_failure_and_a_dropped_event_is_shown()
    {
        await using var daemon = new FakeDaemon(_ =>
            """{"v":1,"event":{"kind":"lost","address":"10.0.0.1","seq":1,"text":"no answer within 2 s"}}""" + "\n" + """{"v":1,"ok":true,"done":true}""" + "\n");
        Outcome outcome = daemon.Vpnctl("ping", "node2", "--count", "1", "--interval", "0.5", "--size", "100", "--network", "corp");
        Assert.Equal(1, outcome.ExitCode);
        Assert.EndsWith("1 packets sent, 0 received, 100 % lost\n", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(
            ["""{"cmd":"ping.run","target":"node2","network":"corp","count":1,"interval_ms":500,"size":100,"wait_ms":2000}"""], daemon.Requests);
    }

    [Fact]
    public async Task What_is_asked_of_events_and_levels_reaches_the_daemon()
    {
        await using var daemon = new FakeDaemon(request => request.Contains("events", StringComparison.Ordinal)
            ? """{"v":1,"ok":true,"done":true}""" + "\n" : """{"status":"ok","output":{"message":"done"}}""" + "\n");
        daemon.Vpnctl("events", "--since", "90s", "--kind", "peer.*, route.added");
        daemon.Vpnctl("events", "--since", "41", "--follow");
        daemon.Vpnctl("log", "level", "warn");
        daemon.Vpnctl("log", "level", "engine", "debug", "--for", "10m", "--dry-run");
        daemon.Vpnctl("peers", "disconnect", "node2", "--dry-run");
        Assert.Equal(
            [
                """{"cmd":"events.subscribe","since_s":90,"kinds":["peer.*","route.added"]}""",
                """{"cmd":"events.subscribe","since":41,"follow":true}""",
                """{"cmd":"log.set_level","level":"warn"}""",
                """{"cmd":"log.set_level","component":"engine","level":"debug","for_s":600,"dry_run":true}""",
                """{"cmd":"peers.disconnect","name":"node2","dry_run":true}""",
            ],
            daemon.Requests);
    }

    /// <summary>Watches for so many rounds, then presses q.</summary>
    private static string Watch(int rounds, int? height, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        int waits = 0;
        var terminal = new Terminal(output, output, height is null ? null : 100, false)
        {
            Height = height,
            WaitForKey = _ => ++waits >= rounds ? 'q' : null,
        };
        Assert.Equal(0, Dispatcher.Run(arguments, terminal));
        return output.ToString();
    }
}
