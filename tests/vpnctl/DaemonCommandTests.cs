namespace VibePN.Vpnctl.Tests;

public sealed class DaemonCommandTests
{
    private const string Status = """
        {"health":"degraded","name":"node1","networks":2,"node":"ab12","offloads":["quic: sent in runs"],"peers":2,"peers_configured":3,"pid":123,"routes":3,"uptime":"1h2m3s","version":"0.1.0","warnings":["certificate expires in 7 days"]}
        """;

    private const string Peers = """
        [{"address":"h:1","connections":1,"dropped_packets":0,"id":"aa","last_error":"","last_seen":"2026-11-22T17:08:36Z","loss_permille":3,"max_packet":1421,"name":"node2","networks":["corp","lab"],"next_dial_ms":null,"path_mtu":1452,"remote":"1.2.3.4:51820","role":"initiator","rtt_ms":0.4,"rx_bytes":1536,"rx_packets":9,"since":null,"state":"up","tx_bytes":20971520,"tx_packets":5},
         {"address":"h:2","connections":0,"dropped_packets":7,"id":"","last_error":"connection refused","last_seen":null,"loss_permille":0,"max_packet":null,"name":"node3","networks":["lab"],"next_dial_ms":250,"path_mtu":null,"remote":null,"role":null,"rtt_ms":null,"rx_bytes":0,"rx_packets":0,"since":null,"state":"waiting","tx_bytes":0,"tx_packets":0}]
        """;

    private const string Routes = """
        [{"age_s":12,"best":true,"expires":"2026-11-22T17:08:36Z","metric":256,"network":"corp","peer":"aa","peer_name":"node2","prefix":"10.42.0.5/32","source":"learned","stale":false},
         {"age_s":7500,"best":false,"expires":null,"metric":1,"network":"lab","peer":"bb","peer_name":"","prefix":"fd00::/64","source":"own","stale":true}]
        """;

    private const string Networks = """
        [{"addresses":["10.42.0.36/24","fd00::1/64"],"bytes_in":512,"bytes_out":0,"device":"vpn-1","drops":{"NoRoute":3,"Source":1},"error":"","mtu":1380,"name":"corp","originate":["192.168.7.0/24"],"packets_in":4,"packets_out":0,"peers_up":2}]
        """;

    private const string Netcheck = """
        {"clock":{"synchronised":true,"time":"2026-11-22T17:08:36Z"},"default_routes":{"ipv4":["eth0"],"ipv6":[]},"inbound_from":["node2"],"listen":["0.0.0.0:51820"],"nat":{"kind":"unknown","text":"unknown: it needs a word"},"peers":[{"addresses":["h:1"],"last_error":"","loss_permille":3,"name":"node2","path_mtu":1452,"remote":"1.2.3.4:5","rtt_ms":0.4,"state":"up"},{"addresses":["h:2"],"last_error":"refused","loss_permille":0,"name":"node3","path_mtu":null,"remote":null,"rtt_ms":null,"state":"waiting"}],"public_addresses":[],"sockets":[{"drops":0,"local":"0.0.0.0:51820","receive_buffer":8388608,"send_buffer":212992}],"warnings":["no IPv6"]}
        """;

    private const string Plugins = """
        [{"contract":"1.0","file":"plugins/tun-linux","hash":"ff00","name":"tun-linux","role":"tun","settings":{"tx_queue_length":"1000"},"state":"running","version":"0.1.0"}]
        """;

