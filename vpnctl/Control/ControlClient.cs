using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Control;

/// <summary>Asks the daemon over its control socket, in version 1 of its protocol (docs/control-protocol.md).</summary>
/// <remarks>One connection carries all questions of a client, one after the other.</remarks>
/// <param name="path">The socket.</param>
/// <param name="timeout">For one question, connecting included; the daemon gets it as the deadline.</param>
internal sealed class ControlClient(string path, TimeSpan timeout) : IDisposable
{
    public const string DefaultPath = "/run/vibepn/vibepn.sock";

    // Where the predecessor's daemon had it.
    private const string OldPath = "/var/run/vibepn.sock";

    // The daemon knows better than our clock why an answer did not come in time, so it may speak first.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);

    // How long the end of a stream that was cancelled is waited for.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    private ControlChannel? _channel;
    private long _lastId;

    /// <summary>What was odd about the last question although it was answered, one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; private set; } = [];

    /// <summary>The client that the options ask for.</summary>
    /// <exception cref="CommandException">The timeout makes no sense.</exception>
    public static ControlClient For(DaemonOptions options)
    {
        if (options.Timeout is < 1 or > 3600)
            throw new CommandException("--timeout takes 1 to 3600 seconds.", ExitCode.Usage);
        string standard = !File.Exists(DefaultPath) && File.Exists(OldPath) ? OldPath : DefaultPath;
        return new ControlClient(options.Socket ?? standard, TimeSpan.FromSeconds(options.Timeout));
    }

    /// <summary>Runs a method of the daemon.</summary>
    /// <returns>Its result; undefined when it has none.</returns>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public JsonElement Call(string method) => Call(method, _ => { });

    /// <summary>Runs a method of the daemon with parameters.</summary>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes them as members of an object.</param>
    /// <returns>Its result; undefined when it has none.</returns>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public JsonElement Call(string method, Action<Utf8JsonWriter> writeParameters)
    {
        using var deadline = new CancellationTokenSource(timeout + Grace);
        try
        {
            JsonElement answer = AskAsync(method, writeParameters, timeout, deadline.Token).GetAwaiter().GetResult();
            Warnings = [.. answer.Items("warnings").Select(each => Escape.Controls(each.AsText()))];
            return answer.TryGetProperty("result", out JsonElement result) ? result : default;
        }
        catch (OperationCanceledException)
        {
            Drop();
            throw TooLate(method);
        }
        catch (SocketException error)
        {
            Drop();
            throw Explain(error);
        }
    }

