using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class BlackHoleTests
{
    private const ulong Second = 1_000_000_000;

    [Fact]
    public void Nearly_all_large_packets_lost_twice_in_a_row_is_a_black_hole_and_ten_minutes_later_tried_again()
    {
        var watch = new BlackHoleWatch();
        Assert.False(Look(watch, 1, sent: 10, lost: 10));
        Assert.False(Look(watch, 2, sent: 0, lost: 0)); // the sender waits
        Assert.True(Look(watch, 3, sent: 3, lost: 3));
        Assert.True(watch.IsBlack);
        Assert.False(watch.Look(602 * Second));
        Assert.True(watch.Look(603 * Second));
        Assert.False(watch.IsBlack);
        Assert.False(Look(watch, 604, sent: 9, lost: 9));
    }

    [Fact]
    public void Ordinary_loss_an_outage_and_a_few_lost_packets_are_none()
    {
        var random = new Random(1);
        var watch = new BlackHoleWatch();
        for (ulong second = 1; second < 1_000; second++)
        {
            // Up to eight of ten, or all of a handful.
            int sent = random.Next(2) == 0 ? random.Next(200) : random.Next(4);
            Assert.False(Look(watch, second, sent, lost: sent < 4 ? random.Next(sent + 1) : random.Next((sent * 8 / 10) + 1)));
        }
        Assert.False(Look(watch, 1_000, sent: 5_000, lost: 5_000)); // all at once, when the path is back
        for (ulong second = 1_001; second < 1_010; second++)
            Assert.False(Look(watch, second, sent: 1_000, lost: 10));
    }

    [Fact]
    public async Task Packets_arrive_again_when_a_path_swallows_large_ones_and_the_connection_stays()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "path-MTU discovery is done");
        using var batch = new PacketBatch(20, 20 * 1_600);
        while (batch.Count < 20)
            batch.TryAdd(new byte[1_380]);
        relay.Largest = 1_300;
        int before = b.Packets.Count;
        await Eventually.Holds(
            () =>
            {
                ours.Send(batch, 0, 20);
                ours.SendControl([1]); // as the engine asks for a sign of life: what is small still passes
                return b.Packets.Count >= before + 60;
            },
            "packets arrive in halves");
        Assert.Equal(1_200, ours.Path.PathMtuBytes);
        Assert.Equal(1, a.Transport.Counters.BlackHoles);
        int control = b.ControlBytes(theirs).Length;
        await Eventually.Holds(() => ours.SendControl(new byte[16_000]), "room for a long control message");
        await Eventually.Holds(() => b.ControlBytes(theirs).Length >= control + 16_000, "it arrives");
    }

    private static bool Look(BlackHoleWatch watch, ulong second, int sent, int lost)
    {
        for (int i = 0; i < sent; i++)
            watch.OnSent();
        for (int i = 0; i < lost; i++)
            watch.OnLost();
        return watch.Look(second * Second);
    }
}
