using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The calls of one connection that run at the same time, in version 1 of the protocol.</summary>
internal sealed class CallRunner(ControlConnection connection, ControlParts parts, CancellationToken aborting)
{
    /// <summary>The method that ends another call; it belongs to the protocol, not to the host.</summary>
    public const string CancelMethod = "cancel";

    /// <summary>Calls at once on a connection.</summary>
    public const int MaxCalls = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<CallId, RunningCall> _running = [];
    private TaskCompletionSource? _idle;
    private int _busy;
    private int _unsettled;

    /// <summary>What goes to the client.</summary>
    public OutputQueue Output { get; } = new();

    /// <summary>Whether a method still runs, given up or not.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_lock)
                return _busy > 0;
        }
    }

    /// <summary>Says that a caller's role is too low.</summary>
    public static string Lacks(ControlMethod method, ControlPrincipal principal) =>
        $"'{method.Name}' needs the role {RoleName(method.RequiredRole)}; {principal.Name} has {RoleName(principal.Role)}";

    /// <summary>Says that a method threw what it must not.</summary>
    public static string Broken(ControlMethod method) => $"'{method.Name}' failed inside the daemon; its log says more";

    /// <summary>Begins a call, or answers why not. The connection has a slot.</summary>
    public void Begin(CallRequest request)
    {
        ControlMethod? method = parts.Methods.Describe().FirstOrDefault(each => each.Name == request.Method);
        CallFault? fault = Admit(request, method, out RunningCall? call);
        if (fault is not null)
        {
            parts.Meters.Answered(ok: false);
            // Under the id that is in use the refusal would look like the running call's answer.
            CallId id = fault.Error == ControlError.Conflict ? default : request.Id;
            Output.Add(AnswerLine.Failure(id, fault));
            return;
        }
        if (method!.RequiredRole == ControlRole.Admin)
            Log.Audit(parts.Context.Logger, connection.Principal.Name, method.Name);
        _ = RunAsync(call!);
    }

    /// <summary>Ends another call, as the client asks.</summary>
    public void Cancel(CallRequest request)
    {
        ReadOnlyMemory<byte> answer;
        CallId target = default;
        if (request.Parameters.ValueKind != JsonValueKind.Object
            || !request.Parameters.TryGetProperty("id"u8, out JsonElement given)
            || !CallId.TryRead(given, out target))
            answer = AnswerLine.Failure(request.Id, new CallFault(ControlError.BadRequest,
                "'cancel' needs \"params\":{\"id\":...} with the id of a call on this connection"));
        else if (!End(target, call => call.IsCancelled = true))
            answer = AnswerLine.Failure(request.Id, new CallFault(ControlError.NotFound,
                $"no call with the id {target} runs on this connection"));
        else
            answer = AnswerLine.Success(request.Id, JsonElement.Parse("""{"cancelled":true}"""), request.Warnings);
        Output.Add(answer);
    }

    /// <summary>Ends all streams.</summary>
    /// <param name="fault">What their last lines say; null for a plain end, as when the client cancels.</param>
    public void EndStreams(CallFault? fault)
    {
        CallId[] ids;
        lock (_lock)
            ids = [.. _running.Where(pair => pair.Value.Stream is not null).Select(pair => pair.Key)];
        foreach (CallId id in ids)
            End(id, call => (call.IsCancelled, call.Fault) = (fault is null, fault));
    }

    /// <summary>Ends streams and waits until every other call has given its answer.</summary>
    public Task DrainAsync()
    {
        EndStreams(null);
        return IdleAsync();
    }

    /// <summary>Waits until no method runs and nothing more will be said about one.</summary>
    public Task IdleAsync()
    {
        lock (_lock)
        {
            if (_unsettled == 0)
                return Task.CompletedTask;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    private CallFault? Admit(CallRequest request, ControlMethod? method, out RunningCall? call)
    {
        call = null;
        if (method is null)
            return new CallFault(ControlError.UnknownMethod,
                $"there is no method '{ErrorText.Short(request.Method)}'", "api.describe lists them all");
        if (connection.Role < method.RequiredRole)
            return new CallFault(ControlError.Denied, Lacks(method, connection.Principal),
                "run it as root, as the daemon's user, or as one that admin_uids or admin_gids of control-unix name");
        lock (_lock)
        {
            if (_running.ContainsKey(request.Id))
                return new CallFault(ControlError.Conflict, $"a call with the id {request.Id} runs already on this connection");
            if (_busy >= MaxCalls)
                return new CallFault(ControlError.Unavailable,
                    $"{MaxCalls} calls run on this connection already", "wait for one, cancel one, or open another connection");
            if (method.Streaming && !parts.Slots.TryBeginStream(connection))
                return new CallFault(ControlError.Unavailable,
                    "streams have taken all the places they may", "ask again when another has ended");
            call = new RunningCall(request, method, Limit(request, method), parts.Context.Time)
            {
                Stream = method.Streaming ? Output.Open(request.Id) : null,
            };
            _running.Add(request.Id, call);
            _busy++;
            _unsettled++;
            return null;
        }
    }

    private TimeSpan Limit(CallRequest request, ControlMethod method)
    {
        if (request.Deadline is { } deadline)
            return deadline < parts.Settings.MaxDeadline ? deadline : parts.Settings.MaxDeadline;
        return method.Streaming ? Timeout.InfiniteTimeSpan : parts.Settings.AnswerTimeout;
    }

    private async Task RunAsync(RunningCall call)
    {
        // Off the reading task: a method may think before it first waits.
        await Task.Yield();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.Ending.Token, aborting);
        Task<ReadOnlyMemory<byte>> work = WorkAsync(call, either.Token);
        ReadOnlyMemory<byte> last;
        try
        {
            last = await work.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            last = AnswerLine.Failure(call.Request.Id, WhyGivenUp(call));
            if (call is { IsCancelled: true, Stream: not null })
                last = AnswerLine.Done(call.Request.Id, cancelled: true);
        }
        // Before the client can see the answer: it may use the id again at once.
        lock (_lock)
            _running.Remove(call.Request.Id);
        if (call.Stream is not null)
            Output.End(call.Stream, last);
        else
            Output.Add(last);
        // A method that ignores its cancellation keeps its place, or such calls would pile up.
        await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (call.Stream is not null)
            parts.Slots.EndStream(connection);
        lock (_lock)
        {
            call.Ending.Dispose();
            _busy--;
        }
        connection.Settle();
        lock (_lock)
        {
            if (--_unsettled > 0)
                return;
            _idle?.TrySetResult();
            _idle = null;
        }
    }

    private async Task<ReadOnlyMemory<byte>> WorkAsync(RunningCall call, CancellationToken cancellationToken)
    {
        (CallRequest request, ControlMethod method) = (call.Request, call.Method);
        try
        {
            var question = new ControlCall(method.Name, request.Parameters, connection.Principal) { Strict = request.Strict };
            await foreach (ControlReply reply in parts.Methods.InvokeAsync(question, cancellationToken))
            {
                if (reply.Error != ControlError.None)
                    return Fail(call, reply);
                string[] warnings = [.. call.TakeWarnings(), .. reply.Warnings];
                if (call.Stream is null)
                {
                    parts.Meters.Answered(ok: true);
                    return AnswerLine.Success(request.Id, reply.Result, warnings);
                }
                int dropped = Output.Add(call.Stream, AnswerLine.Event(request.Id, reply.Result, warnings));
                if (dropped > 0)
                    parts.Meters.Dropped(dropped);
            }
            parts.Meters.Answered(ok: true);
            return call.Stream is null
                ? AnswerLine.Success(request.Id, default, [.. call.TakeWarnings()])
                : AnswerLine.Done(request.Id, cancelled: false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The contract says that nothing else leaves the host; a bug there must not show as silence here.
            Log.MethodThrew(parts.Context.Logger, error, method.Name);
            parts.Meters.Answered(ok: false);
            return AnswerLine.Failure(request.Id, new CallFault(ControlError.Internal, Broken(method)));
        }
    }

    private ReadOnlyMemory<byte> Fail(RunningCall call, ControlReply reply)
    {
        parts.Meters.Answered(ok: false);
        string message = reply.Message.Length > 0 ? reply.Message : reply.Error.ToString();
        if (call.Method.RequiredRole == ControlRole.Admin && parts.Context.Logger.IsEnabled(LogLevel.Warning))
            Log.AuditFailed(parts.Context.Logger, call.Method.Name, connection.Principal.Name, message);
        return AnswerLine.Failure(call.Request.Id, new CallFault(reply.Error, message, reply.Hint));
    }

    private CallFault WhyGivenUp(RunningCall call)
    {
        parts.Meters.Answered(ok: false);
        string doubt = call.Method.RequiredRole == ControlRole.Admin ? "; whether it was carried out is not known" : "";
        if (call.Fault is not null)
            return call.Fault;
        if (call.IsCancelled)
            return new CallFault(ControlError.Unavailable, $"'{call.Method.Name}' was cancelled by its client{doubt}");
        if (aborting.IsCancellationRequested)
            return new CallFault(ControlError.Unavailable, "the daemon is stopping");
        string limit = $"{call.Limit.TotalSeconds:0.###} s";
        return call.Stream is null
            ? new CallFault(ControlError.Timeout, $"'{call.Method.Name}' had no answer after {limit}{doubt}",
                $"\"deadline_ms\" may be up to {parts.Settings.MaxDeadline.TotalMilliseconds:0}")
            : new CallFault(ControlError.Timeout, $"'{call.Method.Name}' ended at its deadline of {limit}");
    }

    private bool End(CallId id, Action<RunningCall> mark)
    {
        lock (_lock)
        {
            if (!_running.TryGetValue(id, out RunningCall? call))
                return false;
            if (call.Ending.IsCancellationRequested)
                return true;
            mark(call);
            // What this wakes runs elsewhere.
            _ = call.Ending.CancelAsync();
            return true;
        }
    }

    private static string RoleName(ControlRole role) => role switch
    {
        ControlRole.Admin => "admin",
        ControlRole.Viewer => "viewer",
        _ => "none",
    };

    private sealed class RunningCall(CallRequest request, ControlMethod method, TimeSpan limit, TimeProvider time)
    {
        private IReadOnlyList<string> _warnings = request.Warnings;

        public CallRequest Request => request;

        public ControlMethod Method => method;

        public TimeSpan Limit => limit;

        /// <summary>Cancelled at the deadline, or when something else ends the call.</summary>
        public CancellationTokenSource Ending { get; } = new(limit, time);

        public StreamQueue? Stream { get; init; }

        public bool IsCancelled { get; set; }

        public CallFault? Fault { get; set; }

        /// <summary>What was odd about the request, to be told once.</summary>
        public IReadOnlyList<string> TakeWarnings() => Interlocked.Exchange(ref _warnings, []);
    }
}
