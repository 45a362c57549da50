using System.Diagnostics;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Figures, not facts: run by hand with <c>-explicit only -class "*ThroughputTests" -showLiveOutput</c>.</summary>
[Collection(nameof(DataPathTests))]
public sealed class ThroughputTests(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData(1380, "bbr")]
    [InlineData(1380, "cubic")]
    [InlineData(100, "bbr")]
    public async Task Loopback_throughput(int size, string congestion)
    {
        long received = 0;
        long bytes = 0;
        await using Node a = await Node.StartAsync(settings: ("congestion", congestion));
        await using Node b = await Node.StartAsync(settings: ("congestion", congestion));
        b.OnBatch = (_, batch) =>
        {
            Volatile.Write(ref received, received + batch.Count);
            Volatile.Write(ref bytes, bytes + batch.TotalBytes);
        };
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        using var batch = new PacketBatch(64, 64 * (size + 160));
        while (batch.TryAdd(new byte[size]))
            continue;
        TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        await Task.Factory.StartNew(
            () =>
            {
                while (Stopwatch.GetElapsedTime(start).TotalSeconds < 4)
                {
                    if (ours.GetStatistics().QueuedBytes > 1_000_000)
                        Thread.Sleep(0);
                    else
                        ours.Send(batch, 0, batch.Count);
                }
            },
            TaskCreationOptions.LongRunning);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        output.WriteLine(
            $"{size} B {congestion}: {8e-9 * bytes / seconds:f2} Gbit/s, {received / seconds / 1000:f0} kpps, "
            + $"{used.TotalSeconds / (bytes * 1e-9):f2} CPU s/GB, datagrams lost {ours.GetStatistics().DatagramsLost}, "
            + $"dropped {ours.GetStatistics().PacketsDropped}, rtt {ours.Path.RoundTrip.TotalMilliseconds:f2} ms");
    }

    /// <summary>For a namespace whose loopback has a small MTU: shows what path-MTU discovery makes of it.</summary>
    [Fact(Explicit = true)]
    public async Task Path_mtu_of_this_loopback()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        long start = Stopwatch.GetTimestamp();
        using var batch = new PacketBatch(1, 4096);
        batch.TryAdd(new byte[1380]);
        int last = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 8)
        {
            ours.Send(batch, 0, 1);
            await Task.Delay(5, TestContext.Current.CancellationToken);
            if (ours.Path.PathMtuBytes == last)
                continue;
            last = ours.Path.PathMtuBytes;
            output.WriteLine(
                $"{Stopwatch.GetElapsedTime(start).TotalMilliseconds:f0} ms: UDP payload {last}, largest packet "
                + $"{ours.Path.MaxPacketBytes}, arrived {b.Packets.Count}, back {theirs.Path.PathMtuBytes}");
        }
        output.WriteLine($"sent {ours.GetStatistics().PacketsSent}, arrived {b.Packets.Count}, {a.Closed.Count} closed");
    }
}
