using System.Net.Sockets;
using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>What all connections of a server share.</summary>
internal sealed record ControlParts(
    ControlSettings Settings, IControlMethods Methods, IPluginContext Context, ControlMeters Meters, Slots Slots);

/// <summary>One client: reads its requests and sees to it that each is answered in the protocol it speaks.</summary>
/// <remarks>
/// One task reads; each call is a task of its own (<see cref="CallRunner"/>); one task writes. A request without
/// <c>v</c> is the predecessor's: it is answered and the connection closed.
/// </remarks>
internal sealed class ControlConnection : IDisposable
{
    // From then on a client that is asked to take its lines and does not counts as stalled.
    private static readonly TimeSpan StallPatience = TimeSpan.FromMilliseconds(250);

    private readonly Socket _client;
    private readonly ControlParts _parts;
    private readonly Lock _lock = new();
    private readonly RequestReader _reader;
    private readonly CancellationTokenSource _reading;
    private readonly CancellationTokenSource _sending;
    private readonly CancellationTokenSource _aborting = new();
    private readonly CallRunner _calls;
    private Task _writing = Task.CompletedTask;
    private Task _unfinished = Task.CompletedTask;
    private string _readingEnded;
    private ControlError _readingFault = ControlError.Timeout;
    private bool _isReading = true;
    private bool _isNew;
    private bool _isTimingRequest;
    private bool _hasSlot;
    private volatile bool _isBeginning;
    private bool _disposed;
    private long _lastHeard;
    private long _sendBegan;

    public ControlConnection(Socket client, ControlPrincipal principal, uint uid, ControlParts parts)
    {
        _client = client;
        _parts = parts;
        Principal = principal;
        Uid = uid;
        TimeProvider time = parts.Context.Time;
        _lastHeard = time.GetTimestamp();
        _reader = new RequestReader(client);
        _readingEnded = Late();
        _reading = new CancellationTokenSource(parts.Settings.RequestTimeout, time);
        _sending = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _calls = new CallRunner(this, parts, _aborting.Token);
    }

    /// <summary>Who the client is.</summary>
    public ControlPrincipal Principal { get; }

    /// <summary>What the client may do.</summary>
    public ControlRole Role => Principal.Role;

    /// <summary>The client's user.</summary>
    public uint Uid { get; }

    /// <summary>Streams that run. <see cref="Slots"/> counts them.</summary>
    public int Streams { get; set; }

    /// <summary>Whether it has been told to make room.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Whether a whole request has ever come.</summary>
    public bool HasAsked { get; private set; }

    /// <summary>Whether it waits for a slot with a request in hand.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>Whether the client lets what is sent to it lie.</summary>
    public bool IsStalled => Volatile.Read(ref _sendBegan) is not 0 and var began
        && _parts.Context.Time.GetElapsedTime(began) >= StallPatience;

    /// <summary>When something was last heard or done, as a timestamp.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    /// <summary>Serves the client. Does not throw over anything a client does.</summary>
    public async Task RunAsync()
    {
        try
        {
            await ReadAsync();
            await _calls.DrainAsync();
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, did not take its answer in time, or the daemon stops.
            _parts.Meters.Refused("connection_lost");
        }
        finally
        {
            _calls.Output.Close();
            await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _client.Dispose();
        }
        // A method that ignores its cancellation keeps this client's slot, or such calls would pile up.
        await _unfinished.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _calls.IdleAsync();
        _isBeginning = false;
        GiveSlotBack();
        _parts.Slots.Owes(this, false);
    }

