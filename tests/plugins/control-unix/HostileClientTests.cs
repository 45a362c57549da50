using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class HostileClientTests
{
    private const string StatusRequest = """{"cmd":"status"}""";

    [Theory]
    [InlineData("hello\n", "the request is not a JSON object")]
    [InlineData("[]", "the request is not a JSON object")]
    [InlineData("\"status\"", "the request is not a JSON object")]
    [InlineData("{\"cmd\":}", "the request is not valid JSON")]
    [InlineData("{\"cmd\":\"status\"]", "the request is not valid JSON")]
    [InlineData("{\"cmd\":\"a\",\"cmd\":\"b\"}", "the request is not valid JSON")]
    [InlineData("{}", "the request has no text member \\\"cmd\\\"")]
    [InlineData("{\"cmd\":7}", "the request has no text member \\\"cmd\\\"")]
    [InlineData("{\"cmd\":\"\\ud800\"}", "the request holds text that is not valid Unicode")]
    [InlineData("{\"cmd\":\"echo\",\"a\":[{\"b\":\"\\udc00\"}]}", "the request holds text that is not valid Unicode")]
    [InlineData("{\"cmd\":\"echo\",\"\\ud83d\":1}", "the request holds text that is not valid Unicode")]
    public async Task What_is_no_request_gets_an_error_line(string request, string error)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal("{\"status\":\"error\",\"error\":\"bad request: " + error + "\"}\n", control.Ask(request));
        Assert.Equal(0, control.Methods.Calls);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_are_no_JSON()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        byte[] request = [.. "{\"cmd\":\"echo\",\"a\":\""u8, 0xFF, .. "\"}"u8];
        Assert.Contains("bad request: the request is not valid JSON", control.Ask(request), StringComparison.Ordinal);
        Assert.Equal(0, control.Methods.Calls);
    }

    [Fact]
    public async Task Long_unknown_name_is_cut()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        string answer = control.Ask($$"""{"cmd":"{{new string('x', 60_000)}}"}""");
        Assert.InRange(answer.Length, 100, 250);
    }

    [Fact]
    public async Task Request_beyond_64_KiB_is_refused()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        string answer = control.Ask("{\"cmd\":\"" + new string('x', 1 << 20));
        Assert.Equal("{\"status\":\"error\",\"error\":\"bad request: the request is longer than 65536 bytes\"}\n", answer);
    }

    [Fact]
    public async Task Nesting_is_allowed_to_16_levels()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        static string Nested(int levels) =>
            "{\"cmd\":\"status\",\"x\":" + new string('[', levels - 1) + new string(']', levels - 1) + "}";
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask(Nested(16)), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 16", control.Ask(Nested(17)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_in_single_bytes_is_understood()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using Socket client = control.Connect();
        foreach (byte value in Encoding.UTF8.GetBytes(" {\n \"cmd\" : \"status\" } "))
            client.Send([value], SocketFlags.None, out SocketError _);
        Assert.StartsWith("{\"status\":\"ok\"", ControlFixture.ReadAll(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_a_request_and_an_end_is_an_error()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using Socket client = control.Connect();
        client.Send("{\"cmd\":"u8);
        client.Shutdown(SocketShutdown.Send);
        Assert.Contains("ends too early", ControlFixture.ReadAll(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dribbling_client_is_closed_at_the_deadline()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(
            s => s["request_timeout"] = TimeSpan.FromMilliseconds(200));
        using Socket client = control.Connect();
        var clock = Stopwatch.StartNew();
        while (!client.Poll(TimeSpan.FromMilliseconds(5), SelectMode.SelectRead))
        {
            client.Send(" "u8, SocketFlags.None, out SocketError _);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), "The dribbling client was never closed.");
        }
        Assert.Contains("not complete after 0.2 s", ControlFixture.ReadAll(client), StringComparison.Ordinal);
        Assert.InRange(clock.ElapsedMilliseconds, 150, 5_000);
    }

    [Fact]
    public async Task Client_that_does_not_take_its_answer_is_closed()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(s =>
        {
            s["request_timeout"] = TimeSpan.FromMilliseconds(200);
            s["max_connections"] = 1L;
        });
        using Socket greedy = control.Connect();
        greedy.Send("{\"cmd\":\"large\"}"u8);
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask(StatusRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silent_clients_do_not_lock_others_out_and_make_room_when_there_are_too_many()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(
            s => s["request_timeout"] = TimeSpan.FromMinutes(1));
        var silent = new List<Socket>();
        for (int i = 0; i < 16 * 16; i++)
            silent.Add(control.Connect());
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask(StatusRequest), StringComparison.Ordinal);
        Assert.Contains("unavailable: the daemon is busy", ControlFixture.ReadAll(silent[0]), StringComparison.Ordinal);
        silent.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Method_without_an_answer_times_out()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(
            s => s["answer_timeout"] = TimeSpan.FromMilliseconds(100));
        string expected = "{\"status\":\"error\",\"error\":\"timed out: '{0}' had no answer after 0.1 s\"}\n";
        Assert.Equal(expected.Replace("{0}", "hang", StringComparison.Ordinal), control.Ask("""{"cmd":"hang"}"""));
        Assert.Equal(expected.Replace("{0}", "deaf", StringComparison.Ordinal), control.Ask("""{"cmd":"deaf"}"""));
    }

    [Fact]
    public async Task Thousand_connections_are_all_answered()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        int answered = 0;
        Thread[] threads = [.. Enumerable.Range(0, 50).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                if (control.Ask(StatusRequest).StartsWith("{\"status\":\"ok\"", StringComparison.Ordinal))
                    Interlocked.Increment(ref answered);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(1000, answered);
    }

    [Fact]
    public async Task Random_bytes_over_the_socket_harm_nobody()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        var random = new Random(20261122);
        for (int i = 0; i < 2_000; i++)
        {
            using Socket client = control.Connect();
            client.Send(Mutation(random), SocketFlags.None, out SocketError _);
            client.Shutdown(SocketShutdown.Send);
            string answer = ControlFixture.ReadAll(client);
            if (answer.Length > 0)
                using (JsonDocument.Parse(answer)) { }
        }
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask(StatusRequest), StringComparison.Ordinal);
    }

    [Fact]
    public void Hundred_thousand_mutated_requests_parse_or_fail_cleanly()
    {
        var random = new Random(7);
        int parsed = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = Mutation(random);
            var framer = new RequestFramer();
            int split = random.Next(bytes.Length + 1);
            FrameState state = framer.Feed(bytes.AsSpan(0, split));
            if (state == FrameState.Incomplete)
                state = framer.Feed(bytes.AsSpan(split));
            if (state != FrameState.Complete)
                continue;
            Assert.InRange(framer.Length, 2, bytes.Length);
            using JsonDocument? document = CallRequest.Parse(bytes.AsMemory(0, framer.Length), out _);
            if (document is not null && ReadEither(document.RootElement))
                parsed++;
        }
        Assert.InRange(parsed, 1_000, 99_000);
    }

    private static bool ReadEither(JsonElement root)
    {
        if (CallRequest.IsOne(root))
        {
            CallRequest? call = CallRequest.TryRead(root, out _, out CallFault? fault);
            Assert.Equal(call is null, fault is not null);
            return call is not null;
        }
        bool isOld = ControlRequest.TryRead(root, out _, out string? error);
        Assert.Equal(isOld, error is null);
        return isOld;
    }

    private static byte[] Mutation(Random random)
    {
        string[] seeds =
        [
            StatusRequest, "{}", """{"cmd":"echo","a":{"b":[1,2.5e3,true,null,"\u00e9\\\""]}}""", "[[[[", "{\"cmd\":\"\\ud83d\"}",
            """{"v":1,"id":7,"method":"echo","params":{"a":[1]},"deadline_ms":2000,"strict":true}""",
            """{"v":1,"id":"\ud800","method":"status"}""",
        ];
        if (random.Next(8) == 0)
        {
            byte[] noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            return noise;
        }
        byte[] bytes = Encoding.UTF8.GetBytes(seeds[random.Next(seeds.Length)]);
        for (int flips = random.Next(3); flips > 0; flips--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }
}
