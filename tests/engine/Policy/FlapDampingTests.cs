using VibePN.Contracts;
using VibePN.Engine.Policy;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Policy;

public sealed class FlapDampingTests
{
    private static readonly Fingerprint Peer = Fingerprint.Of([1]);
    private static readonly IpPrefix Lan = IpPrefix.Parse("192.168.7.0/24");

    private readonly FlapDamping _damping = new();

    [Fact]
    public void Five_withdraws_at_once_are_borne_and_the_sixth_suppresses_for_three_half_lives()
    {
        Withdraw(5, At(0));
        Assert.False(_damping.IsSuppressed(Peer, Lan, At(0)));
        Assert.Equal(Instant.Never, _damping.NextReuse);
        Withdraw(1, At(0));
        Assert.True(_damping.IsSuppressed(Peer, Lan, At(0)));
        Assert.Equal(At(180), _damping.NextReuse); // 6,000 to 750 is a factor of 2^3
        Assert.Empty(_damping.Release(At(179.999)));
        Assert.True(_damping.IsSuppressed(Peer, Lan, At(179.999)));
        Assert.Equal([(Peer, Lan)], _damping.Release(At(180)));
        Assert.False(_damping.IsSuppressed(Peer, Lan, At(180)));
        Assert.Equal(750, _damping.StateOf(Peer, Lan, At(180))!.Value.Penalty, 6);
        Assert.Equal(Instant.Never, _damping.NextReuse);
    }

    [Fact]
    public void A_penalty_halves_each_minute_and_changes_count_half()
    {
        _damping.OnWithdraw(Peer, Lan, At(0));
        _damping.OnChange(Peer, Lan, At(60));
        Assert.Equal(1_000, _damping.StateOf(Peer, Lan, At(60))!.Value.Penalty, 6);
        Assert.Equal(500, _damping.StateOf(Peer, Lan, At(120))!.Value.Penalty, 6);
        Assert.Null(_damping.StateOf(Peer, Lan, At(160)));
    }

    [Fact]
    public void However_often_it_flaps_suppression_ends_240_seconds_after_the_last()
    {
        Withdraw(1_000, At(0));
        Assert.Equal(12_000, _damping.StateOf(Peer, Lan, At(0))!.Value.Penalty);
        Assert.Empty(_damping.Release(At(239.9)));
        Assert.Equal(At(240), _damping.NextReuse);
        Withdraw(1_000, At(100));
        Assert.Empty(_damping.Release(At(339.9)));
        Assert.Equal([(Peer, Lan)], _damping.Release(At(340)));
    }

    [Fact]
    public void A_flap_while_suppressed_makes_it_longer()
    {
        Withdraw(6, At(0));
        _damping.OnChange(Peer, Lan, At(120)); // 1,500 + 500 = 2,000
        Assert.Empty(_damping.Release(At(180)));
        Assert.True(_damping.IsSuppressed(Peer, Lan, At(180)));
        Assert.InRange((_damping.NextReuse - At(120)).TotalSeconds, 84.9, 85); // 60 s * log2(2,000 / 750)
    }

    [Fact]
    public void One_routes_flaps_do_not_touch_another()
    {
        Withdraw(6, At(0));
        Assert.False(_damping.IsSuppressed(Fingerprint.Of([2]), Lan, At(0)));
        Assert.False(_damping.IsSuppressed(Peer, IpPrefix.Parse("192.168.8.0/24"), At(0)));
    }

    [Fact]
    public void What_is_remembered_of_a_peer_is_bounded_and_the_restless_stay()
    {
        Withdraw(6, At(0));
        for (uint i = 0; i < 5_000; i++)
            _damping.OnChange(Peer, IpPrefix.Host(IpAddress.FromV4(0x0A000000 + i)), At(1));
        Assert.True(_damping.IsSuppressed(Peer, Lan, At(1)));
        int known = Enumerable.Range(0, 5_000)
            .Count(i => _damping.StateOf(Peer, IpPrefix.Host(IpAddress.FromV4(0x0A000000 + (uint)i)), At(1)) is not null);
        Assert.Equal(FlapDamping.MaxPerPeer - 1, known);
    }

    private void Withdraw(int times, Instant now)
    {
        for (int i = 0; i < times; i++)
            _damping.OnWithdraw(Peer, Lan, now);
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
