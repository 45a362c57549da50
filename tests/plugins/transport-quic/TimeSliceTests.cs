using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class TimeSliceTests
{
    [Fact]
    public void Thread_gets_the_slice_it_asks_for_and_nothing_else_changes()
    {
        bool isAsked = false;
        SchedAttr before = default;
        SchedAttr after = default;
        // A thread of its own: the slice stays with the thread, and the test's thread runs other tests.
        var thread = new Thread(() => isAsked =
            TimeSlice.TryRead(out before) && TimeSlice.TryAsk(400_000) && TimeSlice.TryRead(out after));
        thread.Start();
        thread.Join();
        Assert.True(isAsked);
        Assert.Equal((before.Policy, before.Nice, before.Flags), (after.Policy, after.Nice, after.Flags));
        if (Environment.OSVersion.Version >= new Version(6, 12))
            Assert.Equal(400_000ul, after.Runtime);
    }
}
