using VibePN.Engine.Node;
using VibePN.Engine.Runtime;
using VibePN.Engine.Runtime.Native;
using VibePN.Engine.Sessions;
using VibePN.Engine.Tests.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Node;

/// <summary>When a node dials, and when it acts on a change of the machine's network.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public void Twenty_dials_may_come_at_once_and_then_twenty_a_second_with_growing_numbers()
    {
        var schedule = new DialSchedule(At(0));
        long last = 0;
        int Drawn(double at)
        {
            int count = 0;
            for (; schedule.TryDraw(At(at)) is > 0 and var id; count++)
            {
                Assert.True(id > last);
                last = id;
            }
            return count;
        }
        Assert.Equal(20, Drawn(0));
        Assert.Equal(0, Drawn(0.049));
        Assert.Equal(1, Drawn(0.05));
        Assert.Equal(19, Drawn(1));
        Assert.Equal(20, Drawn(100));
    }

    [Fact]
    public void A_thousand_peers_are_dialled_in_the_order_in_which_they_were_due_and_none_is_failed()
    {
        var schedule = new DialSchedule(At(0));
        LoneMachine[] peers = [.. Enumerable.Range(0, 1_000).Select(i => new LoneMachine($"p{i}:1"))];
        var random = new Random(5);
        foreach (LoneMachine peer in peers)
        {
            peer.RunUntil(0.1);
            peer.Machine.OnDialFailed(peer.Dials[0].Id, new(Contracts.CloseCode.Unreachable, "x"), At(0.1 + (0.4 * random.NextDouble())));
        }
        List<(Instant Due, Instant Begun)> dialled = [];
        Instant now = At(0);
        while (dialled.Count < peers.Length)
        {
            PeerMachine[] all = [.. peers.Select(peer => peer.Machine)];
            foreach (PeerMachine peer in DialSchedule.Due(all, now))
            {
                Instant due = peer.DialDue;
                peer.OnTimer(now, () => schedule.TryDraw(now));
                if (peer.IsDialling)
                    dialled.Add((due, now));
            }
            Assert.All(all, peer => Assert.Equal("Unreachable: x", peer.LastError));
            Instant next = all.Aggregate(Instant.Never, (next, peer) => Instant.Min(next, schedule.NextTurn(peer, now)));
            if (dialled.Count < peers.Length)
                Assert.True(next > now);
            now = next;
        }
        Assert.Equal(dialled.Select(dial => dial.Due).Order(), dialled.Select(dial => dial.Due));
        Assert.InRange((dialled[^1].Begun - dialled[0].Begun).TotalSeconds, 48, 51);
    }

    [Fact]
    public void The_first_change_counts_at_once_and_a_flood_of_them_every_five_seconds()
    {
        var watch = new NetworkWatch();
        var acted = new List<double>();
        for (int i = 0; i < 6_000; i++)
        {
            watch.OnChanged();
            if (watch.OnTurn(At(i / 100.0)))
                acted.Add(i / 100.0);
            watch.OnTurnEnded(At((i + 1) / 100.0));
        }
        Assert.Equal([0, 1, 3, 7, 12, 17, 22, 27, 32, 37, 42, 47, 52, 57], acted);
        Assert.False(watch.OnTurn(At(60.5)));
        watch.OnTurnEnded(At(61));
        Assert.True(watch.OnTurn(At(62))); // the last change is not forgotten
        watch.OnTurnEnded(At(80));
        watch.OnChanged();
        Assert.True(watch.OnTurn(At(80)));
    }

    [Fact]
    public void A_turn_that_comes_more_than_ten_seconds_late_counts_as_a_change()
    {
        var watch = new NetworkWatch();
        Assert.False(watch.OnTurn(At(0)));
        watch.OnTurnEnded(At(1));
        Assert.False(watch.OnTurn(At(11)));
        watch.OnTurnEnded(At(12));
        Assert.True(watch.OnTurn(At(22.1)));
        watch.OnTurnEnded(Instant.Never);
        Assert.False(watch.OnTurn(At(1_000)));
    }

    [Fact]
    public void A_machine_that_slept_is_noticed_by_the_clocks_that_parted()
    {
        TimeSpan boot = TimeSpan.FromHours(5);
        var watch = new SuspendWatch(() => boot);
        Assert.False(watch.HasSlept(At(0)));
        boot += TimeSpan.FromSeconds(3_600);
        Assert.False(watch.HasSlept(At(3_600))); // both went on
        boot += TimeSpan.FromSeconds(10.5);
        Assert.False(watch.HasSlept(At(3_600.6)));
        boot += TimeSpan.FromSeconds(61);
        Assert.True(watch.HasSlept(At(3_601.6)));
        boot += TimeSpan.FromSeconds(1);
        Assert.False(watch.HasSlept(At(3_602.6)));
    }

    [Fact]
    public void The_boot_clock_goes_on()
    {
        TimeSpan first = BootClock.Read();
        Assert.True(first > TimeSpan.Zero);
        Assert.True(BootClock.Read() >= first);
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
