using VibePN.Engine.Node;
using VibePN.Engine.Runtime;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Runtime;

public sealed class FactsReaderTests
{
    [Fact]
    public void Control_thread_that_is_busy_is_asked_once_and_waited_for_no_longer_than_a_second()
    {
        using var busy = new ManualResetEventSlim();
        int asked = 0;
        using var loop = new ControlLoop(TimeProvider.System, _ => Instant.Never, fault => Assert.Fail(fault.ToString()));
        loop.Start();
        loop.Post(_ => busy.Wait(TestContext.Current.CancellationToken));
        var reader = new FactsReader(loop, Plane, TimeProvider.System);
        Assert.Same(NodeFacts.None, reader.Read());
        Assert.Same(NodeFacts.None, reader.Read());
        Assert.Equal(0, asked);
        busy.Set();
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                reader.Read();
                return Volatile.Read(ref asked) == 1;
            },
            TimeSpan.FromSeconds(30)));

        ControlPlane? Plane()
        {
            Interlocked.Increment(ref asked);
            return null;
        }
    }

    [Fact]
    public void Engine_that_has_ended_leaves_its_last_facts()
    {
        var loop = new ControlLoop(TimeProvider.System, _ => Instant.Never, fault => Assert.Fail(fault.ToString()));
        loop.Start();
        loop.Dispose();
        Assert.Same(NodeFacts.None, new FactsReader(loop, () => null, TimeProvider.System).Read());
    }
}
