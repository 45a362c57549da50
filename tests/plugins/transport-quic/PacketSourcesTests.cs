using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class PacketSourcesTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly PacketSources _sources = new();

    [Fact]
    public void Source_is_served_until_it_is_removed_and_never_again()
    {
        var source = new Source();
        _sources.Serve(source);
        Assert.Equal(0, source.Calls);
        _sources.Add(source);
        _sources.Serve(source);
        _sources.Serve(source);
        Assert.Equal(2, source.Calls);
        _sources.Remove(source);
        _sources.Serve(source);
        Assert.Equal(2, source.Calls);
        Assert.Empty(_sources.All);
    }

    [Fact]
    public void Remove_takes_only_the_source_that_is_meant_and_one_that_is_none_of_ours_changes_nothing()
    {
        var stays = new Source();
        var goes = new Source();
        _sources.Add(stays);
        _sources.Add(goes);
        _sources.Remove(goes);
        _sources.Remove(new Source());
        Assert.Equal([stays], _sources.All);
        _sources.Serve(stays);
        Assert.Equal(1, stays.Calls);
    }

    [Fact]
    public void Those_there_were_stay_as_they_were_for_whoever_looks_at_them()
    {
        var source = new Source();
        _sources.Add(source);
        IPacketSource[] seen = _sources.All;
        Assert.Same(seen, _sources.All);
        _sources.Remove(source);
        Assert.Equal([source], seen);
        Assert.NotSame(seen, _sources.All);
    }

    [Fact]
    public void Source_that_says_it_is_over_is_removed()
    {
        var source = new Source { Answer = () => false };
        _sources.Add(source);
        _sources.Serve(source);
        Assert.Empty(_sources.All);
        _sources.Serve(source);
        Assert.Equal(1, source.Calls);
    }

    [Fact]
    public void Every_change_is_told_and_a_call_that_changes_nothing_is_not()
    {
        int changes = 0;
        var first = new Source();
        var second = new Source { Answer = () => false };
        _sources.Notify(() => changes++);
        _sources.Add(first);
        Assert.Equal(1, changes);
        _sources.Add(second);
        Assert.Equal(2, changes);
        _sources.Serve(first);
        Assert.Equal(2, changes);
        _sources.Serve(second);
        Assert.Equal(3, changes);
        _sources.Remove(first);
        Assert.Equal(4, changes);
    }

    [Fact]
    public void Change_is_there_before_it_is_told()
    {
        var source = new Source();
        var seen = new List<int>();
        _sources.Notify(() => seen.Add(_sources.All.Length));
        _sources.Add(source);
        _sources.Remove(source);
        Assert.Equal([1, 0], seen);
    }

    [Fact]
    public void Source_may_remove_itself_while_it_is_served()
    {
        var source = new Source();
        source.Answer = () =>
        {
            _sources.Remove(source);
            return true;
        };
        _sources.Add(source);
        _sources.Serve(source);
        _sources.Serve(source);
        Assert.Equal(1, source.Calls);
    }

    [Fact]
    public void Remove_waits_for_the_call_that_is_under_way()
    {
        using var entered = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        bool callEnded = false;
        bool endedBeforeRemove = false;
        var source = new Source
        {
            Answer = () =>
            {
                entered.Set();
                bool released = goOn.Wait(Bound);
                Volatile.Write(ref callEnded, true);
                return released;
            },
        };
        _sources.Add(source);
        var server = new Thread(() => _sources.Serve(source)) { IsBackground = true };
        var remover = new Thread(() =>
        {
            _sources.Remove(source);
            endedBeforeRemove = Volatile.Read(ref callEnded);
        })
        { IsBackground = true };
        server.Start();
        Assert.True(entered.Wait(Bound, CancellationToken.None));
        remover.Start();
        Assert.False(remover.Join(TimeSpan.FromMilliseconds(100)), "Remove did not wait.");
        goOn.Set();
        Assert.True(remover.Join(Bound));
        Assert.True(server.Join(Bound));
        Assert.True(endedBeforeRemove);
        Assert.Empty(_sources.All);
    }

    [Fact]
    public void No_call_comes_after_remove_has_returned_however_the_threads_meet()
    {
        const int Rounds = 200;
        long late = 0;
        long served = 0;
        int adding = 2;
        Thread[] adders = [.. Enumerable.Range(0, adding).Select(_ => new Thread(AddAndRemove) { IsBackground = true })];
        var server = new Thread(() =>
        {
            while (Volatile.Read(ref adding) > 0)
            {
                foreach (IPacketSource source in _sources.All)
                    _sources.Serve(source);
            }
        })
        { IsBackground = true };
        server.Start();
        foreach (Thread adder in adders)
            adder.Start();
        Assert.All(adders, adder => Assert.True(adder.Join(Bound)));
        Assert.True(server.Join(Bound));
        Assert.Equal(0, late);
        Assert.True(served > 0, "Nothing was ever served.");
        Assert.Empty(_sources.All);

        void AddAndRemove()
        {
            for (int round = 0; round < Rounds; round++)
            {
                bool isRemoved = false;
                var source = new Source
                {
                    Answer = () =>
                    {
                        Interlocked.Increment(ref served);
                        Thread.SpinWait(50);
                        if (Volatile.Read(ref isRemoved))
                            Interlocked.Increment(ref late);
                        return true;
                    },
                };
                _sources.Add(source);
                Thread.Yield();
                _sources.Remove(source);
                Volatile.Write(ref isRemoved, true);
            }
            Interlocked.Decrement(ref adding);
        }
    }

    [Fact]
    public void Serving_allocates_nothing()
    {
        var source = new Source();
        _sources.Add(source);
        long before = 0;
        for (int round = 0; round < 1_100; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            foreach (IPacketSource each in _sources.All)
                _sources.Serve(each);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Source : IPacketSource
    {
        public Func<bool> Answer { get; set; } = () => true;

        public int Calls { get; private set; }

        public int ReadyDescriptor => -1;

        public bool OnReady()
        {
            Calls++;
            return Answer();
        }
    }
}
