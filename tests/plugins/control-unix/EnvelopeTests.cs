namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class EnvelopeTests
{
    [Fact]
    public async Task Output_has_sorted_keys_on_one_line()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(
            """{"status":"ok","output":{"nested":[{"a":"it's","b":null}],"peers":2,"routes":3,"uptime":"1h2m3s"}}""" + "\n",
            control.Ask("{\"cmd\":\"status\"}\n"));
    }

    [Theory]
    [InlineData("nonsense", "unknown command: nonsense")]
    [InlineData("", "unknown command: ")]
    [InlineData("STATUS", "unknown command: STATUS")]
    public async Task Unknown_command_is_named(string command, string error)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(
            $$"""{"status":"error","error":"{{error}}"}""" + "\n",
            control.Ask($$"""{"cmd":"{{command}}"}"""));
    }

    [Fact]
    public async Task Other_members_become_parameters()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(
            """{"status":"ok","output":{"a":[1,2],"z":"é"}}""" + "\n",
            control.Ask("""{"z":"é","cmd":"echo","a":[1,2]}"""));
        Assert.Equal("""{"status":"ok"}""" + "\n", control.Ask("""{"cmd":"echo"}"""));
    }

    [Fact]
    public async Task Error_of_a_method_is_passed_on_and_audited()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(
            """{"status":"error","error":"config.toml(3,1): no such key","code":"invalid_config"}""" + "\n",
            control.Ask("""{"cmd":"fail"}"""));
        Assert.Contains(control.Context.Lines,
            line => line == $"audit: uid 0 pid {Environment.ProcessId} asked for fail");
        Assert.Contains(control.Context.Lines, line => line.Contains("failed: config.toml(3,1)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Looking_is_not_audited()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        control.Ask("""{"cmd":"status"}""");
        Assert.DoesNotContain(control.Context.Lines, line => line.StartsWith("audit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Method_that_throws_is_an_error_without_details()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(
            """{"status":"error","error":"'break' failed inside the daemon; its log says more"}""" + "\n",
            control.Ask("""{"cmd":"break"}"""));
        Assert.Contains("method break threw", control.Context.Lines);
    }

    [Fact]
    public async Task Streaming_method_answers_with_a_list()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal("""{"status":"ok","output":[1,2,3]}""" + "\n", control.Ask("""{"cmd":"count"}"""));
    }

    [Fact]
    public async Task Large_answer_arrives_whole()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal((1 << 20) + """{"status":"ok","output":""}""".Length + 1, control.Ask("""{"cmd":"large"}""").Length);
    }
}