    /// <summary>After <see cref="RunAsync"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
            _disposed = true;
        _client.Dispose();
        _reading.Dispose();
        _sending.Dispose();
        _aborting.Dispose();
    }

    /// <summary>Whether nothing has come for a while, nothing runs, and what comes next is not here yet.</summary>
    public bool IsQuietFor(TimeSpan patience)
    {
        if (_parts.Context.Time.GetElapsedTime(LastHeard) < patience)
            return false;
        lock (_lock)
        {
            // What has come but is not read yet waits for us, not for the client.
            return !_disposed && !IsLeaving && _isReading && !_hasSlot && !IsWaiting && _client.Available == 0;
        }
    }

    /// <summary>Ends the connection to make room, whatever it is doing; its client is told.</summary>
    public void Evict(string reason)
    {
        lock (_lock)
        {
            if (IsLeaving)
                return;
            IsLeaving = true;
        }
        EndReading(ControlError.Unavailable, reason);
        _calls.EndStreams(new CallFault(ControlError.Unavailable, reason));
        if (IsStalled)
            Abort();
    }

    /// <summary>Takes no more requests, and ends streams; answers under way still reach the client.</summary>
    public void StopReading()
    {
        const string Reason = "the daemon is stopping";
        EndReading(ControlError.Unavailable, Reason);
        _calls.EndStreams(new CallFault(ControlError.Unavailable, Reason));
    }

    /// <summary>Ends the connection, whatever it is doing.</summary>
    public void Abort()
    {
        Cancel(_aborting);
        Cancel(_reading);
    }

    /// <summary>Called when a call has ended or everything has been sent: what no call runs for needs no slot.</summary>
    public void Settle()
    {
        GiveSlotBack();
        bool owes = !_calls.Output.IsEmpty || Volatile.Read(ref _sendBegan) != 0;
        _parts.Slots.Owes(this, owes);
        lock (_lock)
        {
            if (owes || _calls.IsBusy)
                return;
            Volatile.Write(ref _lastHeard, _parts.Context.Time.GetTimestamp());
            if (_isReading)
                ArmReading();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await NextAsync() is { } document)
            {
                using (document)
                {
                    HasAsked = true;
                    // Where version 1 is spoken, "cmd" it takes to fall back to the old form.
                    if (CallRequest.IsOne(document.RootElement)
                        || (_isNew && !ControlRequest.IsOne(document.RootElement)))
                        await AnswerAsync(document.RootElement);
                    else
                    {
                        await AnswerOldAsync(document.RootElement);
                        return;
                    }
                }
            }
        }
        finally
        {
            lock (_lock)
                _isReading = false;
        }
    }

    /// <summary>The next request, as far as it is JSON; null when none will come and everything is said about it.</summary>
    private async Task<JsonDocument?> NextAsync()
    {
        while (true)
        {
            // Who does not take answers is not asked for more questions.
            await _calls.Output.RoomAsync(_aborting.Token);
            FrameState state = _reader.TryTake(out ReadOnlyMemory<byte> frame);
            if (state != FrameState.Incomplete)
                _isTimingRequest = false;
            else
            {
                if (await FillAsync() is not { } more)
                    return null;
                if (more)
                    continue;
                bool hadBegun = _reader.HasBegun;
                state = _reader.TakeRest(out frame);
                if (state == FrameState.Incomplete)
                {
                    if (hadBegun)
                        await RefuseAsync(ControlError.BadRequest, "the request ends too early");
                    return null;
                }
            }
            string problem = ErrorText.Describe(state);
            if (state == FrameState.Complete && CallRequest.Parse(frame, out problem) is { } document)
                return document;
            await RefuseAsync(ControlError.BadRequest, problem);
            // With version 1 the next line is a new beginning; before it nothing says where one would be.
            if (!_isNew || state == FrameState.TooLong)
                return null;
        }
    }

    /// <summary>Waits for bytes.</summary>
    /// <returns>False when the client will send no more; null when it is too late, and the client has been told.</returns>
    private async ValueTask<bool?> FillAsync()
    {
        lock (_lock)
            ArmReading();
        try
        {
            bool more = await _reader.FillAsync(_reading.Token);
            Volatile.Write(ref _lastHeard, _parts.Context.Time.GetTimestamp());
            return more;
        }
        catch (OperationCanceledException)
        {
            _aborting.Token.ThrowIfCancellationRequested();
            await RefuseAsync(_readingFault, _readingEnded);
            return null;
        }
    }

    private async Task AnswerAsync(JsonElement root)
    {
        if (!_isNew)
            _writing = WriteAsync();
        _isNew = true;
        CallRequest? request = CallRequest.TryRead(root, out CallId id, out CallFault? fault);
        if (request is null)
        {
            _parts.Meters.Refused("bad_request");
            _calls.Output.Add(AnswerLine.Failure(id, fault!));
        }
        else if (request.Method == CallRunner.CancelMethod)
            _calls.Cancel(request);
        else if (await TakeSlotAsync(request.Deadline))
            _calls.Begin(request);
        else
            _calls.Output.Add(AnswerLine.Failure(id, Busy));
        _isBeginning = false;
        Settle();
    }

    private async Task AnswerOldAsync(JsonElement root)
    {
        // What still runs here in version 1 has its answers first.
        _calls.EndStreams(new CallFault(ControlError.Unavailable, "a request without \"v\" ended the connection"));
        await _calls.DrainAsync();
        _calls.Output.Close();
        await _writing;
        _isNew = false;
        if (!ControlRequest.TryRead(root, out ControlRequest? request, out string? error))
        {
            await RefuseAsync(ControlError.BadRequest, error);
            return;
        }
        if (!await TakeSlotAsync(null))
        {
            await SendAsync(Envelope.Failure(ErrorText.Unavailable(Busy.Message)));
            return;
        }
        var call = new OldCall(request, Principal, _parts, _aborting.Token);
        ReadOnlyMemory<byte> answer = await call.RunAsync();
        _unfinished = call.Unfinished;
        await SendAsync(answer);
    }

    private CallFault Busy => _reading.IsCancellationRequested ? new CallFault(_readingFault, _readingEnded) : new(
        ControlError.Unavailable,
        $"none of the {_parts.Settings.MaxConnections} places for clients became free in time",
        "ask again; max_connections of control-unix says how many places there are");

    /// <summary>Says what is wrong, in the protocol that the client has shown to speak; the old one while it has not.</summary>
    private async Task RefuseAsync(ControlError error, string reason)
    {
        _parts.Meters.Refused(error == ControlError.Unavailable ? "no_room" : "bad_request");
        if (_isNew)
            _calls.Output.Add(AnswerLine.Failure(default, new CallFault(error, reason)));
        else
            await SendAsync(Envelope.Failure(error switch
            {
                ControlError.Timeout => ErrorText.TimedOut(reason),
                ControlError.Unavailable => ErrorText.Unavailable(reason),
                _ => ErrorText.BadRequest(reason),
            }));
    }

    private async ValueTask<bool> TakeSlotAsync(TimeSpan? deadline)
    {
        TimeSpan patience = deadline < _parts.Settings.AnswerTimeout ? deadline.Value : _parts.Settings.AnswerTimeout;
        lock (_lock)
        {
            // From here to the call's beginning nobody gives the slot back.
            _isBeginning = true;
            if (_hasSlot)
                return true;
            IsWaiting = true;
            Arm(Timeout.InfiniteTimeSpan, "");
            _isTimingRequest = false;
        }
        bool entered = false;
        try
        {
            entered = await _parts.Slots.EnterAsync(this, patience, _reading.Token);
        }
        catch (OperationCanceledException)
        {
            // Told to leave while waiting.
            _aborting.Token.ThrowIfCancellationRequested();
        }
        finally
        {
            lock (_lock)
            {
                IsWaiting = false;
                _hasSlot = entered;
            }
        }
        return entered;
    }

    private void GiveSlotBack()
    {
        lock (_lock)
        {
            if (!_hasSlot || _isBeginning || _calls.IsBusy)
                return;
            _hasSlot = false;
        }
        _parts.Slots.Leave(this);
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await _calls.Output.WaitAsync(_aborting.Token))
            {
                while (_calls.Output.TryTake(out ReadOnlyMemory<byte> line))
                    await SendAsync(line);
                Settle();
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody takes what the calls say: they and the reading end too.
            Abort();
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> line)
    {
        // Who follows a stream may be stopped for a while (the gap is told); who waits for an answer takes it.
        bool isPatient = _calls.Output.HasStreams;
        Volatile.Write(ref _sendBegan, _parts.Context.Time.GetTimestamp());
        _sending.CancelAfter(isPatient ? _parts.Settings.IdleTimeout : _parts.Settings.RequestTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_sending.Token, _aborting.Token);
        while (line.Length > 0)
            line = line[await _client.SendAsync(line, either.Token)..];
        _sending.CancelAfter(Timeout.InfiniteTimeSpan);
        Volatile.Write(ref _sendBegan, 0);
    }

    private void EndReading(ControlError fault, string reason)
    {
        lock (_lock)
        {
            if (!_isReading)
                return;
            (_readingFault, _readingEnded) = (fault, reason);
        }
        Cancel(_reading);
    }

    /// <summary>Sets how long to wait for the client's next bytes. Under the lock.</summary>
    private void ArmReading()
    {
        // The first request's time runs from the beginning.
        if (!HasAsked)
            return;
        if (_reader.HasBegun)
        {
            // Not again with every byte.
            if (!_isTimingRequest)
                Arm(_parts.Settings.RequestTimeout, Late());
            _isTimingRequest = true;
            return;
        }
        _isTimingRequest = false;
        // Nothing runs out while a call does: the client may be waiting for it.
        if (_calls.IsBusy)
            Arm(Timeout.InfiniteTimeSpan, "");
        else
            Arm(_parts.Settings.IdleTimeout, $"no call came for {Seconds(_parts.Settings.IdleTimeout)}");
    }

    private void Arm(TimeSpan limit, string reason)
    {
        if (_disposed || _reading.IsCancellationRequested)
            return;
        _readingEnded = reason;
        _reading.CancelAfter(limit);
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

    private string Late() => $"the request was not complete after {Seconds(_parts.Settings.RequestTimeout)}";

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:0.###} s";
}