    /// <summary>Follows a streaming method of the daemon.</summary>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes its parameters as members of an object.</param>
    /// <param name="cancellationToken">Ends the stream: the daemon is told, and the enumeration ends without an exception.</param>
    /// <param name="deadline">How long the daemon is to go on; null leaves that open.</param>
    /// <returns>Each event; where the daemon had to leave some out, an object <c>{"dropped":n}</c>.</returns>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public async IAsyncEnumerable<JsonElement> Stream(
        string method,
        Action<Utf8JsonWriter> writeParameters,
        [EnumeratorCancellation] CancellationToken cancellationToken,
        TimeSpan? deadline = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        JsonElement line = await BeginStreamAsync(method, writeParameters, deadline, limit, cancellationToken);
        long id = _lastId;
        while (line.ValueKind == JsonValueKind.Object && !line.IsTrue("done"))
        {
            if (line.TryGetProperty("event", out JsonElement value))
                yield return value;
            else if (line.Number("dropped") is double dropped)
                yield return JsonElement.Parse($$"""{"dropped":{{dropped:0}}}""");
            line = await NextOfStreamAsync(method, id, limit.Token, cancellationToken);
        }
    }

    /// <summary>Follows a streaming method until it ends or the operator presses Ctrl-C.</summary>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes its parameters as members of an object.</param>
    /// <param name="show">Gets each event, or <c>{"dropped":n}</c>.</param>
    /// <param name="deadline">How long the daemon is to go on; null leaves that open.</param>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public void Follow(string method, Action<Utf8JsonWriter> writeParameters, Action<JsonElement> show, TimeSpan? deadline = null)
    {
        using var interrupt = new Interrupt();
        RunAsync().GetAwaiter().GetResult();

        async Task RunAsync()
        {
            await foreach (JsonElement each in Stream(method, writeParameters, interrupt.Token, deadline))
                show(each);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    /// <summary>Sends a question and reads its first line, on a new connection if the old one is gone.</summary>
    private async Task<JsonElement> AskAsync(
        string method, Action<Utf8JsonWriter> writeParameters, TimeSpan? deadline, CancellationToken cancellationToken)
    {
        while (true)
        {
            _channel ??= await ControlChannel.ConnectAsync(path, cancellationToken);
            long id = ++_lastId;
            await _channel.SendAsync(ControlLine.Request(id, method, writeParameters, deadline), cancellationToken);
            JsonElement answer = await ReadAsync(id, cancellationToken);
            if (ControlLine.IsTurnedAway(answer))
            {
                // The daemon has too many clients for the moment, or is stopping: it has not read the question.
                Drop();
                await Task.Delay(RetryInterval, cancellationToken);
                continue;
            }
            ControlLine.ThrowIfRefused(answer, path);
            return answer;
        }
    }

    private async Task<JsonElement> ReadAsync(long id, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await _channel!.ReadLineAsync(cancellationToken) is not { } line)
            {
                Drop();
                throw new CommandException(
                    $"vibepnd closed the connection without an answer ({Escape.Controls(path)}). See its log.");
            }
            JsonElement answer = ControlLine.Parse(line, path);
            if (ControlLine.Concerns(answer, id))
                return answer;
        }
    }

    private async Task<JsonElement> BeginStreamAsync(
        string method, Action<Utf8JsonWriter> writeParameters, TimeSpan? deadline, CancellationTokenSource limit,
        CancellationToken cancellationToken)
    {
        // Connecting is under the timeout; the first event may take as long as the deadline allows.
        limit.CancelAfter(timeout);
        try
        {
            _channel ??= await ControlChannel.ConnectAsync(path, limit.Token);
            limit.CancelAfter(deadline is { } most ? most + Grace : Timeout.InfiniteTimeSpan);
            return await AskAsync(method, writeParameters, deadline, limit.Token);
        }
        catch (OperationCanceledException)
        {
            await EndStreamAsync(_lastId);
            return cancellationToken.IsCancellationRequested ? default : throw TooLate(method);
        }
        catch (SocketException error)
        {
            throw Explain(error);
        }
    }

    private async Task<JsonElement> NextOfStreamAsync(
        string method, long id, CancellationToken limit, CancellationToken cancellationToken)
    {
        try
        {
            JsonElement line = await ReadAsync(id, limit);
            ControlLine.ThrowIfRefused(line, path);
            return line;
        }
        catch (OperationCanceledException)
        {
            await EndStreamAsync(id);
            return cancellationToken.IsCancellationRequested ? default : throw TooLate(method);
        }
        catch (SocketException error)
        {
            throw Explain(error);
        }
    }

    /// <summary>Tells the daemon that the stream is not wanted any more, and waits for its last line, not for ever.</summary>
    private async Task EndStreamAsync(long id)
    {
        if (_channel is null)
            return;
        using var limit = new CancellationTokenSource(Farewell);
        try
        {
            byte[] request = ControlLine.Request(++_lastId, "cancel", writer => writer.WriteNumber("id", id), null);
            await _channel.SendAsync(request, limit.Token);
            while (await ReadAsync(id, limit.Token) is var line && !line.TryGetProperty("ok", out _))
            {
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or CommandException)
        {
            // Closing the connection tells it, too.
            Drop();
        }
    }

    private void Drop()
    {
        _channel?.Dispose();
        _channel = null;
    }

    private CommandException TooLate(string method) => new(
        $"vibepnd did not answer '{method}' within {timeout.TotalSeconds} s ({Escape.Controls(path)}). "
        + "See its log, or give it longer with --timeout.",
        ExitCode.TimedOut);

    private CommandException Explain(SocketException error)
    {
        string shown = Escape.Controls(path);
        if (error.SocketErrorCode == SocketError.AccessDenied)
            return new CommandException(
                $"You may not use {shown}. Run vpnctl as root, or as a member of the socket's group.",
                ExitCode.NotAuthorised);
        string cause = File.Exists(path)
            ? $"nobody answers on {shown} ({error.Message})"
            : $"there is no socket {shown}";
        return new CommandException(
            $"vibepnd cannot be reached: {cause}. Is vibepnd running? Another socket is chosen with --socket PATH.",
            ExitCode.Unreachable);
    }
}
