using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Enrolment;

namespace VibePN.Host.Tests.Enrolment;

public sealed class EnrolmentsTests : IDisposable
{
    private readonly EnrolmentBench _bench = new();
    private readonly Fingerprint _joiner = EnrolmentBench.Random();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_redeemed_invite_makes_a_peer_that_a_restart_keeps()
    {
        InviteRecord invite = await _bench.InviteAsync();
        JoinDecision decision = await _bench.Enrolments.RedeemAsync(_bench.Claim(invite, _joiner), Cancel);
        Assert.Equal(new JoinDecision(JoinResult.Granted, "node2"), decision);
        PeerConfiguration peer = Assert.Single(_bench.Configuration.Peers);
        Assert.Equal(("node2", _joiner, "corp"), (peer.Name, peer.Fingerprint, Assert.Single(peer.Networks)));
        Assert.Empty(peer.Addresses);

        _bench.Restart();
        EnrolledPeer kept = Assert.Single(_bench.Enrolments.Book.Peers);
        Assert.Equal((_joiner, "node2"), (kept.Fingerprint, kept.Name));
        Assert.Equal(JoinResult.Used, await _bench.RedeemAsync(invite, EnrolmentBench.Random()));
        Assert.Equal(JoinResult.UsedByYou, await _bench.RedeemAsync(invite, _joiner));
        Assert.Single(_bench.Configuration.Peers);
    }

    [Fact]
    public async Task Each_refusal_has_its_own_result_and_changes_no_peer()
    {
        InviteRecord expired = await _bench.InviteAsync(life: TimeSpan.FromSeconds(10));
        InviteRecord revoked = await _bench.InviteAsync();
        await _bench.Enrolments.RevokeAsync(revoked.Id);
        InviteRecord open = await _bench.InviteAsync();
        InviteRecord altered = open with { Secret = new string('0', 32) };
        InviteRecord foreign = open with { Id = new string('f', 32) };
        _bench.Now += TimeSpan.FromSeconds(11);
        Assert.Equal(JoinResult.Expired, await _bench.RedeemAsync(expired, _joiner));
        Assert.Equal(JoinResult.Revoked, await _bench.RedeemAsync(revoked, _joiner));
        Assert.Equal(JoinResult.Refused, await _bench.RedeemAsync(altered, _joiner));
        Assert.Equal(JoinResult.Refused, await _bench.RedeemAsync(foreign, _joiner));
        JoinClaim untimely = _bench.Claim(open, _joiner) with { ClockTrusted = false };
        Assert.Equal(JoinResult.ClockUntrusted, (await _bench.Enrolments.RedeemAsync(untimely, Cancel)).Result);
        Assert.Empty(_bench.Configuration.Peers);
        Assert.Equal(JoinResult.Granted, await _bench.RedeemAsync(open, _joiner));
    }

    [Fact]
    public async Task A_proof_recorded_on_another_connection_is_worth_nothing()
    {
        InviteRecord invite = await _bench.InviteAsync();
        byte[] first = new byte[32];
        JoinClaim replayed = _bench.Claim(invite, _joiner, proofBinding: first);
        Assert.Equal(JoinResult.Refused, (await _bench.Enrolments.RedeemAsync(replayed, Cancel)).Result);
        JoinClaim stolen = _bench.Claim(invite, _joiner, binding: first) with { Joiner = EnrolmentBench.Random() };
        Assert.Equal(JoinResult.Refused, (await _bench.Enrolments.RedeemAsync(stolen, Cancel)).Result);
        JoinClaim unbound = _bench.Claim(invite, _joiner, binding: first) with { ChannelBinding = default };
        Assert.Equal(JoinResult.Refused, (await _bench.Enrolments.RedeemAsync(unbound, Cancel)).Result);
        Assert.Empty(_bench.Configuration.Peers);
    }

    [Fact]
    public async Task Five_wrong_proofs_burn_an_invite_for_good()
    {
        InviteRecord invite = await _bench.InviteAsync();
        InviteRecord guess = invite with { Secret = new string('0', 32) };
        for (int i = 0; i < EnrolmentBook.MaxBadProofs; i++)
            Assert.Equal(JoinResult.Refused, await _bench.RedeemAsync(guess, _joiner));
        Assert.Equal(JoinResult.Refused, await _bench.RedeemAsync(guess, _joiner));
        _bench.Restart();
        Assert.Equal(JoinResult.Burnt, await _bench.RedeemAsync(invite, _joiner));
        Assert.Equal(5, _bench.Enrolments.Book.Find(invite.Id)!.BadProofs);
        Assert.Empty(_bench.Configuration.Peers);
    }

    [Fact]
    public async Task A_used_invite_is_remembered_for_30_days_and_no_clock_set_back_revives_it()
    {
        InviteRecord invite = await _bench.InviteAsync();
        await _bench.RedeemAsync(invite, _joiner);
        _bench.Now = invite.NotAfter + TimeSpan.FromDays(30);
        await _bench.InviteAsync();
        _bench.Now = EnrolmentBench.Start;
        Assert.Equal(JoinResult.Used, await _bench.RedeemAsync(invite, EnrolmentBench.Random()));
        _bench.Now = invite.NotAfter + TimeSpan.FromDays(31);
        await _bench.InviteAsync();
        Assert.Null(_bench.Enrolments.Book.Find(invite.Id));
    }

