namespace VibePN.Host.Control;

/// <summary>Works out one answer for all who ask while the one before it is worked out.</summary>
/// <remarks>
/// No answer is older than its question: whoever asks during a run gets the next one, which begins when that one ends.
/// So a thousand clients at once cost two runs, not a thousand. Any thread may ask.
/// </remarks>
/// <param name="run">Works the answer out. Its token ends it at <see cref="Limit"/>, not when somebody who asked gives up.</param>
/// <param name="time">Measures the limit.</param>
internal sealed class SharedRun<T>(Func<CancellationToken, Task<T>> run, TimeProvider time)
{
    /// <summary>How long a run may take: one that hangs must not keep all later ones from beginning.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;
    private Task<T>? _next;

    /// <summary>Asks.</summary>
    /// <param name="cancellationToken">Ends the waiting; the run goes on for the others.</param>
    /// <returns>An answer of a run that began after this call.</returns>
    /// <exception cref="TimeoutException">The run took longer than <see cref="Limit"/>.</exception>
    public Task<T> AskAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return (_next ??= RunAfterAsync(_last)).WaitAsync(cancellationToken);
    }

    private async Task<T> RunAfterAsync(Task last)
    {
        // Off the lock that AskAsync holds, and behind whoever asks in the same moment.
        await Task.Yield();
        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            // From here on it is too late to join.
            _last = _next!;
            _next = null;
        }
        using var limit = new CancellationTokenSource(Limit, time);
        try
        {
            return await run(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer could be worked out within {Limit.TotalSeconds:0} s");
        }
    }
}
