using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>One client: its request is read, answered, and the connection closed.</summary>
internal sealed class ControlConnection(
    Socket client,
    ControlPrincipal principal,
    ControlSettings settings,
    IControlMethods methods,
    IPluginContext context,
    ControlMeters meters) : IDisposable
{
    private const int FirstBuffer = 1024;

    // What a streaming method may put into one answer.
    private const int MaxResults = 4096;

    private readonly Lock _lock = new();
    private readonly long _began = context.Time.GetTimestamp();
    private readonly CancellationTokenSource _reading = new(settings.RequestTimeout, context.Time);
    private readonly CancellationTokenSource _aborting = new();
    private bool _isReading = true;
    private bool _disposed;
    private Task _unfinished = Task.CompletedTask;
    private string _readingEnded = $"the request was not complete after {settings.RequestTimeout.TotalSeconds:0.###} s";

    /// <summary>Serves the client. Does not throw over anything a client does.</summary>
    public async Task RunAsync()
    {
        try
        {
            ReadOnlyMemory<byte> answer = await AnswerAsync();
            if (answer.Length > 0)
                await SendAsync(answer);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, did not take its answer in time, or the daemon stops.
            meters.Refused("connection_lost");
        }
        finally
        {
            client.Dispose();
        }
        // A method that ignores its cancellation keeps this client's slot, or such calls would pile up.
        await _unfinished.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>After <see cref="RunAsync"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
            _disposed = true;
        client.Dispose();
        _reading.Dispose();
        _aborting.Dispose();
    }

    /// <summary>Ends the connection if its request is not here yet although it had this long.</summary>
    public void MakeRoomIfReadingFor(TimeSpan patience)
    {
        if (context.Time.GetElapsedTime(_began) < patience)
            return;
        lock (_lock)
        {
            // What has come but is not read yet waits for us, not for the client.
            if (!_isReading || client.Available > 0)
                return;
        }
        EndReading("the daemon is busy, and the request did not come at once");
    }

    /// <summary>Ends the connection if its request is not here yet.</summary>
    public void StopReading() => EndReading("the daemon is stopping");

    /// <summary>Ends the connection, whatever it is doing.</summary>
    public void Abort() => Cancel(_aborting);

    private void EndReading(string reason)
    {
        lock (_lock)
        {
            if (!_isReading)
                return;
            _readingEnded = reason;
        }
        Cancel(_reading);
    }

    private void Cancel(CancellationTokenSource source)
    {
        // Under the lock the source cannot be disposed meanwhile; what the cancellation wakes runs elsewhere.
        lock (_lock)
        {
            if (!_disposed)
                _ = source.CancelAsync();
        }
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync()
    {
        ControlRequest? request;
        string? error;
        try
        {
            (request, error) = await ReadAsync();
        }
        finally
        {
            lock (_lock)
                _isReading = false;
        }
        if (request is not null)
            return await CallAsync(request);
        if (error is null)
            return default;
        meters.Refused("bad_request");
        return Envelope.Failure(error);
    }

    /// <summary>Reads one request.</summary>
    /// <returns>The request, or what to answer instead; neither when the client left without a word.</returns>
    private async Task<(ControlRequest? Request, string? Error)> ReadAsync()
    {
        byte[] buffer = new byte[FirstBuffer];
        int filled = 0;
        var framer = new RequestFramer();
        while (true)
        {
            if (filled == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            int received;
            try
            {
                received = await client.ReceiveAsync(buffer.AsMemory(filled), _reading.Token);
            }
            catch (OperationCanceledException)
            {
                lock (_lock)
                    return (null, ErrorText.TimedOut(_readingEnded));
            }
            if (received == 0)
                return (null, filled == 0 ? null : ErrorText.BadRequest("the request ends too early"));
            FrameState state = framer.Feed(buffer.AsSpan(filled, received));
            filled += received;
            switch (state)
            {
                case FrameState.Complete:
                    return Parse(buffer.AsMemory(0, framer.Length));
                case FrameState.NotAnObject:
                    return (null, ErrorText.BadRequest("the request is not a JSON object"));
                case FrameState.TooDeep:
                    return (null, ErrorText.BadRequest(
                        $"the request is nested deeper than {RequestFramer.MaxDepth} levels"));
            }
            if (filled >= ControlRequest.MaxBytes)
                return (null, ErrorText.BadRequest($"the request is longer than {ControlRequest.MaxBytes} bytes"));
        }
    }

    private static (ControlRequest? Request, string? Error) Parse(ReadOnlyMemory<byte> json) =>
        ControlRequest.TryParse(json, out ControlRequest? request, out string? error)
            ? (request, null)
            : (null, ErrorText.BadRequest(error));

    private async Task<ReadOnlyMemory<byte>> CallAsync(ControlRequest request)
    {
        ControlMethod? method = methods.Describe().FirstOrDefault(m => m.Name == request.Command);
        if (method is null)
            return Fail(ErrorText.UnknownCommand(request.Command));
        if (principal.Role < method.RequiredRole)
            return Fail(ErrorText.NotAuthorised(
                $"'{method.Name}' needs the role {RoleName(method.RequiredRole)}; "
                + $"{principal.Name} has {RoleName(principal.Role)}"));
        bool audited = method.RequiredRole == ControlRole.Admin;
        if (audited)
            Log.Audit(context.Logger, principal.Name, method.Name);
        (List<JsonElement> results, string? error, string? code) = await InvokeAsync(method, request);
        if (error is not null)
        {
            if (audited && context.Logger.IsEnabled(LogLevel.Warning))
                Log.AuditFailed(context.Logger, method.Name, principal.Name, error);
            return Fail(error, code);
        }
        meters.Answered(ok: true);
        return method.Streaming ? Envelope.Success(results) : Envelope.Success(results.FirstOrDefault());
    }

    private async Task<(List<JsonElement> Results, string? Error, string? Code)> InvokeAsync(
        ControlMethod method,
        ControlRequest request)
    {
        using var deadline = new CancellationTokenSource(settings.AnswerTimeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _aborting.Token);
        Task<(List<JsonElement>, string?, string?)> call = CollectAsync(method, request, either.Token);
        try
        {
            return await call.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            _unfinished = call;
            string late = $"'{method.Name}' had no answer after {settings.AnswerTimeout.TotalSeconds:0.###} s";
            return ([], _aborting.IsCancellationRequested ? "the daemon is stopping" : ErrorText.TimedOut(late), null);
        }
    }

    private async Task<(List<JsonElement> Results, string? Error, string? Code)> CollectAsync(
        ControlMethod method,
        ControlRequest request,
        CancellationToken cancellationToken)
    {
        List<JsonElement> results = [];
        try
        {
            var call = new ControlCall(method.Name, request.Parameters, principal);
            await foreach (ControlReply reply in methods.InvokeAsync(call, cancellationToken))
            {
                if (reply.Error != ControlError.None)
                    return (results, Describe(reply), ErrorText.CodeOf(reply.Error));
                results.Add(reply.Result);
                if (!method.Streaming || results.Count == MaxResults)
                    break;
            }
            return (results, null, null);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The contract says that nothing else leaves the host; a bug there must not show as silence here.
            Log.MethodThrew(context.Logger, error, method.Name);
            return (results, $"'{method.Name}' failed inside the daemon; its log says more", null);
        }
    }

    private static string Describe(ControlReply reply)
    {
        string message = reply.Message.Length > 0 ? reply.Message : reply.Error.ToString();
        return reply.Error switch
        {
            ControlError.Denied => ErrorText.NotAuthorised(message),
            ControlError.Timeout => ErrorText.TimedOut(message),
            _ => message,
        };
    }

    private ReadOnlyMemory<byte> Fail(string error, string? code = null)
    {
        meters.Answered(ok: false);
        return Envelope.Failure(error, code);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> answer)
    {
        using var deadline = new CancellationTokenSource(settings.RequestTimeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _aborting.Token);
        while (answer.Length > 0)
            answer = answer[await client.SendAsync(answer, either.Token)..];
    }

    private static string RoleName(ControlRole role) => role switch
    {
        ControlRole.Admin => "admin",
        ControlRole.Viewer => "viewer",
        _ => "none",
    };
}
