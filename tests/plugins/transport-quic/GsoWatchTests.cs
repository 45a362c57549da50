using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class GsoWatchTests
{
    private const ulong Second = 1_000_000_000;

    [Fact]
    public void Runs_are_to_blame_when_they_are_lost_and_single_datagrams_are_not_twice()
    {
        var path = new Path();
        Assert.Equal(GsoFinding.Suspicion, path.Second(runs: 10, lostOfRuns: 0.9));
        Assert.Equal(GsoFinding.Nothing, path.Second(alone: 100));
        Assert.Equal(GsoFinding.Nothing, path.Second(alone: 1));
        Assert.False(path.Watch.MustBeAlone); // tried again
        Assert.Equal(GsoFinding.Suspicion, path.Second(runs: 10, lostOfRuns: 0.9));
        Assert.Equal(GsoFinding.Nothing, path.Second(alone: 100, lostAlone: 0.05));
        Assert.Equal(GsoFinding.Corrupt, path.Second(alone: 1));
        Assert.True(path.Watch.MustBeAlone);
        Assert.Equal(GsoFinding.Nothing, path.Second(alone: 100, lostAlone: 1)); // and that is for good
        Assert.True(path.Watch.MustBeAlone);
    }

    [Fact]
    public void Where_single_datagrams_are_lost_too_runs_go_on_and_are_left_in_peace_for_ten_minutes()
    {
        var path = new Path();
        Assert.Equal(GsoFinding.Suspicion, path.Second(runs: 10, lostOfRuns: 0.9));
        path.Second(alone: 100, lostAlone: 0.2);
        Assert.Equal(GsoFinding.Nothing, path.Second(alone: 1));
        for (int i = 0; i < 598; i++)
            Assert.Equal(GsoFinding.Nothing, path.Second(runs: 10, lostOfRuns: 0.9));
        Assert.False(path.Watch.MustBeAlone);
        path.Second(runs: 10, lostOfRuns: 0.9);
        Assert.Equal(GsoFinding.Suspicion, path.Second(runs: 10, lostOfRuns: 0.9));
    }

    [Fact]
    public void An_outage_that_ends_while_single_datagrams_are_tried_is_forgotten_by_the_next_good_runs()
    {
        var path = new Path();
        for (int outage = 0; outage < 5; outage++)
        {
            Assert.Equal(GsoFinding.Suspicion, path.Second(runs: 10, lostOfRuns: 1));
            path.Second(alone: 100);
            Assert.Equal(GsoFinding.Nothing, path.Second(alone: 1));
            Assert.Equal(GsoFinding.Nothing, path.Second(runs: 10, lostOfRuns: 0.1));
            for (int i = 0; i < 8; i++)
                path.Second(runs: 1);
        }
        Assert.False(path.Watch.IsCorrupt);
    }

    [Fact]
    public void Ordinary_loss_of_up_to_two_fifths_is_never_even_a_suspicion()
    {
        var random = new Random(1);
        var path = new Path();
        for (int i = 0; i < 1_000; i++)
        {
            GsoFinding finding = path.Second(
                runs: random.Next(40), lostOfRuns: random.NextDouble() * 0.4, alone: random.Next(400), lostAlone: random.NextDouble());
            Assert.Equal(GsoFinding.Nothing, finding);
        }
    }

    [Fact]
    public void Loss_of_packets_that_are_long_ago_unknown_or_unnumbered_counts_nowhere()
    {
        var path = new Path();
        path.Send(packets: 64, isRun: true);
        for (int i = 0; i < 100; i++)
            path.Send(packets: 50, isRun: false);
        for (ulong packet = 0; packet <= 64; packet++)
            path.Watch.OnLost(packet);
        for (ulong packet = 6_000; packet < 7_000; packet++)
            path.Watch.OnLost(packet);
        Assert.Equal(GsoFinding.Nothing, path.Second());
    }

    [Fact]
    public async Task Packets_arrive_where_runs_of_equal_datagrams_are_corrupted_and_the_status_says_why()
    {
        await using Node a = await Node.StartAsync(send: CorruptKernel);
        await using Node b = await Node.StartAsync();
        Assert.DoesNotContain("7.1.4", a.Transport.OffloadText, StringComparison.Ordinal);
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        await SendUntil(ours, () => a.Transport.OffloadText.Contains("7.1.4", StringComparison.Ordinal), "it is noticed");
        Assert.Single(a.Lines, line => line.Contains("UDP_SEGMENT", StringComparison.Ordinal));
        Assert.Equal(0, a.Transport.Counters.BlackHoles);
        await ArrivesWhole(ours, b);
        // The next connection to the same peer need not find out.
        (ITransportConnection next, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => next.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        await ArrivesWhole(next, b);
        Assert.Single(a.Lines, line => line.Contains("UDP_SEGMENT", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_path_that_loses_four_fifths_whatever_the_form_keeps_its_runs()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, _) = await LifeTests.ConnectThroughAsync(a, relay, b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        relay.DropFromClient = number => number % 5 != 0;
        long end = Environment.TickCount64 + 5_000;
        await SendUntil(ours, () => Environment.TickCount64 > end, "five seconds");
        Assert.Contains("sent in runs (UDP_SEGMENT),", a.Transport.OffloadText, StringComparison.Ordinal);
    }

    private static async Task SendUntil(ITransportConnection connection, Func<bool> condition, string what)
    {
        using PacketBatch batch = Packets(60);
        await Eventually.Holds(
            () =>
            {
                connection.Send(batch, 0, batch.Count);
                return condition();
            },
            what, seconds: 30);
    }

    private static async Task ArrivesWhole(ITransportConnection connection, Node other)
    {
        await Eventually.Holds(() => connection.GetStatistics().QueuedBytes == 0, "the queue is empty");
        int before = other.Packets.Count;
        long lost = connection.GetStatistics().DatagramsLost;
        using PacketBatch batch = Packets(60);
        connection.Send(batch, 0, batch.Count);
        await Eventually.Holds(() => other.Packets.Count >= before + 60, "all of a burst arrive");
        Assert.Equal(lost, connection.GetStatistics().DatagramsLost);
    }

    private static PacketBatch Packets(int count)
    {
        var batch = new PacketBatch(count, count * 1_600);
        while (batch.Count < count)
            batch.TryAdd(new byte[1_380]);
        return batch;
    }

    private static unsafe SendMessages CorruptKernel => CorruptEqualRuns;

    // As the kernels do it: what is wrong with the headers shows at the receiver as packets that never come.
    private static unsafe int CorruptEqualRuns(int fd, MMsgHdr* messages, uint count, int flags)
    {
        for (uint i = 0; i < count; i++)
        {
            ref MsgHdr header = ref messages[i].Header;
            for (byte* at = header.Control; at < header.Control + header.ControlLength; at += CMsgHdr.Align((int)((CMsgHdr*)at)->Length))
            {
                var control = (CMsgHdr*)at;
                if (control->Type != LibC.UDP_SEGMENT || control->Level != LibC.SOL_UDP)
                    continue;
                var bytes = new Span<byte>(header.Vectors->Base, (int)header.Vectors->Length);
                if (bytes.Length % *(ushort*)(control + 1) == 0)
                    bytes.Clear();
            }
        }
        return LibC.sendmmsg(fd, messages, count, flags);
    }

    /// <summary>A sender whose path loses by the form in which packets leave.</summary>
    private sealed class Path
    {
        private const int RunLength = 40;

        private ulong _now;

        public GsoWatch Watch { get; } = new();

        public GsoFinding Second(int runs = 0, double lostOfRuns = 0, int alone = 0, double lostAlone = 0)
        {
            for (int i = 0; i < runs; i++)
                Lose(Send(RunLength, isRun: true), RunLength, lostOfRuns);
            for (int i = 0; i < alone; i++)
                Lose(Send(1, isRun: false), 1, i < lostAlone * alone ? 1 : 0);
            _now += GsoWatchTests.Second;
            return Watch.Look(_now);
        }

        /// <summary>Sends packets in one message.</summary>
        /// <returns>The first one's number.</returns>
        public ulong Send(int packets, bool isRun)
        {
            ulong first = Watch.NextPacket;
            for (int i = 0; i < packets; i++)
                Watch.OnWritten();
            Watch.OnLeft(packets, isRun);
            return first;
        }

        private void Lose(ulong first, int packets, double share)
        {
            for (int i = 0; i < packets * share; i++)
                Watch.OnLost(first + (ulong)i);
        }
    }
}
