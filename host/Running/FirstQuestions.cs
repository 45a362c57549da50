using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using VibePN.Host.Logging;

namespace VibePN.Host.Running;

/// <summary>Right after the start the daemon asks itself for its status, over its own control socket.</summary>
/// <remarks>
/// Code is loaded and compiled when it is first needed: the first answer takes 0.2 s where the next ones take one or two
/// milliseconds. Whoever asks first, a monitor in an emergency for instance, is not to wait for that. It also shows that the
/// socket can be reached.
/// </remarks>
internal sealed class FirstQuestions : IAsyncDisposable
{
    // The first loads the code, the next two find what only a second call needs.
    private const int Count = 3;

    private static readonly byte[] s_question = [.. """{"v":1,"id":1,"method":"status"}"""u8, (byte)'\n'];
    private static readonly byte[] s_oldQuestion = [.. """{"cmd":"status"}"""u8, (byte)'\n'];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _ending = new(Limit);
    private readonly Task _run;

    /// <summary>Begins to ask, and does not wait for it.</summary>
    /// <param name="socket">The control socket's path.</param>
    /// <param name="prepare">Gets ready, after the questions, for what they have not asked: called once, on a thread of its own.</param>
    /// <param name="logger">Told when it cannot be reached.</param>
    public FirstQuestions(string socket, Action<CancellationToken> prepare, ILogger logger) =>
        _run = Task.Run(() => RunAsync(socket, prepare, logger));

    /// <summary>Ends; throws nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _run;
        _ending.Dispose();
    }

    /// <summary>Completes when the last answer has come, or none comes, and all is prepared.</summary>
    internal Task Done => _run;

    private async Task RunAsync(string path, Action<CancellationToken> prepare, ILogger logger)
    {
        try
        {
            await AskAsync(path, s_question, Count);
            await AskAsync(path, s_oldQuestion, 1); // the predecessor's form takes another way
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            Log.ControlSocketSilent(logger, path, exception.Message);
        }
        catch (OperationCanceledException)
        {
            // The daemon is stopping, or busy with other things.
        }
        await Task.Factory.StartNew(
            () => prepare(_ending.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private async Task AskAsync(string path, byte[] question, int times)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), _ending.Token);
        byte[] answer = new byte[4_096];
        for (int i = 0; i < times; i++)
        {
            await socket.SendAsync(question, _ending.Token);
            await ReadLineAsync(socket, answer);
        }
    }

    // What it says is nobody's business here; a server that closes has answered, too.
    private async Task ReadLineAsync(Socket socket, byte[] buffer)
    {
        int count;
        do
        {
            count = await socket.ReceiveAsync(buffer, _ending.Token);
        }
        while (count > 0 && buffer[count - 1] != (byte)'\n');
    }
}
