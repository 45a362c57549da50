using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine.Node;
using VibePN.Engine.Time;

namespace VibePN.Engine.Runtime;

/// <summary>The one thread that owns all control state: takes work from a queue and wakes at the next deadline.</summary>
/// <remarks>Everything else posts. A fault in one piece of work is reported and the loop goes on.</remarks>
internal sealed class ControlLoop : IControlQueue, IDisposable
{
    // The queue waits in milliseconds; a longer wait than this only means one more idle turn.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    // A timer turn that failed is tried again after this long, so that what is behind the fault is not forgotten.
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    /// <summary>A turn that takes longer holds up everything else that the thread has to do.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan JoinTimeout = TimeSpan.FromMilliseconds(500);

    private readonly WorkQueue _work = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Func<Instant, Instant> _onTimer;
    private readonly Action<Exception> _onFault;
    private readonly Thread _thread;
    private int _disposed;
    private long _turns;
    private long _stalls;
    private long _busyTicks;

    /// <summary>A loop that does not run yet.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="onTimer">Called after each turn; does what is due and returns the next deadline.</param>
    /// <param name="onFault">Told of an exception that a piece of work let out.</param>
    public ControlLoop(TimeProvider time, Func<Instant, Instant> onTimer, Action<Exception> onFault)
    {
        _time = time;
        _start = time.GetTimestamp();
        _onTimer = onTimer;
        _onFault = onFault;
        _thread = new Thread(Run) { Name = "vibepn control", IsBackground = true };
    }

    /// <inheritdoc/>
    public Instant Now => Instant.Read(_time, _start);

    /// <summary>Turns so far: a burst of work, then what is due. Any thread.</summary>
    public long Turns => Volatile.Read(ref _turns);

    /// <summary>Turns that took longer than <see cref="Stall"/>. Any thread.</summary>
    public long Stalls => Volatile.Read(ref _stalls);

    /// <summary>Time spent in turns. Any thread.</summary>
    public TimeSpan Busy => TimeSpan.FromTicks(Volatile.Read(ref _busyTicks));

    /// <summary>Begins to run.</summary>
    public void Start() => _thread.Start();

    /// <inheritdoc/>
    /// <remarks>Work posted after <see cref="Dispose"/> is dropped.</remarks>
    public bool Post(Action<Instant> work) => _work.TryAdd(work);

    /// <summary>Runs a function on the loop and hands back its result.</summary>
    public Task<T> InvokeAsync<T>(Func<Instant, T> function, CancellationToken cancellationToken)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool posted = Post(now =>
        {
            try
            {
                completion.TrySetResult(function(now));
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // The caller waits for it, so the caller gets it.
                completion.TrySetException(exception);
            }
        });
        if (!posted)
            completion.TrySetException(Stopped());
        return completion.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Finishes what is queued, then ends the thread. May be called again.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _work.Close();
        // A thread that a plugin holds is left behind; it is a background thread and ends with the process.
        if (_thread.IsAlive)
            _thread.Join(JoinTimeout);
    }

    private static PluginException Stopped() =>
        new("The engine is not running.") { Fault = PluginFault.Unavailable };

    private void Run()
    {
        Instant deadline = Now;
        while (!_work.IsCompleted)
        {
            int waitMs = (int)Math.Ceiling(Clamp(deadline - Now).TotalMilliseconds);
            TakeOne(waitMs, out long began);
            // What is already queued goes first: one timer turn serves a whole burst.
            for (int burst = 0; burst < 256 && TakeOne(waitMs: 0, out _); burst++)
            {
            }
            deadline = RunTimer();
            Count(_time.GetElapsedTime(began));
        }
    }

    private void Count(TimeSpan took)
    {
        Volatile.Write(ref _turns, _turns + 1);
        Volatile.Write(ref _busyTicks, _busyTicks + took.Ticks);
        if (took > Stall)
            Volatile.Write(ref _stalls, _stalls + 1);
    }

    // A method of its own: in the frame of the loop, which lives as long as the thread, the runtime may keep the last piece
    // of work alive until the next one comes, and with it a plugin that it has just replaced.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeOne(int waitMs, out long began)
    {
        bool taken = _work.TryTake(waitMs, out Action<Instant>? work);
        began = _time.GetTimestamp();
        if (!taken)
            return false;
        try
        {
            work!(Now);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Our own bug: reported, never swallowed, and never the end of the daemon.
            _onFault(exception);
        }
        return true;
    }

    private Instant RunTimer()
    {
        try
        {
            return _onTimer(Now);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // As above; the timer did not say when it wants to be called again.
            _onFault(exception);
            return Now + AfterFault;
        }
    }

    private static TimeSpan Clamp(TimeSpan wait) =>
        wait < TimeSpan.Zero ? TimeSpan.Zero : wait > LongestWait ? LongestWait : wait;
}
