using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>One request in the predecessor's form: it is carried out, and its one answer made.</summary>
internal sealed class OldCall(
    ControlRequest request, ControlPrincipal principal, ControlParts parts, CancellationToken aborting)
{
    // What a streaming method may put into one answer.
    private const int MaxResults = 4096;

    /// <summary>Ends when the method has, also when it was given up.</summary>
    public Task Unfinished { get; private set; } = Task.CompletedTask;

    /// <summary>Carries the request out.</summary>
    /// <returns>The answer's line.</returns>
    public async Task<ReadOnlyMemory<byte>> RunAsync()
    {
        ControlMethod? method = parts.Methods.Describe().FirstOrDefault(each => each.Name == request.Command);
        if (method is null)
            return Fail(ErrorText.UnknownCommand(request.Command));
        if (principal.Role < method.RequiredRole)
            return Fail(ErrorText.NotAuthorised(CallRunner.Lacks(method, principal)));
        bool audited = method.RequiredRole == ControlRole.Admin;
        if (audited)
            Log.Audit(parts.Context.Logger, principal.Name, method.Name);
        (List<JsonElement> results, string? error, string? code) = await InvokeAsync(method);
        if (error is not null)
        {
            if (audited && parts.Context.Logger.IsEnabled(LogLevel.Warning))
                Log.AuditFailed(parts.Context.Logger, method.Name, principal.Name, error);
            return Fail(error, code);
        }
        parts.Meters.Answered(ok: true);
        return method.Streaming ? Envelope.Success(results) : Envelope.Success(results.FirstOrDefault());
    }

    private async Task<(List<JsonElement> Results, string? Error, string? Code)> InvokeAsync(ControlMethod method)
    {
        TimeSpan limit = parts.Settings.AnswerTimeout;
        using var deadline = new CancellationTokenSource(limit, parts.Context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, aborting);
        Task<(List<JsonElement>, string?, string?)> call = CollectAsync(method, either.Token);
        try
        {
            return await call.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            Unfinished = call;
            string late = $"'{method.Name}' had no answer after {limit.TotalSeconds:0.###} s";
            return ([], aborting.IsCancellationRequested ? "the daemon is stopping" : ErrorText.TimedOut(late), null);
        }
    }

    private async Task<(List<JsonElement> Results, string? Error, string? Code)> CollectAsync(
        ControlMethod method, CancellationToken cancellationToken)
    {
        List<JsonElement> results = [];
        try
        {
            var call = new ControlCall(method.Name, request.Parameters, principal);
            await foreach (ControlReply reply in parts.Methods.InvokeAsync(call, cancellationToken))
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
            Log.MethodThrew(parts.Context.Logger, error, method.Name);
            return (results, CallRunner.Broken(method), null);
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
        parts.Meters.Answered(ok: false);
        return Envelope.Failure(error, code);
    }
}
