using System.Net.Sockets;
using System.Text;

namespace VibePN.Vpnctl.Tests;

/// <summary>A control socket whose answers the test writes: for every command a line, or silence.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vpn-client-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, string?> _answer;
    private readonly Task _loop;

    /// <param name="answer">From the request to the answer; null keeps the connection open and says nothing.</param>
    public FakeDaemon(Func<string, string?> answer)
    {
        _answer = answer;
        _listener.Bind(new UnixDomainSocketEndPoint(Socket));
        _listener.Listen(16);
        _loop = Task.Run(ServeAsync);
    }

    public string Socket => Path.Combine(_directory.FullName, "s");

    public List<string> Requests { get; } = [];

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
        List<Socket> silent = [];
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                byte[] buffer = new byte[4096];
                int received = await client.ReceiveAsync(buffer, _stop.Token);
                string request = Encoding.UTF8.GetString(buffer, 0, received).TrimEnd('\n');
                Requests.Add(request);
                if (_answer(request) is not string answer)
                {
                    silent.Add(client);
                    continue;
                }
                for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(answer); rest.Length > 0;)
                    rest = rest[await client.SendAsync(rest, _stop.Token)..];
                client.Dispose();
            }
        }
        catch (OperationCanceledException)
        {
            silent.ForEach(client => client.Dispose());
        }
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
