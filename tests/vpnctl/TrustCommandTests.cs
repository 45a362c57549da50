namespace VibePN.Vpnctl.Tests;

public sealed class TrustCommandTests
{
    private static readonly string Print = new('7', 64);
    private static readonly string Old = new('2', 64);

    private static string Entry(string state, string peer = "", string pinned = "null", string voided = "") =>
        $$"""{"fingerprint":"{{Print}}","first_seen":"2026-11-22T12:00:00Z","how":"dialled","last_seen":null,"peer":"{{peer}}","pinned":{{pinned}},"plugins":["trust-tofu"],"public_key":null,"remote":"192.0.2.2:1","sessions":0,"state":"{{state}}","void":"{{voided}}"}""";

    private static FakeDaemon Saying(string output) => new(_ => $$"""{"status":"ok","output":{{output}}}""" + "\n");

    [Fact]
    public async Task The_list_begins_with_the_health_of_the_store_and_shows_fingerprints_whole()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(
            "trust.list", $$"""{"health":"degraded","problems":["trust-tofu: it is damaged"],"records":[{{Entry("pinned", "node2", voided: "no such peer")}},{{Entry("pending")}}]}""");
        Outcome outcome = daemon.Vpnctl("trust", "list");
        Assert.Equal($"""
            Store: degraded
            Warning: trust-tofu: it is damaged
            STATE    PEER   FINGERPRINT                                                       HOW            LAST SEEN  REMOTE       FIRST SEEN            PUBLIC KEY
            pinned   node2  {Print}  dialled, void  -          192.0.2.2:1  2026-11-22T12:00:00Z  -
            pending  -      {Print}  dialled        -          192.0.2.2:1  2026-11-22T12:00:00Z  -

            """, outcome.Out);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains(Print, Outcome.Of(width: 100, colour: false, "trust", "list", "--socket", daemon.Socket).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_pending_comes_with_the_command_that_decides_it()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(
            "trust.pending", $$"""[{{Entry("pending")}},{{Entry("conflict", "node2", $"\"{Old}\"")}}]""");
        string output = daemon.Vpnctl("trust", "pending").Out;
        Assert.Contains($"then: vpnctl trust accept {Print} --peer NAME\n", output, StringComparison.Ordinal);
        Assert.Contains($"If node2 was renewed on purpose: vpnctl trust replace node2 --from {Old} --to {Print}\n", output, StringComparison.Ordinal);
        await using FakeDaemon none = FakeDaemon.Answering("trust.pending", "[]");
        Assert.Equal("Nothing is pending.\n", none.Vpnctl("trust", "pending").Out);
    }

    [Fact]
    public async Task One_certificate_is_shown_line_by_line()
    {
        await using FakeDaemon daemon = Saying($$"""[{{Entry("conflict", "node2", $"\"{Old}\"")}}]""");
        Assert.Equal($"""
            State:       conflict
            Peer:        node2
            Fingerprint: {Print}
            Pinned to:   {Old}
            Public key:  -
            How:         dialled
            First seen:  2026-11-22T12:00:00Z
            Last seen:   -
            Remote:      192.0.2.2:1
            Sessions:    0
            Stored by:   trust-tofu
            If node2 was renewed on purpose: vpnctl trust replace node2 --from {Old} --to {Print}

            """, daemon.Vpnctl("trust", "show", "node2").Out);
    }

