using System.Diagnostics;
using System.Globalization;
using VibePN.Testkit;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>Hostile clients all at once, while another asks for the status. The long form: tools/measure-control.sh.</summary>
public sealed class LoadTests
{
    [Fact]
    public async Task Twenty_thousand_odd_requests_slow_clients_and_a_crowd_leave_the_server_as_it_was() =>
        await RunAsync(20_000, crowd: 300, _ => { });

    [Fact(Explicit = true)]
    public async Task A_million_odd_requests_slow_clients_and_a_thousand_connections_delay_no_status_by_more_than_100_ms() =>
        await RunAsync(1_000_000, crowd: 1_000, asker =>
        {
            Assert.Empty(asker.Failures);
            Assert.InRange(asker.Worst, 0, 100);
        });

    private static async Task RunAsync(long requests, int crowd, Action<StatusAsker> judge)
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        var bad = new BadClients(control.Socket);
        bad.Dribble(40);
        bad.NeverRead(20, """{"v":1,"id":1,"method":"large"}""");
        bad.NeverRead(4, """{"v":1,"id":1,"method":"ticks"}""");
        bad.Crowd(crowd);
        StatusAsker[] askers = [new(control.Socket, keepsConnection: true), new(control.Socket, keepsConnection: false)];
        var clock = Stopwatch.StartNew();
        var fuzzer = new RequestFuzzer(control.Socket, seed: 20261127);
        // A thread of its own: the pool's are the server's.
        await Task.Factory.StartNew(() => fuzzer.Run(requests), TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long bytes = GC.GetTotalMemory(forceFullCollection: true);
        Array.ForEach(askers, asker => asker.Stop());
        bad.Stop();
        string report = string.Create(CultureInfo.InvariantCulture,
            $"{fuzzer.Sent} requests on {fuzzer.Connections} connections in {clock.Elapsed.TotalSeconds:0.0} s, {fuzzer.Lines} lines back, "
            + $"{bad.Crowds} crowds of {crowd}, {bytes >> 20} MiB of managed memory at the end")
            + "\n" + string.Join('\n', askers.Select(asker => asker.ToString()));
        TestContext.Current.SendDiagnosticMessage(report);
        Console.WriteLine(report);
        Assert.Equal(requests, fuzzer.Sent);
        Assert.All(askers, asker => Assert.NotEmpty(asker.Times));
        Assert.DoesNotContain(control.Context.Lines, line => line.Contains("failed", StringComparison.Ordinal) || line.Contains("threw", StringComparison.Ordinal));
        Assert.InRange(bytes, 0, 256L << 20);
        Assert.Contains("\"ok\":true", control.AskAndEnd("""{"v":1,"id":1,"method":"status"}"""), StringComparison.Ordinal);
        Array.ForEach(askers, judge);
    }
}