    [Theory]
    [InlineData("netcheck", "netcheck.run", Netcheck, """
        UDP socket:   0.0.0.0:51820, buffers 8 MiB in, 208 KiB out, 0 datagrams dropped
        Listen:       0.0.0.0:51820
        IPv4 route:   default on eth0
        IPv6 route:   no default route
        Public addresses of this machine: -
        NAT:          unknown: it needs a word
        Came in from: node2
        Clock:        2026-11-22T17:08:36Z, kept right by a time service
        Warning: no IPv6

        PEER   STATE    REACHED AT     RTT  PATH MTU   LOSS  LAST ERROR
        node2  up       1.2.3.4:5   0.4 ms    1452 B  0.3 %  -
        node3  waiting  -                -         -      -  refused

        """)]
    [InlineData("status", "status", Status, """
        Health: degraded
        Uptime: 1h2m3s
        Peers:  2
        Routes: 3
        Name:   node1
        Node:   ab12
        Configured: 3 peers, 2 networks
        Daemon: vibepnd 0.1.0, pid 123
        Offload: quic: sent in runs
        Warning: certificate expires in 7 days

        """)]
    [InlineData("status", "status", """{"peers":2,"routes":3,"uptime":"1h2m3s"}""", """
        Health: -
        Uptime: 1h2m3s
        Peers:  2
        Routes: 3

        """)]
    [InlineData("peers", "peers", Peers, """
        NAME   STATE    REMOTE            RTT   LOSS  RECEIVED    SENT  DROPPED  PATH MTU  LAST SEEN             NETWORKS  ID
        node2  up       1.2.3.4:51820  0.4 ms  0.3 %   1.5 KiB  20 MiB        0    1452 B  2026-11-22T17:08:36Z  corp,lab  aa
        node3  waiting  h:2                 -    0 %       0 B     0 B        7         -  -                     lab       -
        node3: connection refused; next attempt in 250 ms

        """)]
    [InlineData("peers", "peers", "null", "No peers.\n")]
    [InlineData("routes", "routes", Routes, """
        NETWORK  PREFIX        PEER   METRIC  USE           SOURCE         AGE  EXPIRES
        corp     10.42.0.5/32  node2     256  best          learned       12 s  2026-11-22T17:08:36Z
        lab      fd00::/64     bb          1  spare, stale  own      2 h 5 min  -

        """)]
    [InlineData("routes", "routes", "[]", "No routes.\n")]
    [InlineData("networks", "networks", Networks, """
        NETWORK  DEVICE  ADDRESSES                    MTU  PEERS UP  RECEIVED  PACKETS IN  SENT  PACKETS OUT  ORIGINATES
        corp     vpn-1   10.42.0.36/24,fd00::1/64  1380 B         2     512 B           4   0 B            0  192.168.7.0/24
        corp: packets dropped: NoRoute 3, Source 1

        """)]
    [InlineData("networks", "networks", "[]", "No networks.\n")]
    [InlineData("plugins list", "plugins.list", Plugins, """
        NAME       ROLE  STATE    VERSION  CONTRACT  FILE               SHA-256
        tun-linux  tun   running  0.1.0    1.0       plugins/tun-linux  ff00

        """)]
    [InlineData("plugins list", "plugins.list", "[]", "No plugins.\n")]
    [InlineData("reload", "reload", """{"changes":["peer node4 added"],"message":"config validated"}""", """
        OK
          peer node4 added

        """)]
    [InlineData("goodbye", "goodbye", """{"message":"sent goodbye to all peers"}""", "OK\n")]
    [InlineData("shutdown", "shutdown", """{"message":"shutting down"}""", "OK\n")]
    [InlineData("version", "version", """{"contracts":"1.0","daemon":"0.2.0","runtime":".NET 10.0.12"}""", """
        vpnctl:    0.1.0
        vibepnd:   0.2.0
        contracts: 1.0
        runtime:   .NET 10.0.12

        """)]
    public async Task People_read(string command, string method, string output, string expected)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(method, output);
        Outcome outcome = daemon.Vpnctl(command.Split(' '));
        Assert.Equal("", outcome.Error);
        Assert.Equal(expected, outcome.Out);
        Assert.Equal(0, outcome.ExitCode);
    }

    [Theory]
    [InlineData("status", "status", """{"a":[1,{"b":"it's <ok>"}],"uptime":"1s"}""", """
        {
          "a": [
            1,
            {
              "b": "it's <ok>"
            }
          ],
          "uptime": "1s"
        }

        """)]
    [InlineData("peers", "peers", "[]", "[]\n")]
    [InlineData("peers", "peers", "null", "[]\n")]
    [InlineData("routes", "routes", """[{"network":"corp"}]""", """
        [
          {
            "network": "corp"
          }
        ]

        """)]
    [InlineData("networks", "networks", "[]", "[]\n")]
    [InlineData("plugins list", "plugins.list", "[]", "[]\n")]
    [InlineData("reload", "reload", """{"message":"done"}""", """
        {
          "message": "done"
        }

        """)]
    [InlineData("goodbye", "goodbye", """{"message":"bye"}""", """
        {
          "message": "bye"
        }

        """)]
    [InlineData("shutdown", "shutdown", "null", "null\n")]
    [InlineData("version", "version", """{"contracts":"1.0","daemon":"0.2.0","runtime":".NET 10.0.12"}""", """
        {
          "client": "0.1.0",
          "contracts": "1.0",
          "daemon": "0.2.0",
          "runtime": ".NET 10.0.12"
        }

        """)]
    public async Task Scripts_read(string command, string method, string output, string expected)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(method, output);
        Outcome outcome = daemon.Vpnctl(["--json", .. command.Split(' ')]);
        Assert.Equal("", outcome.Error);
        Assert.Equal(expected, outcome.Out);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(outcome, daemon.Vpnctl([.. command.Split(' '), "-json"]));
    }

    [Fact]
    public async Task A_route_is_explained_line_by_line()
    {
        const string Answer = """
            {"candidates":[{"age_s":5,"announced_metric":3,"chosen":true,"damped_s":null,"metric":259,"peer":"aa","peer_name":"hub","penalty":0,"preference":120,"prefix":"192.168.7.0/24","reason":"Best","refused_by":null,"rule":"import rule 2 (config.toml, line 14) allows it","stale":false,"tags":["lan"],"text":"Chosen: nothing beats it."},
            {"age_s":null,"announced_metric":3,"chosen":false,"damped_s":75,"metric":null,"peer":"bb","peer_name":"lab","penalty":6000,"preference":null,"prefix":"192.168.0.0/16","reason":"Damped","refused_by":"damping","rule":"","stale":false,"tags":[],"text":"it changed too often lately"}],
            "covering":["192.168.0.0/16"],"destination":"192.168.7.20","direction":"out","drop":null,"egress":[{"max_packet":1421,"path_mtu":1452,"peer":"aa","peer_name":"hub","remote":"1.2.3.4:51820","rtt_ms":42,"state":"up","taken":true,"weight":1}],
            "fault":"","local":"","matched":"192.168.7.0/24","network":"corp","peer":"aa","policy":{"name":"routing-lpm","text":"words","version":"0.1.0"},"source":"10.42.0.9","source_check":{"own":true,"peers":[],"text":"10.42.0.9 is ours"},"table":{"age_s":2.3,"version":1841},"verdict":"forward to hub"}
            """;
        await using var daemon = new FakeDaemon(_ => $$"""{"status":"ok","output":{{Answer.ReplaceLineEndings("")}}}""" + "\n");
        Outcome outcome = daemon.Vpnctl("route", "explain", "192.168.7.20", "--network", "corp", "--from=10.42.0.9");
        Assert.Equal("", outcome.Error);
        Assert.Equal(["""{"cmd":"route.explain","destination":"192.168.7.20","network":"corp","from":"10.42.0.9"}"""], daemon.Requests);
        Assert.Equal("""
            destination 192.168.7.20  network corp  table 1841 (2.3 s old)
            match       192.168.7.0/24  (also covering: 192.168.0.0/16)
            candidates  2, accepted 1
                1 * 192.168.7.0/24 via hub  metric 259  pref 120  tags lan
                        Chosen: nothing beats it.
                        import rule 2 (config.toml, line 14) allows it
                2   192.168.0.0/16 via lab  refused by damping (Damped)
                        it changed too often lately
                        damping penalty 6000, not used for 1 min 15 s more
            policy      routing-lpm 0.1.0: words
            source      10.42.0.9 is ours
            egress      * hub: up, 1.2.3.4:51820, RTT 42 ms, path MTU 1452 B, inner max 1421 B
            verdict     forward to hub

            """, outcome.Out);
    }

    [Theory]
    [InlineData("routes", Routes, "lab", "corp")]
    [InlineData("peers", Peers, "corp", "node3")]
    [InlineData("networks", Networks, "lab", "corp")]
    public async Task Network_filter_applies_to_both_forms(string command, string output, string network, string hidden)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(command, output);
        Assert.Contains(hidden, daemon.Vpnctl(command).Out, StringComparison.Ordinal);
        Assert.DoesNotContain(hidden, daemon.Vpnctl(command, "--network", network).Out, StringComparison.Ordinal);
        Assert.DoesNotContain(
            $"\"{hidden}\"", daemon.Vpnctl(command, "--json", $"--network={network}").Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_from_the_daemon_do_not_reach_the_terminal()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(
            "peers", """[{"name":"a\u001b[31m\u202eb\n","state":"up","networks":["\u0007"],"last_error":"x\u0000y"}]""");
        string output = daemon.Vpnctl("peers").Out;
        Assert.Contains("a\\x1b[31m\\u202eb\\x0a", output, StringComparison.Ordinal);
        Assert.Contains("x\\x00y", output, StringComparison.Ordinal);
        Assert.DoesNotContain(output, c => char.IsControl(c) && c != '\n');
    }

    [Fact]
    public async Task Narrow_screen_shows_the_important_columns()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("peers", Peers);
        Outcome outcome = Outcome.Of(width: 60, colour: false, "peers", "--socket", daemon.Socket);
        Assert.All(outcome.Out.Split('\n'), line => Assert.InRange(line.Length, 0, 60));
        Assert.StartsWith("NAME   STATE    REMOTE            RTT  RECEIVED  NETWORKS", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Colour_is_used_only_where_it_is_wanted()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("status", Status);
        Assert.Contains("Health: \e[33mdegraded\e[0m\n",
            Outcome.Of(80, colour: true, "status", "--socket", daemon.Socket).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\e",
            Outcome.Of(80, colour: false, "status", "--socket", daemon.Socket).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"status":"ok","output":{"peers":"two","routes":{},"uptime":[],"warnings":7,"health":null}}""")]
    [InlineData("""{"status":"ok","output":[1,null,"x",{"name":5,"networks":"x","drops":[],"addresses":[{}]}]}""")]
    [InlineData("""{"status":"ok"}""")]
    [InlineData("""{"status":"ok","output":"\ud800"}""")]
    public async Task Strange_answers_are_shown_as_far_as_they_go(string answer)
    {
        await using var daemon = new FakeDaemon(_ => answer);
        foreach (string command in new[] { "status", "peers", "routes", "networks", "plugins list", "reload", "version", "route explain 10.0.0.1", "trust list", "trust pending", "trust show x", "trust deny x" })
            Assert.Equal(0, daemon.Vpnctl(command.Split(' ')).ExitCode);
    }

    [Fact]
    public async Task A_dry_run_of_reload_says_what_would_change()
    {
        await using var daemon = new FakeDaemon(_ => """{"status":"ok","output":{"changes":["network corp: mtu 1380 -> 1300"],"message":"","warnings":["old"]}}""" + "\n");
        Assert.Equal(new Outcome(0, "Would change:\n  network corp: mtu 1380 -> 1300\n", "Warning: old\n"), daemon.Vpnctl("reload", "--dry-run"));
        Assert.Equal(["""{"cmd":"reload","dry_run":true}"""], daemon.Requests);
        await using var same = new FakeDaemon(_ => """{"status":"ok","output":{"changes":[]}}""" + "\n");
        Assert.Equal("Nothing would change.\n", same.Vpnctl("reload", "--dry-run").Out);
    }

    [Fact]
    public async Task A_swap_names_role_and_plugin_and_shows_what_happened()
    {
        await using var daemon = new FakeDaemon(
            _ => """{"status":"ok","output":{"changes":["corp 10.0.0.0/8: a -> b"],"message":"b has taken the place of a.","took_ms":1.25}}""" + "\n");
        Assert.Equal(
            new Outcome(0, "b has taken the place of a.\nControl thread: 1.25 ms\n  corp 10.0.0.0/8: a -> b\n", ""),
            daemon.Vpnctl("plugins", "swap", "routing", "b"));
        daemon.Vpnctl("plugins", "swap", "trust", "b", "--replace", "a", "--dry-run");
        Assert.Equal(
            [
                """{"cmd":"plugins.swap","role":"routing","name":"b"}""",
                """{"cmd":"plugins.swap","role":"trust","name":"b","replace":"a","dry_run":true}""",
            ],
            daemon.Requests);
    }

    [Fact]
    public void A_swap_without_its_words_is_a_usage_error()
    {
        Outcome outcome = Outcome.Of("plugins", "swap", "routing");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("vpnctl plugins swap: NAME is missing.", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("'c' is one word too many", Outcome.Of("plugins", "swap", "routing", "b", "c").Error, StringComparison.Ordinal);
        Assert.Contains("Usage: vpnctl plugins swap ROLE NAME [OPTIONS]", Outcome.Of("plugins", "swap", "--help").Out, StringComparison.Ordinal);
    }
}
