namespace VibePN.Host.Plugins;

/// <summary>Calls into a plugin on a thread of its own, so that a call which never returns holds up nothing else.</summary>
internal static class PluginThread
{
    /// <summary>Runs a call.</summary>
    /// <param name="call">The call; its token is cancelled at the limit.</param>
    /// <param name="limit">How long it may take.</param>
    /// <returns>False when it was abandoned at the limit. What it throws in time is thrown here.</returns>
    public static async Task<bool> RunAsync(Func<CancellationToken, ValueTask> call, TimeSpan limit)
    {
        // Not disposed when abandoned: the call still holds the token.
        var cancellation = new CancellationTokenSource();
        Task task = Task.Factory.StartNew(
            () => call(cancellation.Token).AsTask(),
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default).Unwrap();
        using var timer = new CancellationTokenSource();
        bool isInTime = await Task.WhenAny(task, Task.Delay(limit, timer.Token)) == task;
        await timer.CancelAsync();
        if (!isInTime)
        {
            // On the pool: the plugin's callbacks might hang as well.
            _ = cancellation.CancelAsync();
            _ = task.ContinueWith(
                late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            return false;
        }

        cancellation.Dispose();
        await task;
        return true;
    }
}
