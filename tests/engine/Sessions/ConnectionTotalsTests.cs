using System.Reflection;
using VibePN.Contracts;
using VibePN.Engine.Sessions;

namespace VibePN.Engine.Tests.Sessions;

public sealed class ConnectionTotalsTests
{
    [Fact]
    public void Sum_has_every_counter_there_is()
    {
        var one = new ConnectionStatistics(1, 2, 3, 4, 5, 6, 7) { PacketsMarked = 8, QueueWait = TimeSpan.FromTicks(9) };
        var other = new ConnectionStatistics(10, 20, 30, 40, 50, 60, 70) { PacketsMarked = 80, QueueWait = TimeSpan.FromTicks(90) };
        ConnectionStatistics sum = one.And(other);
        // One that is added to the contract and forgotten here would be the larger one's, or zero.
        foreach (PropertyInfo counter in typeof(ConnectionStatistics).GetProperties())
        {
            long value = counter.GetValue(sum) is TimeSpan span ? span.Ticks : (long)counter.GetValue(sum)!;
            long expected = counter.GetValue(one) is TimeSpan first ? first.Ticks * 11 : (long)counter.GetValue(one)! * 11;
            Assert.True(expected > 0 && value == expected, $"{counter.Name} is {value}, not {expected}");
        }
    }
}
