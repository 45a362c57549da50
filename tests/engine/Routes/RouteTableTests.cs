using VibePN.Contracts;
using VibePN.Engine.Policy;
using VibePN.Engine.Routes;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Routes;

public sealed class RouteTableTests
{
    private static readonly Fingerprint Alice = Fingerprint.Of([1]);
    private static readonly Fingerprint Bob = Fingerprint.Of([2]);
    private static readonly IpPrefix Lan = IpPrefix.Parse("192.168.7.0/24");
    private static readonly IpPrefix Host = IpPrefix.Parse("10.42.0.5/32");

    private readonly RouteTable _table = new();

    [Fact]
    public void A_withdraw_touches_only_the_route_of_its_sender()
    {
        Accept(Alice, Lan, At(0));
        Accept(Bob, Lan, At(0));
        _table.Withdraw(Bob, Lan);
        Assert.Equal([Alice], _table.Candidates(At(1)).Select(candidate => candidate.NextHop));
        _table.Withdraw(Bob, Host);
        Assert.Equal(1, _table.Count);
    }

    [Fact]
    public void Routes_expire_after_210_seconds_unless_the_digest_confirms_them()
    {
        Accept(Alice, Lan, At(0));
        Assert.True(_table.Confirm(Alice, 1, RouteDigest.HashOf(Lan, 7), At(100)));
        _table.Expire(At(309.9));
        Assert.Equal(1, _table.Count);
        Assert.Equal(At(310), _table.NextExpiry);
        _table.Expire(At(310));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void A_digest_that_differs_confirms_nothing()
    {
        Accept(Alice, Lan, At(0));
        Assert.False(_table.Confirm(Alice, 2, RouteDigest.HashOf(Lan, 7), At(1)));
        Assert.False(_table.Confirm(Alice, 1, RouteDigest.HashOf(Lan, 8), At(1)));
        Assert.False(_table.Confirm(Bob, 1, RouteDigest.HashOf(Lan, 7), At(1)));
        Assert.Equal(At(210), _table.ExpiryOf(Alice));
    }

    [Fact]
    public void A_digest_covers_refused_routes_too()
    {
        _table.Announce(Alice, Lan, 7, RouteJudgement.Refuse(JudgementStage.Plugin, RouteReason.PolicyRefused, "no"), At(0));
        Assert.True(_table.Confirm(Alice, 1, RouteDigest.HashOf(Lan, 7), At(1)));
        Assert.Equal(0, _table.Count);
        Assert.Equal(1, _table.EntriesFrom(Alice));
    }

    [Fact]
    public void A_route_that_is_announced_again_does_not_count_against_itself()
    {
        Accept(Alice, Lan, At(0));
        Accept(Alice, Host, At(0));
        Assert.Equal(1, _table.CountBeside(Alice, Lan));
        Assert.Equal(2, _table.CountBeside(Alice, IpPrefix.Parse("192.168.8.0/24")));
        Assert.Equal(0, _table.CountBeside(Bob, Lan));
    }

    [Fact]
    public void The_end_of_a_full_set_forgets_what_was_not_repeated()
    {
        Accept(Alice, Lan, At(0));
        Accept(Alice, Host, At(0));
        _table.EndFullSet(Alice, begin: 0, At(0));
        long begin = _table.Heard;
        Accept(Alice, Host, At(10));
        _table.EndFullSet(Alice, begin, At(10));
        Assert.Equal([Host], _table.AcceptedFrom(Alice));
    }

    [Fact]
    public void Two_full_sets_that_cross_on_two_connections_forget_nothing()
    {
        long first = _table.Heard;
        Accept(Alice, Lan, At(0)); // on the first connection
        long second = _table.Heard;
        Accept(Alice, Lan, At(0)); // on the second
        _table.EndFullSet(Alice, first, At(0));
        _table.EndFullSet(Alice, second, At(0));
        Assert.Equal([Lan], _table.AcceptedFrom(Alice));
    }

    [Fact]
    public void A_repeated_route_keeps_its_age_and_changes_nothing()
    {
        Accept(Alice, Lan, At(0));
        long version = _table.Version;
        Accept(Alice, Lan, At(30));
        Assert.Equal(version, _table.Version);
        Assert.Equal(TimeSpan.FromSeconds(40), Assert.Single(_table.Candidates(At(40))).Age);
    }

    [Fact]
    public void Losing_a_peer_removes_all_its_routes_and_no_others()
    {
        Accept(Alice, Lan, At(0));
        Accept(Alice, Host, At(0));
        Accept(Bob, Lan, At(0));
        _table.RemoveAll(Alice);
        Assert.Equal(1, _table.Count);
        Assert.Equal(0, _table.CountFrom(Alice));
        Assert.Equal(1, _table.CountFrom(Bob));
    }

    [Fact]
    public void Any_history_gives_the_counts_and_the_digest_of_a_naive_twin()
    {
        var random = new Random(42);
        var twin = new Dictionary<(Fingerprint, IpPrefix), uint>();
        Fingerprint[] peers = [Alice, Bob];
        for (int step = 0; step < 20_000; step++)
        {
            Fingerprint peer = peers[random.Next(2)];
            IpPrefix prefix = new(IpAddress.FromV4((uint)random.Next(16) << 8), 24);
            if (random.Next(3) == 0)
            {
                _table.Withdraw(peer, prefix);
                twin.Remove((peer, prefix));
            }
            else
            {
                uint metric = (uint)random.Next(3);
                Accept(peer, prefix, At(0), metric);
                twin[(peer, prefix)] = metric;
            }
            Assert.Equal(twin.Count, _table.Count);
        }
        foreach (Fingerprint peer in peers)
        {
            (IpPrefix Prefix, uint Metric)[] routes =
                [.. twin.Where(pair => pair.Key.Item1 == peer).Select(pair => (pair.Key.Item2, pair.Value))];
            ulong hash = routes.Aggregate(0UL, (sum, route) => sum ^ RouteDigest.HashOf(route.Prefix, route.Metric));
            Assert.True(_table.Confirm(peer, (uint)routes.Length, hash, At(1)));
        }
    }

    private void Accept(Fingerprint peer, IpPrefix prefix, Instant now, uint metric = 7)
    {
        var candidate = new RouteCandidate { Prefix = prefix, NextHop = peer, Origin = peer, Metric = metric };
        _table.Announce(
            peer, prefix, metric, new RouteJudgement(new ImportVerdict(candidate, RouteReason.Accepted, ""), JudgementStage.Plugin), now);
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