    [Fact]
    public async Task An_order_says_what_was_done_and_which_plugin_did_not()
    {
        const string Answer = """{"dry_run":false,"ended_sessions":["node2: denied"],"fingerprints":[],"message":"Denied. 1 session was closed, and the routes are gone: node2.","peer":"node2","plugins":[{"done":true,"plugin":"a","text":"x"},{"done":false,"plugin":"b","text":"set it"}]}""";
        await using FakeDaemon daemon = Saying(Answer);
        Assert.Equal(
            new Outcome(0, "Denied. 1 session was closed, and the routes are gone: node2.\n  b: set it\n", ""), daemon.Vpnctl("trust", "deny", "node2"));
        Assert.Contains("\"dry_run\": false", daemon.Vpnctl("trust", "deny", "node2", "--json").Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Orders_carry_what_was_typed()
    {
        await using var daemon = new FakeDaemon(_ => """{"status":"ok","output":{}}""" + "\n");
        daemon.Vpnctl("trust", "accept", Print, "--peer", "node2", "--dry-run");
        daemon.Vpnctl("trust", "replace", "node2", "--from", Old, "--to", Print);
        daemon.Vpnctl("trust", "forget", "node2");
        daemon.Vpnctl("trust", "show", Print);
        Assert.Equal(
            [
                $$"""{"cmd":"trust.accept","fingerprint":"{{Print}}","peer":"node2","dry_run":true}""",
                $$"""{"cmd":"trust.replace","peer":"node2","to":"{{Print}}","from":"{{Old}}"}""",
                """{"cmd":"trust.forget","subject":"node2"}""",
                $$"""{"cmd":"trust.show","subject":"{{Print}}"}""",
            ],
            daemon.Requests);
    }

    [Theory]
    [InlineData("y", 0)]
    [InlineData(" Yes ", 0)]
    [InlineData("n", 4)]
    [InlineData("", 4)]
    [InlineData(null, 4)] // the end of the input
    public async Task Where_an_operator_can_answer_verify_asks_and_only_a_yes_confirms(string? typed, int exitCode)
    {
        await using FakeDaemon daemon = Comparing();
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal(output, error, 100, false) { ReadLine = () => typed };
        Assert.Equal(exitCode, CommandLine.Dispatcher.Run(["trust", "verify", "node2", "--socket", daemon.Socket], terminal));
        Assert.Contains("Digits: 294343\nDoes the other operator read the same digits? [y/N] ", output.ToString(), StringComparison.Ordinal);
        string[] confirmed = exitCode == 0 ? ["""{"cmd":"trust.verify","peer":"node2","confirm":"294343"}"""] : [];
        Assert.Equal(["""{"cmd":"trust.verify","peer":"node2"}""", .. confirmed], daemon.Requests);
        Assert.Equal(exitCode == 0, output.ToString().EndsWith("Alike\n", StringComparison.Ordinal));
        Assert.Equal(exitCode != 0, error.ToString().Contains("vpnctl trust deny node2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_script_is_not_asked()
    {
        await using FakeDaemon daemon = Comparing();
        Assert.Contains("vpnctl trust verify node2 --confirm 294343\n", daemon.Vpnctl("trust", "verify", "node2").Out, StringComparison.Ordinal);
        var terminal = new Terminal(TextWriter.Null, TextWriter.Null, 100, false) { ReadLine = () => throw new InvalidOperationException("asked") };
        Assert.Equal(0, CommandLine.Dispatcher.Run(["trust", "verify", "node2", "--json", "--socket", daemon.Socket], terminal));
        Assert.Equal(2, daemon.Requests.Count);
    }

    // One comparison that gets its digits, and its confirmation.
    private static FakeDaemon Comparing()
    {
        const string Done = """{"v":1,"ok":true,"done":true}""" + "\n";
        return new FakeDaemon(request => request.Contains("confirm", StringComparison.Ordinal)
            ? """{"v":1,"event":{"digits":null,"message":"alike","peer":"node2","state":"confirmed"}}""" + "\n" + Done
            : """{"v":1,"event":{"digits":"294343","message":"read these digits","peer":"node2","state":"digits"}}""" + "\n" + Done);
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        Outcome outcome = Outcome.Of("trust", "replace", "node2", "--to", Print);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("--from and --to are both needed", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("FINGERPRINT is missing", Outcome.Of("trust", "accept").Error, StringComparison.Ordinal);
        Assert.Contains("'trust' needs another word: list, show, pending", Outcome.Of("trust").Error, StringComparison.Ordinal);
        Assert.Contains("Example:\n  vpnctl trust deny node2\n", Outcome.Of("trust", "deny", "--help").Out, StringComparison.Ordinal);
    }
}
