using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class FirstQuestionsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vibepn-first-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "s");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_daemon_asks_for_its_status_and_waits_for_each_whole_answer()
    {
        using Socket listener = Listen();
        var prepared = new TaskCompletionSource();
        await using var questions = new FirstQuestions(Path, _ => prepared.SetResult(), NullLogger.Instance);
        using Socket server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("""{"v":1,"id":1,"method":"status"}""" + "\n", await ReadAsync(server));
            await server.SendAsync(new byte[5_000], TestContext.Current.CancellationToken);
            Assert.False(server.Poll(1_000, SelectMode.SelectRead)); // the line is not over
            await server.SendAsync("}\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }
        Assert.Equal("", await ReadAsync(server)); // closed
        using Socket old = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal("""{"cmd":"status"}""" + "\n", await ReadAsync(old));
        Assert.False(prepared.Task.IsCompleted);
        await old.SendAsync("{}\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await questions.Done.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.True(prepared.Task.IsCompleted);
    }

    [Fact]
    public async Task A_server_that_closes_or_says_nothing_keeps_nobody()
    {
        using Socket listener = Listen();
        await using (var questions = new FirstQuestions(Path, _ => { }, NullLogger.Instance))
        {
            (await listener.AcceptAsync(TestContext.Current.CancellationToken)).Dispose();
            await questions.Done.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }
        var silent = new FirstQuestions(Path, _ => { }, NullLogger.Instance);
        using Socket server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual("", await ReadAsync(server));
        await silent.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_socket_that_cannot_be_reached_is_told()
    {
        var log = new ListLogger();
        await using var questions = new FirstQuestions(Path, _ => { }, log);
        await questions.Done.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.StartsWith($"the control socket {Path} cannot be reached: ", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen(1);
        return listener;
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        byte[] bytes = new byte[1_000];
        return Encoding.UTF8.GetString(bytes, 0, await socket.ReceiveAsync(bytes, TestContext.Current.CancellationToken));
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
