using System.Globalization;
using VibePN.Engine.Runtime;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Runtime;

public sealed class WorkQueueTests
{
    [Fact]
    public void Work_of_several_threads_comes_out_once_and_in_each_threads_order()
    {
        const int Threads = 4, Each = 5000;
        var queue = new WorkQueue();
        var done = new List<(int Thread, int Number)>();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int number = 0; number < Each; number++)
            {
                int mine = number;
                Assert.True(queue.TryAdd(_ => done.Add((thread, mine))));
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        while (done.Count < Threads * Each)
        {
            if (queue.TryTake(10_000, out Action<Instant>? work))
                work(default);
        }
        Array.ForEach(threads, thread => thread.Join());
        Assert.False(queue.TryTake(0, out _));
        for (int thread = 0; thread < Threads; thread++)
            Assert.Equal(Enumerable.Range(0, Each), done.Where(one => one.Thread == thread).Select(one => one.Number));
    }

    [Fact]
    public void Closed_queue_takes_nothing_more_and_gives_out_what_it_has()
    {
        var queue = new WorkQueue();
        int done = 0;
        Assert.True(queue.TryAdd(_ => done++));
        queue.Close();
        Assert.False(queue.TryAdd(_ => done += 100));
        Assert.False(queue.IsCompleted);
        Assert.True(queue.TryTake(60_000, out Action<Instant>? work));
        work(default);
        Assert.True(queue.IsCompleted);
        Assert.False(queue.TryTake(60_000, out _));
        Assert.Equal(1, done);
    }

    [Fact]
    public void Closing_wakes_whoever_waits()
    {
        var queue = new WorkQueue();
        var waiting = new Thread(() => queue.TryTake(int.MaxValue, out _));
        waiting.Start();
        queue.Close();
        Assert.True(waiting.Join(TimeSpan.FromSeconds(30)));
    }

    /// <summary>A processor that a waiting thread uses is not there for packets.</summary>
    [Fact]
    public void Waiting_takes_no_processor()
    {
        var queue = new WorkQueue();
        TimeSpan used = default;
        const int Waits = 300;
        var thread = new Thread(() =>
        {
            queue.TryTake(1, out _);
            TimeSpan before = ProcessorTime();
            for (int i = 0; i < Waits; i++)
                queue.TryTake(1, out _);
            used = ProcessorTime() - before;
        });
        thread.Start();
        thread.Join();
        // A wait that looks on before it sleeps takes 0.14 ms and more of an idle machine, one that sleeps 0.02.
        Assert.InRange(used / Waits, TimeSpan.Zero, TimeSpan.FromMilliseconds(0.08));
    }

    private static TimeSpan ProcessorTime()
    {
        string nanoseconds = File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0];
        return TimeSpan.FromMilliseconds(long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1e6);
    }
}
