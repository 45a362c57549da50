using System.Diagnostics;
using System.Net.Sockets;

namespace VibePN.Vpnctl.Tests;

public sealed class FailureTests
{
    [Theory]
    [InlineData("config.toml(3,1): no such key", 1)]
    [InlineData("not authorised: uid 7 pid 8 has no role here", 5)]
    [InlineData("timed out: 'reload' had no answer after 10 s", 6)]
    public async Task Refusal_decides_the_exit_code(string error, int code)
    {
        await using FakeDaemon daemon = FakeDaemon.Refusing(error);
        Assert.Equal(new Outcome(code, "", $"Error: {error}\n"), daemon.Vpnctl("reload"));
    }

    [Fact]
    public async Task Invalid_configuration_is_4_and_every_mistake_is_shown()
    {
        await using var daemon = new FakeDaemon(
            _ => """{"status":"error","error":"config.toml(3,1): error VPN1004: a\nplugins.toml(4,1): error VPN1007: b","code":"invalid_config"}""" + "\n");
        Assert.Equal(
            new Outcome(4, "", "Error: config.toml(3,1): error VPN1004: a\nplugins.toml(4,1): error VPN1007: b\n"), daemon.Vpnctl("reload"));
    }

    [Fact]
    public void Missing_socket_is_3_and_named()
    {
        Outcome outcome = Outcome.Of("status", "--socket", "/nonexistent/vibepn.sock");
        Assert.Equal(3, outcome.ExitCode);
        Assert.Equal("Error: vibepnd cannot be reached: there is no socket /nonexistent/vibepn.sock. "
            + "Is vibepnd running? Another socket is chosen with --socket PATH.\n", outcome.Error);
    }

    [Fact]
    public async Task Dead_socket_is_3()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("vpn-client-");
        string path = Path.Combine(directory.FullName, "s");
        await File.WriteAllTextAsync(path, "", TestContext.Current.CancellationToken);
        Outcome outcome = Outcome.Of("status", "--socket", path);
        directory.Delete(recursive: true);
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("nobody answers on", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_does_not_fail_without_a_daemon()
    {
        Outcome outcome = Outcome.Of("version", "--socket", "/nonexistent/s");
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("vpnctl:    0.1.0\nvibepnd:   unknown. vibepnd cannot be reached", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("\"daemon\": null", Outcome.Of("version", "--json", "--socket", "/nonexistent/s").Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silent_daemon_is_6_within_the_timeout()
    {
        await using var daemon = new FakeDaemon(_ => null);
        var clock = Stopwatch.StartNew();
        Outcome outcome = daemon.Vpnctl("status", "--timeout", "1");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 8);
        Assert.Equal(6, outcome.ExitCode);
        Assert.StartsWith("Error: vibepnd did not answer 'status' within 1 s", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Full_queue_is_6_within_the_timeout()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("vpn-client-");
        string path = Path.Combine(directory.FullName, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var waiting = new List<Socket>();
        for (bool full = false; !full && waiting.Count < 10;)
        {
            var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            waiting.Add(client);
            try
            {
                client.Connect(new UnixDomainSocketEndPoint(path));
            }
            catch (SocketException)
            {
                full = true;
            }
        }
        Outcome outcome = Outcome.Of("status", "--socket", path, "--timeout", "1");
        waiting.ForEach(client => client.Dispose());
        directory.Delete(recursive: true);
        Assert.Equal(6, outcome.ExitCode);
    }

    [Theory]
    [InlineData("", "closed the connection without an answer")]
    [InlineData("hello", "does not speak vibepnd's protocol")]
    [InlineData("[]", "does not speak vibepnd's protocol")]
    [InlineData("{}", "vibepnd gave no reason")]
    [InlineData("{\"v\":1,\"id\":1,\"ok\":false}", "vibepnd gave no reason")]
    [InlineData("{\"status\":\"error\",\"error\":\"a\\u001b[2J\\nb\"}", "Error: a\\x1b[2J\nb")]
    public async Task Answer_that_is_none_is_1(string answer, string expected)
    {
        await using var daemon = new FakeDaemon(_ => answer);
        Outcome outcome = daemon.Vpnctl("status");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(expected, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_that_may_not_be_used_is_5()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("status", "{}");
        File.SetUnixFileMode(daemon.Socket, UnixFileMode.None);
        File.SetUnixFileMode(Path.GetDirectoryName(daemon.Socket)!,
            File.GetUnixFileMode(Path.GetDirectoryName(daemon.Socket)!) | UnixFileMode.OtherExecute);
        Outcome outcome = UnprivilegedThread.Run(() => daemon.Vpnctl("status"));
        Assert.Equal(5, outcome.ExitCode);
        Assert.StartsWith($"Error: You may not use {daemon.Socket}.", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Executable_ends_with_the_exit_code()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "vpnctl.dll");
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath is { } path
            && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet", [program, "status", "--socket", "/nonexistent/s"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(3, process.ExitCode);
        Assert.StartsWith("Error: vibepnd cannot be reached", error, StringComparison.Ordinal);
    }
}
