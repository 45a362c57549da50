using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Running;

/// <summary>Tells the service manager that the daemon is alive, each time the engine's control thread has answered.</summary>
/// <remarks>
/// No timer feeds the watchdog: while the control thread does not answer, nothing is sent, and no second question is
/// put behind the first.
/// </remarks>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(10);

    private readonly ServiceManager _manager;
    private readonly Func<CancellationToken, Task<EnginePulse>> _ask;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _run;

    /// <summary>Begins.</summary>
    /// <param name="manager">Who is told.</param>
    /// <param name="ask">Asks the control thread.</param>
    /// <param name="time">The clock.</param>
    public Heartbeat(ServiceManager manager, Func<CancellationToken, Task<EnginePulse>> ask, TimeProvider time)
    {
        _manager = manager;
        _ask = ask;
        _run = manager.IsPresent ? Task.Run(() => RunAsync(time)) : Task.CompletedTask;
    }

    /// <summary>What the manager shows of a daemon that runs.</summary>
    public static string StatusOf(EnginePulse pulse) =>
        $"{pulse.PeersUp} of {pulse.PeersConfigured} peers up, {pulse.NetworksOpen} of {pulse.Networks} networks open.";

    /// <summary>Ends; throws nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _run;
        _ending.Dispose();
    }

    private async Task RunAsync(TimeProvider time)
    {
        // Three may go missing before the manager loses patience.
        TimeSpan interval = _manager.Watchdog / 4 is { } quarter && quarter < StatusInterval ? quarter : StatusInterval;
        try
        {
            while (true)
            {
                _manager.Alive(StatusOf(await _ask(_ending.Token)));
                await Task.Delay(interval, time, _ending.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or PluginException)
        {
            // The daemon is stopping.
        }
    }
}
