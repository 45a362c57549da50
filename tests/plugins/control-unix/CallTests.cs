using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>Version 1 of the protocol.</summary>
public sealed class CallTests
{
    private const string Status =
        """{"v":1,"id":1,"ok":true,"result":{"uptime":"1h2m3s","peers":2,"nested":[{"b":null,"a":"it's"}],"routes":3}}""";

    [Fact]
    public async Task Many_requests_are_answered_on_one_connection()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        for (int i = 0; i < 100; i++)
            Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
        Assert.Equal(100, control.Methods.Calls);
    }

    [Fact]
    public async Task A_request_needs_no_newline_when_nothing_follows()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(Status + "\n", control.AskAndEnd("""{"v":1,"id":1,"method":"status"}"""));
        string two = control.AskAndEnd(
            """{"v":1,"id":1,"method":"status"}""" + "\n \r\n\n" + """{"v":1,"id":2,"method":"echo"}""");
        Assert.Equal([Status, """{"v":1,"id":2,"ok":true,"result":null}"""],
            two.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Answers_carry_the_id_of_their_request_and_come_when_they_are_ready()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":"slow","method":"wait"}""");
        Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
        control.Methods.Release.SetResult();
        Assert.Equal("""{"v":1,"id":"slow","ok":true,"result":"released"}""", client.Read());
    }

    [Theory]
    [InlineData("""{"v":1}""", "null", "bad_request", "the request has no \"id\"")]
    [InlineData("""{"v":1,"id":null,"method":"status"}""", "null", "bad_request", "\"id\" must be a whole number from 0 to 9007199254740991 or a string of 1 to 64 characters")]
    [InlineData("""{"v":1,"id":-1,"method":"status"}""", "null", "bad_request", "\"id\" must be a whole number from 0 to 9007199254740991 or a string of 1 to 64 characters")]
    [InlineData("""{"v":1,"id":"","method":"status"}""", "null", "bad_request", "\"id\" must be a whole number from 0 to 9007199254740991 or a string of 1 to 64 characters")]
    [InlineData("""{"v":1,"id":3}""", "3", "bad_request", "the request has no string \"method\"")]
    [InlineData("""{"v":1,"id":3,"method":7}""", "3", "bad_request", "the request has no string \"method\"")]
    [InlineData("""{"v":1,"id":3,"method":"status","params":[]}""", "3", "bad_request", "\"params\" must be an object")]
    [InlineData("""{"v":1,"id":3,"method":"status","deadline_ms":0}""", "3", "bad_request", "\"deadline_ms\" must be a whole number of milliseconds, at least 1")]
    [InlineData("""{"v":1,"id":3,"method":"status","deadline_ms":"5"}""", "3", "bad_request", "\"deadline_ms\" must be a whole number of milliseconds, at least 1")]
    [InlineData("""{"v":1,"id":3,"method":"status","strict":"yes"}""", "3", "bad_request", "\"strict\" must be true or false")]
    [InlineData("""{"v":1,"id":3,"method":"status","strict":true,"x":1}""", "3", "bad_request", "a request has no member 'x'")]
    [InlineData("""{"v":2,"id":3,"method":"status"}""", "3", "unsupported_version", "version 2 of the control protocol is not spoken here")]
    [InlineData("""{"v":"1","id":3,"method":"status"}""", "3", "unsupported_version", "version \"1\" of the control protocol is not spoken here")]
    [InlineData("""{"v":null,"cmd":"status"}""", "null", "unsupported_version", "version null of the control protocol is not spoken here")]
    [InlineData("""{"v":1,"id":3,"method":"nonsense"}""", "3", "unknown_method", "there is no method 'nonsense'")]
    [InlineData("""{"v":1,"id":3,"method":"fail"}""", "3", "invalid_config", "config.toml(3,1): no such key")]
    [InlineData("""{"v":1,"id":3,"method":"break"}""", "3", "internal", "'break' failed inside the daemon; its log says more")]
    [InlineData("""{"v":1,"id":3,"method":"hang","deadline_ms":50}""", "3", "timeout", "'hang' had no answer after 0.05 s")]
    [InlineData("""{"v":1,"id":3,"method":"deaf","deadline_ms":50}""", "3", "timeout", "'deaf' had no answer after 0.05 s")]
    [InlineData("""{"v":1,"id":3,"method":"cancel"}""", "3", "bad_request", "'cancel' needs \"params\":{\"id\":...} with the id of a call on this connection")]
    [InlineData("""{"v":1,"id":3,"method":"cancel","params":{"id":9}}""", "3", "not_found", "no call with the id 9 runs on this connection")]
    public async Task A_failure_has_a_code_from_the_list(string request, string id, string code, string message)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        JsonElement answer = JsonElement.Parse(client.Ask(request)!);
        Assert.Equal((id, false), (answer.GetProperty("id").GetRawText(), answer.GetProperty("ok").GetBoolean()));
        JsonElement error = answer.GetProperty("error");
        Assert.Equal((code, message), (error.GetProperty("code").GetString(), error.GetProperty("message").GetString()));
        // The connection goes on.
        Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
    }

    [Fact]
    public async Task Another_version_is_told_which_one_is_spoken()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        Assert.Equal(
            """{"v":1,"id":3,"ok":false,"error":{"code":"unsupported_version","message":"version 2 of the control protocol is not spoken here","hint":"spoken: 1"}}""",
            client.Ask("""{"v":2,"id":3}"""));
    }

    [Theory]
    [InlineData("hello", "the request is not a JSON object")]
    [InlineData("{\"v\":1", "the request is not valid JSON")]
    [InlineData("{\"v\":1,\"v\":1}", "the request is not valid JSON")]
    [InlineData("""{"v":1,"id":3,"method":"echo","params":{"a":["\ud800"]}}""", "the request holds text that is not valid Unicode")]
    [InlineData("""{"v":1,"id":"\ud800","method":"status"}""", "the request holds text that is not valid Unicode")]
    [InlineData("""{"v":1,"\udc00":3}""", "the request holds text that is not valid Unicode")]
    [InlineData("{}", "the request has no \\\"v\\\"")]
    [InlineData("[[[[[[[[[[[[[[[[[", "the request is not a JSON object")]
    [InlineData("{\"v\":[[[[[[[[[[[[[[[[", "the request is nested deeper than 16 levels")]
    [InlineData("{\"v\":1,\"id\":1,\"method\":\"a\"b\"}", "the request is not valid JSON")]
    public async Task A_line_that_is_no_request_does_not_hurt_the_next(string line, string message)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
        Assert.Equal(
            $$$"""{"v":1,"id":null,"ok":false,"error":{"code":"bad_request","message":"{{{message}}}"}}""", client.Ask(line));
        Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
    }

    [Fact]
    public async Task What_nobody_reads_is_a_warning_unless_the_request_is_strict()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        Assert.Equal(
            """{"v":1,"id":1,"ok":true,"result":{"a":1},"warnings":["a request has no member 'deadline'"]}""",
            client.Ask("""{"v":1,"id":1,"method":"echo","params":{"a":1},"deadline":5}"""));
    }

    [Fact]
    public async Task An_id_in_use_is_refused_without_an_id()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":7,"method":"wait"}""");
        Assert.Equal(
            """{"v":1,"id":null,"ok":false,"error":{"code":"conflict","message":"a call with the id 7 runs already on this connection"}}""",
            client.Ask("""{"v":1,"id":7,"method":"status"}"""));
        control.Methods.Release.SetResult();
        Assert.Equal("""{"v":1,"id":7,"ok":true,"result":"released"}""", client.Read());
        Assert.Contains("\"ok\":true", client.Ask("""{"v":1,"id":7,"method":"status"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eight_calls_run_at_once_and_a_ninth_is_refused()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        for (int i = 0; i < 8; i++)
            client.Send($$"""{"v":1,"id":{{i}},"method":"hang"}""");
        Assert.Contains("\"code\":\"unavailable\",\"message\":\"8 calls run on this connection already\"",
            client.Ask("""{"v":1,"id":8,"method":"status"}"""), StringComparison.Ordinal);
        client.Send("""{"v":1,"id":9,"method":"cancel","params":{"id":3}}""");
        Assert.Contains("'hang' was cancelled by its client",
            client.ReadOf("3").GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deadline_is_cut_to_the_longest_allowed()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(
            s => s["max_deadline"] = TimeSpan.FromMilliseconds(60));
        using var client = new Client(control);
        Assert.Contains("'hang' had no answer after 0.06 s\",\"hint\":\"\\\"deadline_ms\\\" may be up to 60\"",
            client.Ask("""{"v":1,"id":1,"method":"hang","deadline_ms":600000}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_changes_something_is_audited()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Ask("""{"v":1,"id":1,"method":"fail"}""");
        Assert.Contains($"audit: uid 0 pid {Environment.ProcessId} asked for fail", control.Context.Lines);
        Assert.Contains(control.Context.Lines, line => line.Contains("failed: config.toml(3,1)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_old_form_on_a_connection_of_the_new_ends_it()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":1,"method":"ticks"}""");
        Assert.Contains("\"event\":", client.Read(), StringComparison.Ordinal);
        client.Send("""{"cmd":"echo","x":1}""");
        string? line;
        do
        {
            line = client.Read();
        }
        while (line?.Contains("\"event\":", StringComparison.Ordinal) is true);
        Assert.Contains("a request without \\\"v\\\" ended the connection", line, StringComparison.Ordinal);
        Assert.Equal("""{"status":"ok","output":{"x":1}}""", client.Read());
        Assert.Null(client.Read());
    }

    [Fact]
    public async Task Answers_under_way_are_sent_when_the_client_has_ended_its_side()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":1,"method":"wait"}""");
        client.EndSending();
        control.Methods.Release.SetResult();
        Assert.Equal("""{"v":1,"id":1,"ok":true,"result":"released"}""", client.Read());
        Assert.Null(client.Read());
    }

    [Fact]
    public async Task A_request_begun_is_finished_in_time_and_an_idle_connection_may_wait()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(s =>
        {
            s["request_timeout"] = TimeSpan.FromMilliseconds(100);
            s["idle_timeout"] = TimeSpan.FromMilliseconds(600);
        });
        using var patient = new Client(control);
        using var dribbling = new Client(control);
        Assert.Equal(Status, patient.Ask("""{"v":1,"id":1,"method":"status"}"""));
        Assert.Equal(Status, dribbling.Ask("""{"v":1,"id":1,"method":"status"}"""));
        dribbling.SendBytes("{\"v\":"u8);
        Assert.Contains("\"code\":\"timeout\",\"message\":\"the request was not complete after 0.1 s\"", dribbling.Read(), StringComparison.Ordinal);
        Assert.Null(dribbling.Read());
        Assert.Equal(Status, patient.Ask("""{"v":1,"id":1,"method":"status"}"""));
        Assert.Contains("\"code\":\"timeout\",\"message\":\"no call came for 0.6 s\"", patient.Read(), StringComparison.Ordinal);
        Assert.Null(patient.Read());
    }

    [Fact]
    public void Every_error_has_a_code_of_its_own()
    {
        foreach (ControlError error in Enum.GetValues<ControlError>().Where(error => error != ControlError.None))
            Assert.Equal(JsonNamingPolicy.SnakeCaseLower.ConvertName(error.ToString()), ErrorText.Code(error));
    }

    [Fact]
    public async Task The_daemon_s_stop_is_told()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        Assert.Equal(Status, client.Ask("""{"v":1,"id":1,"method":"status"}"""));
        await control.StopAsync();
        Assert.Contains("\"code\":\"unavailable\",\"message\":\"the daemon is stopping\"", client.Read(), StringComparison.Ordinal);
        Assert.Null(client.Read());
    }
}