    [Fact]
    public async Task The_door_is_open_for_the_life_of_invites_and_ten_minutes_more()
    {
        Assert.False(_bench.Enrolments.IsOpen);
        InviteRecord invite = await _bench.InviteAsync();
        Assert.True(_bench.Enrolments.IsOpen);
        _bench.Now = invite.NotAfter + TimeSpan.FromMinutes(10);
        Assert.True(_bench.Enrolments.IsOpen);
        _bench.Now += TimeSpan.FromSeconds(1);
        Assert.False(_bench.Enrolments.IsOpen);
    }

    [Fact]
    public async Task A_name_that_is_taken_gets_a_number()
    {
        _bench.Configuration = _bench.Configuration with
        {
            Peers = [new PeerConfiguration { Name = "node2", Fingerprint = EnrolmentBench.Random() }],
        };
        JoinDecision decision = await _bench.Enrolments.RedeemAsync(_bench.Claim(await _bench.InviteAsync(), _joiner), Cancel);
        Assert.Equal(new JoinDecision(JoinResult.Granted, "node2-2"), decision);
    }

    [Fact]
    public async Task An_enrolled_peer_may_join_a_second_network()
    {
        await _bench.RedeemAsync(await _bench.InviteAsync(), _joiner);
        Assert.Equal(JoinResult.Granted, await _bench.RedeemAsync(await _bench.InviteAsync("lab"), _joiner));
        PeerConfiguration peer = Assert.Single(_bench.Configuration.Peers);
        Assert.Equal(["corp", "lab"], peer.Networks);
        Assert.Equal(["corp", "lab"], Assert.Single(_bench.Enrolments.Book.Peers).Networks);
    }

    [Fact]
    public async Task A_peer_of_the_configuration_file_stays_the_files()
    {
        _bench.Configuration = _bench.Configuration with
        {
            Peers = [new PeerConfiguration { Name = "old", Fingerprint = _joiner, Networks = ["corp"] }],
        };
        InviteRecord invite = await _bench.InviteAsync("lab");
        Assert.Equal(JoinResult.AlreadyPeer, await _bench.RedeemAsync(invite, _joiner));
        Assert.Equal(InviteState.Open, _bench.Enrolments.Book.Find(invite.Id)!.State);
        JoinDecision member = await _bench.Enrolments.RedeemAsync(_bench.Claim(await _bench.InviteAsync(), _joiner), Cancel);
        Assert.Equal(new JoinDecision(JoinResult.Granted, "old"), member);
        Assert.Empty(_bench.Enrolments.Book.Peers);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_engine_refuses_leaves_the_invite_unused(bool afterTheWrite)
    {
        InviteRecord invite = await _bench.InviteAsync();
        string before = _bench.FileText;
        var fault = new PluginException("refused on purpose");
        _bench.FailsBefore = afterTheWrite ? null : fault;
        _bench.FailsAfter = afterTheWrite ? fault : null;
        Assert.Equal(JoinResult.Failed, await _bench.RedeemAsync(invite, _joiner));
        Assert.Equal(before, _bench.FileText);
        Assert.Empty(_bench.Configuration.Peers);
        (_bench.FailsBefore, _bench.FailsAfter) = (null, null);
        Assert.Equal(JoinResult.Granted, await _bench.RedeemAsync(invite, _joiner));
    }

    [Fact]
    public async Task A_removed_peer_is_gone_from_the_file_and_the_engine()
    {
        await _bench.RedeemAsync(await _bench.InviteAsync(), _joiner);
        Assert.False(await _bench.Enrolments.RemoveAsync("node9"));
        Assert.True(await _bench.Enrolments.RemoveAsync("node2"));
        Assert.Empty(_bench.Configuration.Peers);
        _bench.Restart();
        Assert.Empty(_bench.Enrolments.Book.Peers);
    }

    [Fact]
    public async Task Of_64_redemptions_at_once_exactly_one_succeeds() => await RaceAsync(rounds: 50);

    /// <summary>The figure: 64 concurrent redemptions, 1,000 rounds.</summary>
    [Fact(Explicit = true)]
    public async Task Of_64_redemptions_at_once_exactly_one_succeeds_in_each_of_1000_rounds() => await RaceAsync(rounds: 1_000);

    private async Task RaceAsync(int rounds)
    {
        const int Joiners = 64;
        for (int round = 1; round <= rounds; round++)
        {
            InviteRecord invite = await _bench.InviteAsync();
            using var start = new Barrier(8);
            Fingerprint[] joiners = [.. Enumerable.Range(0, Joiners).Select(_ => EnrolmentBench.Random())];
            JoinResult[][] results = await Task.WhenAll(joiners.Chunk(Joiners / 8).Select(some => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(); // eight threads let go together, each with eight redemptions under way
                    return Task.WhenAll(some.Select(joiner => Task.Run(() => _bench.RedeemAsync(invite, joiner, $"n{round}"))));
                },
                TaskCreationOptions.LongRunning).Unwrap()));
            JoinResult[] all = [.. results.SelectMany(some => some)];
            Assert.Equal(1, all.Count(result => result == JoinResult.Granted));
            Assert.Equal(Joiners - 1, all.Count(result => result == JoinResult.Used));
            Assert.Equal(round, _bench.Configuration.Peers.Length);
            Assert.Equal(round, _bench.Store.Read().Peers.Length);
        }
    }
}
