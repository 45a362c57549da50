using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using VibePN.Host.Tests.Control;
using VibePN.Testkit;

namespace VibePN.Host.Tests.Running;

/// <summary>A real daemon over its real socket, in both forms of the protocol (docs/control-protocol.md).</summary>
public sealed class ControlSocketTests : IAsyncLifetime
{
    private const string DescribeRequest = """{"v":1,"id":1,"method":"api.describe"}""";

    private readonly DaemonProcess _daemon = new();

    private string Socket => SocketOf(_daemon);

    public async ValueTask InitializeAsync() => await StartAsync(_daemon);

    public ValueTask DisposeAsync()
    {
        _daemon.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Requests_and_answers_of_every_looking_method_fit_their_schemas()
    {
        using var client = new LineSocket(Socket);
        JsonElement description = Ask(client, """{"v":1,"id":1,"method":"api.describe"}""").GetProperty("result");
        var schemas = new MethodSchemas(description);
        HashSet<string> methods =
        [
            .. from method in schemas.Methods
               where method.GetProperty("role").GetString() == "viewer" && !method.GetProperty("streaming").GetBoolean()
                   && method.GetProperty("params").GetProperty("required").GetArrayLength() == 0
               select method.GetProperty("name").GetString()!,
        ];
        Assert.Superset(new HashSet<string> { "status", "status.get", "peers", "networks", "routes", "plugins.list", "version" }, methods);
        foreach (string method in methods)
        {
            string request = $$"""{"v":1,"id":"{{method}}","method":"{{method}}","params":{},"deadline_ms":5000,"strict":true}""";
            schemas.AcceptRequest(request);
            JsonElement answer = Ask(client, request);
            schemas.AcceptAnswer(answer.GetRawText());
            schemas.AcceptResult(method, answer.GetProperty("result").GetRawText());
        }
        foreach (string wrong in new[] { """{"v":1,"id":2,"method":"nope"}""", """{"v":9,"id":2}""", """{"v":1}""", "[]" })
            schemas.AcceptAnswer(Ask(client, wrong).GetRawText());
    }

    [Fact]
    public async Task A_parameter_nobody_reads_is_a_warning_and_changes_can_be_tried_without()
    {
        using var client = new LineSocket(Socket);
        Assert.Equal("'status' has no parameter 'nope'",
            Ask(client, """{"v":1,"id":1,"method":"status","params":{"nope":1}}""").GetProperty("warnings")[0].GetString()![..32]);
        Assert.Equal("bad_request",
            Ask(client, """{"v":1,"id":1,"method":"status","params":{"nope":1},"strict":true}""").GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("config validated; nothing was changed",
            Ask(client, """{"v":1,"id":1,"method":"tx.apply","params":{"dry_run":true}}""").GetProperty("result").GetProperty("message").GetString());
        await _daemon.SeeAsync($"audit: uid 0 pid {Environment.ProcessId} asked for tx.apply");
        Ask(client, """{"v":1,"id":1,"method":"daemon.shutdown"}""");
        Assert.Equal(0, await _daemon.ExitAsync());
    }

    /// <summary>The samples of the predecessor's page, as its clients send them: no newline is needed, and the connection closes.</summary>
    [Theory]
    [InlineData("status", """{"status":"ok","output":{"peers":0,"routes":0,"uptime":"string"}}""")]
    [InlineData("peers", """{"status":"ok","output":[]}""")]
    [InlineData("routes", """{"status":"ok","output":[]}""")]
    [InlineData("reload", """{"status":"ok","output":{"message":"config validated, reloaded, and routes re-announced"}}""")]
    [InlineData("goodbye", """{"status":"ok","output":{"message":"sent goodbye to all peers"}}""")]
    [InlineData("frobnicate", """{"status":"error","error":"unknown command: frobnicate"}""")]
    [InlineData("", """{"status":"error","error":"unknown command: "}""")]
    public async Task The_predecessor_s_requests_have_their_answers(string command, string sample)
    {
        JsonElement expected = JsonElement.Parse(sample);
        foreach (string end in new[] { "", "\n", ",\"more\":1}" })
        {
            string request = $"{{\"cmd\":\"{command}\"" + (end.EndsWith('}') ? end : "}" + end);
            string answer = await AskOldAsync(request);
            Assert.EndsWith("}\n", answer, StringComparison.Ordinal);
            JsonElement actual = JsonElement.Parse(answer);
            Assert.Equal(Names(expected), Names(actual));
            CompareOld(expected, actual);
        }
    }

    [Fact]
    public async Task Old_objects_have_sorted_keys_and_their_old_members()
    {
        JsonElement status = JsonElement.Parse(await AskOldAsync("""{"cmd":"status"}""")).GetProperty("output");
        Assert.Equal(Names(status).Order(StringComparer.Ordinal), Names(status));
        Assert.Matches("^([0-9]+h)?([0-9]+m)?[0-9]+s$", status.GetProperty("uptime").GetString());
    }

    [Fact]
    public async Task An_invalid_file_is_an_error_in_the_old_envelope_too()
    {
        _daemon.WriteConfig("nope = 1");
        JsonElement answer = JsonElement.Parse(await AskOldAsync("""{"cmd":"reload"}"""));
        Assert.Equal("error", answer.GetProperty("status").GetString());
        Assert.Contains("unknown key 'nope'", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public Task Odd_requests_and_slow_clients_leave_the_daemon_as_it_was() => LoadAsync(2_048, crowd: 100, _ => { });

    [Fact(Explicit = true)]
    public async Task A_million_odd_requests_slow_clients_and_a_thousand_connections_delay_no_status_by_more_than_100_ms()
    {
        // The clients' own code is compiled at another daemon's expense; the one that is measured knows nothing of it.
        using (var other = new DaemonProcess())
        {
            await StartAsync(other);
            new ControlLoad(SocketOf(other)).Run(65_536, 1_000, DescribeRequest);
        }
        await LoadAsync(1_000_064, crowd: 1_000, asker =>
        {
            Assert.Empty(asker.Failures);
            Assert.InRange(asker.Worst, 0, 100);
        });
    }

    private static string SocketOf(DaemonProcess daemon) => daemon.Scratch.At("run/control.sock");

    private static async Task StartAsync(DaemonProcess daemon)
    {
        daemon.WritePlugins("fakes", "fake-tun", "control-unix", DaemonProcess.PluginFolder("control-unix"));
        Directory.CreateDirectory(daemon.Scratch.At("run"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        daemon.Start();
        await daemon.SeeAsync("[host] ready after");
    }

    private async Task LoadAsync(long requests, int crowd, Action<StatusAsker> judge)
    {
        // What follows the start, such as compiling, is not what is measured here.
        await _daemon.RestAsync();
        var load = new ControlLoad(Socket);
        await Task.Factory.StartNew(() => load.Run(requests, crowd, DescribeRequest),
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Console.WriteLine($"{load.Report}\nthe daemon's memory at most {_daemon.PeakMemory >> 20} MiB");
        Assert.All(load.Askers, asker => Assert.NotEmpty(asker.Times));
        Assert.DoesNotContain(_daemon.Output.Split('\n'), line => line.Contains("ERROR", StringComparison.Ordinal));
        Assert.InRange(_daemon.PeakMemory, 0, 1L << 30);
        using var client = new LineSocket(Socket);
        Assert.True(Ask(client, """{"v":1,"id":1,"method":"status"}""").GetProperty("ok").GetBoolean());
        foreach (StatusAsker asker in load.Askers)
            judge(asker);
    }

    private static void CompareOld(JsonElement expected, JsonElement actual)
    {
        if (!expected.TryGetProperty("output", out JsonElement old))
        {
            Assert.Equal(expected.GetProperty("error").GetString(), actual.GetProperty("error").GetString());
            return;
        }
        JsonElement output = actual.GetProperty("output");
        Assert.Equal(old.ValueKind, output.ValueKind);
        if (old.ValueKind != JsonValueKind.Object)
            return;
        // Members beside the old ones are additions.
        foreach (JsonProperty member in old.EnumerateObject())
        {
            Assert.Equal(member.Value.ValueKind, output.GetProperty(member.Name).ValueKind);
            if (member.Value.GetRawText() != "\"string\"")
                Assert.Equal(member.Value.GetRawText(), output.GetProperty(member.Name).GetRawText());
        }
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(member => member.Name)];

    private static JsonElement Ask(LineSocket client, string request)
    {
        client.Send(request);
        return JsonElement.Parse(Encoding.UTF8.GetString(client.Read()));
    }

    private async Task<string> AskOldAsync(string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(new NetworkStream(socket));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
