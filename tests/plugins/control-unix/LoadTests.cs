using VibePN.Testkit;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>Hostile clients all at once, while another asks for the status. The long form: tools/measure-control.sh.</summary>
public sealed class LoadTests
{
    [Fact]
    public async Task Some_20_000_odd_requests_slow_clients_and_a_crowd_leave_the_server_as_it_was() =>
        await RunAsync(20_480, crowd: 300, _ => { });

    [Fact(Explicit = true)]
    public async Task A_million_odd_requests_slow_clients_and_a_thousand_connections_delay_no_status_by_more_than_100_ms()
    {
        // Server and clients share this process, in which none of their code is compiled yet. How a real daemon takes its first
        // crowd is ControlSocketTests' to measure.
        await RunAsync(65_536, crowd: 1_000, _ => { });
        await RunAsync(1_000_064, crowd: 1_000, asker =>
        {
            Assert.Empty(asker.Failures);
            Assert.InRange(asker.Worst, 0, 100);
        });
    }

    private static async Task RunAsync(long requests, int crowd, Action<StatusAsker> judge)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        var load = new ControlLoad(control.Socket);
        await Task.Factory.StartNew(
            () => load.Run(requests, crowd, """{"v":1,"id":1,"method":"large"}""", """{"v":1,"id":1,"method":"ticks"}"""),
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long bytes = GC.GetTotalMemory(forceFullCollection: true);
        Console.WriteLine($"{load.Report}\n{bytes >> 20} MiB of managed memory at the end");
        Assert.All(load.Askers, asker => Assert.NotEmpty(asker.Times));
        Assert.DoesNotContain(control.Context.Lines,
            line => line.Contains("failed", StringComparison.Ordinal) || line.Contains("threw", StringComparison.Ordinal));
        Assert.InRange(bytes, 0, 256L << 20);
        Assert.Contains("\"ok\":true", control.AskAndEnd("""{"v":1,"id":1,"method":"status"}"""), StringComparison.Ordinal);
        foreach (StatusAsker asker in load.Askers)
            judge(asker);
    }
}
