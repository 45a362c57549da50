using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

[Collection(nameof(DataPathTests))]
public sealed class ReceivePauseTests
{
    private const ulong Apart = ReceivePause.LongestGap;

    [Fact]
    public void Datagrams_may_gather_once_burst_follows_burst()
    {
        var pause = new ReceivePause();
        for (int burst = 1; burst < ReceivePause.BurstsInRow; burst++)
            Assert.False(pause.OnTurn(ReceivePause.BurstDatagrams, false, Time(burst)));
        Assert.True(pause.OnTurn(ReceivePause.BurstDatagrams, false, Time(ReceivePause.BurstsInRow)));
        Assert.True(pause.OnTurn(ReceivePause.BurstDatagrams, false, Time(ReceivePause.BurstsInRow + 1)));
    }

    [Fact]
    public void A_turn_with_little_in_it_is_not_followed_by_a_pause_and_does_not_end_the_row()
    {
        ReceivePause pause = Rowing(out ulong now);
        Assert.False(pause.OnTurn(ReceivePause.BurstDatagrams - 1, false, now));
        Assert.False(pause.OnTurn(0, false, now));
        Assert.True(pause.OnTurn(ReceivePause.BurstDatagrams, false, now));
    }

    [Fact]
    public void After_a_silence_the_row_begins_anew()
    {
        ReceivePause pause = Rowing(out ulong now);
        now += Apart + 1;
        for (int burst = 1; burst < ReceivePause.BurstsInRow; burst++)
            Assert.False(pause.OnTurn(1000, false, now));
        Assert.True(pause.OnTurn(1000, false, now));
    }

    [Fact]
    public void A_loop_that_cannot_keep_up_does_not_pause()
    {
        ReceivePause pause = Rowing(out ulong now);
        Assert.False(pause.OnTurn(300, true, now));
        Assert.True(pause.OnTurn(300, false, now));
    }

    [Theory]
    [InlineData("80", true)]
    [InlineData("0", false)]
    public async Task Long_transfers_meet_pauses_unless_they_are_switched_off(string microseconds, bool expected)
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync(settings: ("rx_usecs", microseconds));
        long received = 0;
        b.OnBatch = (_, packets) => Interlocked.Add(ref received, packets.Count);
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        using var batch = new PacketBatch(64, 64 * 1500);
        for (int i = 0; i < 64; i++)
            Assert.True(batch.TryAdd(new byte[1200]));
        const int Total = 200_000;
        for (int sent = 0; sent < Total;)
        {
            int taken = ours.Send(batch, 0, Math.Min(64, Total - sent)).Taken;
            sent += taken;
            if (taken == 0)
                await Task.Yield(); // its queue is full; the loop empties it
        }
        // Some may be lost on a machine that starves the receiver; most are not.
        await Eventually.Holds(() => Interlocked.Read(ref received) > Total / 2, "the transfer arrives");
        Assert.Equal(expected, b.Transport.Counters.Pauses > 0);
    }

    [Fact]
    public async Task Nobody_wakes_up_for_the_pacer_when_nothing_waits()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        using var batch = new PacketBatch(1, 1500);
        Assert.True(batch.TryAdd(new byte[1200]));
        const int Packets = 400;
        await SendEachAsync(20); // path-MTU discovery and the first control bytes are over
        long before = a.Transport.Counters.Turns;
        await SendEachAsync(Packets);
        // Per packet one turn that sends it, one that takes the acknowledgement, and now and then a timer of the connection's.
        Assert.InRange(a.Transport.Counters.Turns - before, Packets, 3 * Packets);

        async Task SendEachAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                int arrived = b.Packets.Count;
                Assert.Equal(1, ours.Send(batch, 0, 1).Taken);
                await Eventually.Holds(() => b.Packets.Count > arrived, "the packet arrives");
            }
        }
    }

    [Fact]
    public async Task While_packets_flow_their_acknowledgements_are_noticed()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        b.OnBatch = (_, _) => { };
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        var connection = (QuicConnection)ours;
        using var batch = new PacketBatch(64, 64 * 1500);
        for (int i = 0; i < 64; i++)
            Assert.True(batch.TryAdd(new byte[1200]));
        // A busy machine adds to one second or another, hardly to all of five; what is missed adds 50 ms and more to each.
        TimeSpan best = TimeSpan.MaxValue;
        for (int second = 0; second < 5 && best > TimeSpan.FromMilliseconds(30); second++)
        {
            TimeSpan longest = TimeSpan.Zero;
            for (long end = Environment.TickCount64 + 1_000; Environment.TickCount64 < end;)
            {
                ours.Send(batch, 0, 64);
                TimeSpan owed = connection.Unacknowledged;
                longest = owed > longest ? owed : longest;
            }
            best = longest < best ? longest : best;
        }
        Assert.InRange(best, TimeSpan.Zero, TimeSpan.FromMilliseconds(30));
    }

    private static ulong Time(int burst) => (ulong)burst * Apart;

    private static ReceivePause Rowing(out ulong now)
    {
        var pause = new ReceivePause();
        now = 1_000_000_000;
        for (int burst = 0; burst < ReceivePause.BurstsInRow; burst++)
            pause.OnTurn(ReceivePause.BurstDatagrams, false, now);
        return pause;
    }
}
