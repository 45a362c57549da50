using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Events;

public sealed class EventRingTests
{
    private readonly EventRing _ring = new(TimeProvider.System);

    [Fact]
    public void Numbers_begin_with_1_and_have_no_holes()
    {
        _ring.Publish(EventKinds.PeerUp, new EventFacts("a") { Peer = "node2" });
        _ring.Publish(EventKinds.PeerDown, new EventFacts("b"));
        EventPage page = _ring.Read(0);
        Assert.Equal([1L, 2L], page.Events.Select(one => one.Seq));
        Assert.Equal((0, "node2", "b"), (page.Missed, page.Events[0].Facts.Peer, page.Events[1].Facts.Text));
        Assert.Equal("b", Assert.Single(_ring.Read(1).Events).Facts.Text);
        Assert.Empty(_ring.Read(2).Events);
    }

    [Fact]
    public void A_slow_reader_learns_how_many_it_missed()
    {
        Publish(EventRing.Capacity + 10);
        EventPage page = _ring.Read(3, limit: 5);
        Assert.Equal(7, page.Missed);
        Assert.Equal([11L, 12L, 13L, 14L, 15L], page.Events.Select(one => one.Seq));
    }

    [Fact]
    public void A_reader_of_an_earlier_daemon_gets_everything()
    {
        Publish(2);
        Assert.Equal(2, _ring.Read(500).Events.Length);
    }

    [Fact]
    public void What_a_peer_wrote_is_cut()
    {
        _ring.Publish(EventKinds.PeerDown, new EventFacts(new string('x', 100_000)) { Reason = new string('y', 100_000) });
        EventFacts facts = _ring.Read(0).Events[0].Facts;
        Assert.Equal((515, 515), (facts.Text.Length, facts.Reason.Length));
    }

    [Fact]
    public async Task Whoever_waits_is_woken_by_the_next_event()
    {
        Publish(1);
        Assert.True(_ring.WaitAsync(0, TestContext.Current.CancellationToken).IsCompletedSuccessfully);
        Task waiting = _ring.WaitAsync(1, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        Publish(1);
        await waiting.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Events_are_found_by_age()
    {
        var clock = new WrongClock();
        var ring = new EventRing(clock);
        ring.Publish(EventKinds.PeerUp, new EventFacts("early"));
        clock.WrongBy = TimeSpan.FromMinutes(10);
        ring.Publish(EventKinds.PeerDown, new EventFacts("late"));
        Assert.Equal(1, ring.BeforeAge(TimeSpan.FromMinutes(5)));
        Assert.Equal(0, ring.BeforeAge(TimeSpan.FromMinutes(15)));
    }

    [Fact]
    public async Task Many_threads_publish_and_no_event_is_lost()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Publish(1_000))));
        Assert.Equal(Enumerable.Range(1, 4_000).Select(seq => (long)seq), _ring.Read(0, 5_000).Events.Select(one => one.Seq));
    }

    [Fact]
    public void Tables_are_compared_route_by_route()
    {
        var events = new RouteEvents(_ring, _ => "hub", default);
        ImmutableArray<RouteCandidate> before = [Route("10.0.0.0/8", 1), Route("10.1.0.0/16", 1), Route("10.2.0.0/16", 1)];
        events.Tell("corp", before, [Route("10.0.0.0/8", 1), Route("10.1.0.0/16", 2), Route("10.3.0.0/16", 1)], default);
        Assert.Equal(
            [
                "route.changed 10.1.0.0/16 in corp leads in another way to hub, metric 2",
                "route.withdrawn 10.2.0.0/16 in corp leads no longer to hub, metric 1",
                "route.added 10.3.0.0/16 in corp leads to hub, metric 1",
            ],
            _ring.Read(0).Events.Select(one => $"{one.Kind} {one.Facts.Text}"));
    }

    [Fact]
    public void A_million_changes_cost_a_bounded_number_of_events()
    {
        var events = new RouteEvents(_ring, _ => "hub", default);
        ImmutableArray<RouteCandidate> many = [.. Enumerable.Range(0, 20_000).Select(i => Route($"10.{i >> 8}.{i & 255}.0/24", 1))];
        events.Tell("corp", [], many, default);
        Assert.Equal(1_000, _ring.Last);
        events.Tell("corp", [], [Route("10.0.0.0/8", 1)], default(Instant) + TimeSpan.FromSeconds(1));
        Assert.Equal("19000 more changes of routes, too many to tell each", _ring.Read(1_000).Events[0].Facts.Text);
    }

    private void Publish(int count)
    {
        for (int i = 0; i < count; i++)
            _ring.Publish(EventKinds.RouteAdded, new EventFacts("x"));
    }

    private static RouteCandidate Route(string prefix, uint metric) => new()
    {
        Prefix = IpPrefix.Parse(prefix), NextHop = Fingerprint.Parse(new string('2', 64)), Origin = Fingerprint.Parse(new string('2', 64)),
        Metric = metric, Source = RouteSource.Learned,
    };
}
