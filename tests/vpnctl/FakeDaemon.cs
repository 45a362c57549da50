using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VibePN.Vpnctl.Tests;

/// <summary>A control socket whose answers the test writes: for every command a line, or silence.</summary>
/// <remarks>
/// Tests write and read the predecessor's short form, <c>{"cmd":...}</c> and <c>{"status":...,"output":...}</c>; on the
/// socket it is version 1 of the protocol. An answer in any other form goes out as it is, and so may have several lines.
/// </remarks>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vpn-client-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, string?> _answer;
    private readonly bool _translates;
    private readonly Task _loop;

    /// <param name="answer">From the request to the answer; null keeps the connection open and says nothing.</param>
    /// <param name="translates">Whether an answer in the short form goes out as version 1.</param>
    public FakeDaemon(Func<string, string?> answer, bool translates = true)
    {
        _answer = answer;
        _translates = translates;
        _listener.Bind(new UnixDomainSocketEndPoint(Socket));
        _listener.Listen(16);
        _loop = Task.Run(ServeAsync);
    }

    public string Socket => Path.Combine(_directory.FullName, "s");

    /// <summary>Requests in the short form.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>Requests as they came.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Connections that came.</summary>
    public int Connections { get; private set; }

    /// <summary>A daemon that answers one command, with this output.</summary>
    public static FakeDaemon Answering(string command, string output) => new(request =>
        request == $$"""{"cmd":"{{command}}"}"""
            ? $$"""{"status":"ok","output":{{output}}}""" + "\n"
            : """{"status":"error","error":"unknown command: another"}""" + "\n");

    public static FakeDaemon Refusing(string error) => new(_ => $$"""{"status":"error","error":"{{error}}"}""" + "\n");

    /// <summary>Runs vpnctl against this daemon.</summary>
    public Outcome Vpnctl(params string[] arguments) => Outcome.Of([.. arguments, "--socket", Socket]);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _listener.Dispose();
        _stop.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task ServeAsync()
    {
        List<Task> clients = [];
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                Connections++;
                clients.Add(ServeAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var reader = new StreamReader(new NetworkStream(client, ownsSocket: true));
        try
        {
            while (await reader.ReadLineAsync(_stop.Token) is string line)
            {
                (string request, string id) = ShortForm(line);
                lock (Requests)
                {
                    Requests.Add(request);
                    Lines.Add(line);
                }
                if (_answer(request) is not string answer)
                    continue;
                string sent = answer;
                bool isShort = _translates && TryLongForm(answer, id, out sent);
                for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(sent); rest.Length > 0;)
                    rest = rest[await client.SendAsync(rest, _stop.Token)..];
                if (!isShort && !answer.EndsWith('\n'))
                    return;
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or SocketException)
        {
            // The test is over, or vpnctl is.
        }
    }

    private static (string Request, string Id) ShortForm(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("cmd", root.GetProperty("method").GetString());
            foreach (JsonProperty member in root.GetProperty("params").EnumerateObject())
                member.WriteTo(writer);
            writer.WriteEndObject();
        }
        return (Encoding.UTF8.GetString(buffer.ToArray()), root.GetProperty("id").GetRawText());
    }

    private static bool TryLongForm(string answer, string id, out string line)
    {
        line = answer;
        if (!answer.StartsWith("{\"status\"", StringComparison.Ordinal))
            return false;
        using JsonDocument document = JsonDocument.Parse(answer);
        JsonElement root = document.RootElement;
        if (root.GetProperty("status").GetString() == "ok")
        {
            string result = root.TryGetProperty("output", out JsonElement output) ? output.GetRawText().ReplaceLineEndings("") : "null";
            line = $$"""{"v":1,"id":{{id}},"ok":true,"result":{{result}}}""" + "\n";
            return true;
        }
        string error = root.GetProperty("error").GetRawText();
        string code = root.TryGetProperty("code", out JsonElement given) ? given.GetString()!
            : error.StartsWith("\"not authorised: ", StringComparison.Ordinal) ? "denied"
            : error.StartsWith("\"timed out: ", StringComparison.Ordinal) ? "timeout"
            : "internal";
        line = $$$"""{"v":1,"id":{{{id}}},"ok":false,"error":{"code":"{{{code}}}","message":{{{error}}}}}""" + "\n";
        return true;
    }
}

/// <summary>What a run of vpnctl left behind.</summary>
internal sealed record Outcome(int ExitCode, string Out, string Error)
{
    public static Outcome Of(params string[] arguments) => Of(null, false, arguments);

    public static Outcome Of(int? width, bool colour, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int code = VibePN.Vpnctl.CommandLine.Dispatcher.Run(arguments, new Terminal(output, error, width, colour));
        return new Outcome(code, output.ToString(), error.ToString());
    }
}
