using System.Text.Json;
using VibePN.Vpnctl.Control;

namespace VibePN.Vpnctl.Tests;

public sealed class ControlClientTests
{
    private const string Done = """{"v":1,"id":1,"ok":true,"done":true}""" + "\n";

    [Theory]
    [InlineData("bad_request", 2)]
    [InlineData("unknown_method", 1)]
    [InlineData("unsupported_version", 1)]
    [InlineData("not_found", 1)]
    [InlineData("conflict", 1)]
    [InlineData("invalid_config", 4)]
    [InlineData("denied", 5)]
    [InlineData("timeout", 6)]
    [InlineData("plugin_failed", 1)]
    [InlineData("unavailable", 1)]
    [InlineData("internal", 1)]
    public async Task A_code_decides_the_exit_code_and_the_hint_is_shown(string code, int exitCode)
    {
        await using var daemon = new FakeDaemon(
            _ => $$$"""{"v":1,"id":1,"ok":false,"error":{"code":"{{{code}}}","message":"no network corq","hint":"networks: corp, lab"}}""" + "\n");
        Assert.Equal(new Outcome(exitCode, "", "Error: no network corq\nHint: networks: corp, lab\n"), daemon.Vpnctl("networks"));
    }

    [Fact]
    public async Task Warnings_go_beside_the_result()
    {
        await using var daemon = new FakeDaemon(
            _ => """{"v":1,"id":1,"ok":true,"result":[],"warnings":["odd\u001b"]}""" + "\n");
        Assert.Equal(new Outcome(0, "[]\n", "Warning: odd\\x1b\n"), daemon.Vpnctl("peers", "--json"));
    }

    [Fact]
    public async Task An_older_daemon_is_called_older()
    {
        await using var daemon = new FakeDaemon(
            _ => """{"status":"error","error":"bad request: the request has no text member \"cmd\""}""", translates: false);
        Outcome outcome = daemon.Vpnctl("status");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal($"Error: The daemon on {daemon.Socket} is older than this vpnctl: it does not speak version 1 of the "
            + "control protocol. Restart it, or use the vpnctl that came with it.\n", outcome.Error);
    }

    [Theory]
    [InlineData("""{"status":"error","error":"not authorised: uid 7 pid 8 has no role here"}""", 5)]
    [InlineData("""{"status":"error","error":"timed out: the request was not complete after 2 s"}""", 6)]
    public async Task What_the_daemon_says_before_it_has_read_is_understood(string line, int exitCode)
    {
        await using var daemon = new FakeDaemon(_ => line, translates: false);
        Assert.Equal(exitCode, daemon.Vpnctl("status").ExitCode);
    }

    [Fact]
    public async Task Who_is_turned_away_asks_again()
    {
        int asked = 0;
        await using var daemon = new FakeDaemon(
            _ => ++asked < 3
                ? """{"status":"error","error":"unavailable: too many clients are connected; ask again"}"""
                : """{"v":1,"id":3,"ok":true,"result":[]}""" + "\n",
            translates: false);
        Assert.Equal(new Outcome(0, "[]\n", ""), daemon.Vpnctl("peers", "--json"));
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task One_connection_carries_all_questions_of_a_client_and_each_says_strict_and_a_deadline()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("status", "{}");
        using var client = new ControlClient(daemon.Socket, TimeSpan.FromSeconds(5));
        client.Call("status");
        client.Call("status");
        Assert.Equal(1, daemon.Connections);
        Assert.Equal("""{"v":1,"id":2,"method":"status","params":{},"deadline_ms":5000,"strict":true}""", daemon.Lines[1]);
    }

    [Fact]
    public async Task A_stream_gives_its_events_and_tells_gaps()
    {
        await using var daemon = new FakeDaemon(_ =>
            """{"v":1,"id":1,"event":{"seq":1}}""" + "\n" + """{"v":1,"id":1,"dropped":41}""" + "\n"
            + """{"v":1,"id":1,"event":{"seq":43}}""" + "\n" + Done);
        Assert.Equal(["""{"seq":1}""", """{"dropped":41}""", """{"seq":43}"""], await FollowAsync(daemon, CancellationToken.None));
    }

    [Fact]
    public async Task A_stream_that_fails_throws_what_the_daemon_said()
    {
        await using var daemon = new FakeDaemon(_ =>
            """{"v":1,"id":1,"event":1}""" + "\n"
            + """{"v":1,"id":1,"ok":false,"error":{"code":"unavailable","message":"the daemon is stopping"}}""" + "\n");
        CommandException error = await Assert.ThrowsAsync<CommandException>(() => FollowAsync(daemon, CancellationToken.None));
        Assert.Equal((1, "the daemon is stopping"), (error.ExitCode, error.Message));
    }

    [Fact]
    public async Task A_stream_with_a_deadline_does_not_wait_for_a_daemon_that_says_nothing()
    {
        await using var daemon = new FakeDaemon(_ => null);
        using var client = new ControlClient(daemon.Socket, TimeSpan.FromSeconds(5));
        CommandException error = Assert.Throws<CommandException>(
            () => client.Follow("ping.run", _ => { }, _ => { }, TimeSpan.FromMilliseconds(50)));
        Assert.Equal(6, error.ExitCode);
    }

    [Fact]
    public async Task A_stream_that_is_not_wanted_any_more_is_cancelled_at_the_daemon()
    {
        using var stop = new CancellationTokenSource();
        await using var daemon = new FakeDaemon(request => request.StartsWith("{\"cmd\":\"cancel\"", StringComparison.Ordinal)
            ? """{"v":1,"id":1,"ok":true,"done":true,"cancelled":true}""" + "\n" + """{"v":1,"id":2,"ok":true,"result":{"cancelled":true}}""" + "\n"
            : """{"v":1,"id":1,"event":1}""" + "\n");
        Assert.Equal(["1"], await FollowAsync(daemon, stop.Token, _ => stop.Cancel()));
        Assert.Equal(["""{"cmd":"events.subscribe"}""", """{"cmd":"cancel","id":1}"""], daemon.Requests);
    }

    private static async Task<List<string>> FollowAsync(
        FakeDaemon daemon, CancellationToken cancellationToken, Action<JsonElement>? onEvent = null)
    {
        using var client = new ControlClient(daemon.Socket, TimeSpan.FromSeconds(5));
        List<string> events = [];
        await foreach (JsonElement each in client.Stream("events.subscribe", _ => { }, cancellationToken))
        {
            events.Add(each.GetRawText());
            onEvent?.Invoke(each);
        }
        return events;
    }
}
