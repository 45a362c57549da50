using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

/// <summary>One answer for all who ask at once, never older than the question.</summary>
public sealed class SharedRunTests : IDisposable
{
    private readonly Queue<TaskCompletionSource<int>> _gates = [];
    private readonly SemaphoreSlim _begun = new(0);
    private int _runs;

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    public void Dispose() => _begun.Dispose();

    [Fact]
    public async Task Whoever_asks_during_a_run_gets_the_next_one_and_all_of_them_the_same()
    {
        SharedRun<int> run = Gated(3);
        Task<int> first = run.AskAsync(Ending);
        await _begun.WaitAsync(Ending);
        Task<int>[] later = [.. Enumerable.Range(0, 1_000).Select(_ => run.AskAsync(Ending))];
        _gates.Dequeue().SetResult(1);
        Assert.Equal(1, await first);
        await _begun.WaitAsync(Ending);
        Assert.All(later, task => Assert.False(task.IsCompleted));
        Task<int> last = run.AskAsync(Ending);
        _gates.Dequeue().SetResult(2);
        Assert.All(await Task.WhenAll(later), answer => Assert.Equal(2, answer));
        await _begun.WaitAsync(Ending);
        Assert.False(last.IsCompleted);
        _gates.Dequeue().SetResult(3);
        Assert.Equal(3, await last);
        Assert.Equal(3, _runs);
    }

    [Fact]
    public async Task A_run_that_fails_fails_for_those_who_share_it_and_for_nobody_else()
    {
        SharedRun<int> run = Gated(2);
        Task<int> first = run.AskAsync(Ending);
        await _begun.WaitAsync(Ending);
        Task<int> second = run.AskAsync(Ending);
        _gates.Dequeue().SetException(new InvalidOperationException("once"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        await _begun.WaitAsync(Ending);
        _gates.Dequeue().SetResult(2);
        Assert.Equal(2, await second);
    }

    [Fact]
    public async Task Whoever_gives_up_leaves_the_answer_to_the_others()
    {
        SharedRun<int> run = Gated(1);
        using var impatient = new CancellationTokenSource();
        Task<int> first = run.AskAsync(impatient.Token);
        Task<int> second = run.AskAsync(Ending);
        await _begun.WaitAsync(Ending);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _gates.Dequeue().SetResult(1);
        Assert.Equal(1, await second);
    }

    [Fact]
    public async Task A_run_that_hangs_ends_at_its_limit_and_the_next_one_begins()
    {
        int runs = 0;
        var run = new SharedRun<int>(async ending =>
        {
            if (++runs == 1)
                await Task.Delay(Timeout.Infinite, ending);
            return runs;
        }, new HastyClock());
        Assert.Contains("5 s", (await Assert.ThrowsAsync<TimeoutException>(() => run.AskAsync(Ending))).Message, StringComparison.Ordinal);
        Assert.Equal(2, await run.AskAsync(Ending));
    }

    [Fact]
    public async Task No_answer_is_older_than_its_question()
    {
        long clock = 0;
        var run = new SharedRun<long>(async _ =>
        {
            long seen = Interlocked.Read(ref clock);
            await Task.Yield();
            return seen;
        }, TimeProvider.System);
        await Parallel.ForEachAsync(Enumerable.Range(0, 20_000), Ending, async (_, ending) =>
        {
            long asked = Interlocked.Increment(ref clock);
            Assert.InRange(await run.AskAsync(ending), asked, long.MaxValue);
        });
    }

    private SharedRun<int> Gated(int runs)
    {
        for (int i = 0; i < runs; i++)
            _gates.Enqueue(new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously));
        TaskCompletionSource<int>[] gates = [.. _gates];
        return new SharedRun<int>(_ =>
        {
            Task<int> gate = gates[_runs++].Task;
            _begun.Release();
            return gate;
        }, TimeProvider.System);
    }

    /// <summary>Its timers are a hundred times as fast.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime / 100, period);
    }
}
