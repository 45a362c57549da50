using System.Collections.Concurrent;
using VibePN.Engine;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class HeartbeatTests
{
    private static readonly TimeSpan Watchdog = TimeSpan.FromMilliseconds(40);

    private readonly BlockingCollection<TaskCompletionSource<EnginePulse>> _questions = [];

    [Fact]
    public async Task The_watchdog_is_fed_by_answers_and_by_nothing_else()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open(Watchdog);
        await using var heartbeat = new Heartbeat(manager, Ask, TimeProvider.System);
        TaskCompletionSource<EnginePulse> first = Take();
        // While the control thread is silent, the only message is the test's own.
        manager.Ready("a marker");
        first.SetResult(new EnginePulse(1, 2, 3, 4));
        Assert.Equal("READY=1", socket.Next()[0]);
        Assert.Equal(["STATUS=1 of 2 peers up, 3 of 4 networks open.", "WATCHDOG=1"], socket.Next());

        TaskCompletionSource<EnginePulse> second = Take();
        Assert.Empty(_questions); // one at a time
        manager.Ready("another marker");
        second.SetResult(new EnginePulse(2, 2, 4, 4));
        Assert.Equal("READY=1", socket.Next()[0]);
        Assert.Equal("STATUS=2 of 2 peers up, 4 of 4 networks open.", socket.Next()[0]);
    }

    [Fact]
    public async Task Without_a_watchdog_there_is_a_status_only()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open();
        await using var heartbeat = new Heartbeat(manager, Ask, TimeProvider.System);
        Take().SetResult(default);
        Assert.Equal("STATUS=0 of 0 peers up, 0 of 0 networks open.", Assert.Single(socket.Next()));
    }

    [Fact]
    public async Task It_ends_while_the_control_thread_is_silent()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open(Watchdog);
        var heartbeat = new Heartbeat(manager, Ask, TimeProvider.System);
        Take();
        await heartbeat.DisposeAsync();
    }

    private Task<EnginePulse> Ask(CancellationToken cancellationToken)
    {
        var question = new TaskCompletionSource<EnginePulse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions.Add(question, cancellationToken);
        return question.Task.WaitAsync(cancellationToken);
    }

    private TaskCompletionSource<EnginePulse> Take() =>
        _questions.TryTake(out TaskCompletionSource<EnginePulse>? question, TimeSpan.FromSeconds(30))
            ? question
            : throw new TimeoutException("nobody asked");
}
