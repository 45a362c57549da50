using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Plugins.TrustTofu.Tests.Tofu;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

public sealed class DialledTests
{
    private readonly FakeContext _context = new();

    [Fact]
    public async Task Configured_fingerprint_is_accepted()
    {
        TofuTrust trust = await StartedAsync(_context);
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", trust.Decide(A.Dialled(Peer("n2", A))));
    }

    [Fact]
    public async Task Another_certificate_than_the_configured_one_is_a_conflict()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustVerdict verdict = trust.Decide(B.Dialled(Peer("n2", A)));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, verdict);
        Assert.Contains(A.Id.ToString(), verdict.Text, StringComparison.Ordinal);
        Assert.Contains(B.Id.ToString(), verdict.Text, StringComparison.Ordinal);
        TrustRecord record = Assert.Single(Records(trust, TrustState.Conflict));
        Assert.Equal(("n2", B.Id), (record.Peer, record.Fingerprint));
    }

    [Fact]
    public async Task Configured_fingerprint_goes_before_the_stored_pin()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", trust.Decide(B.Dialled(Peer("n2", B))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, trust.Decide(A.Dialled(Peer("n2", B))));
    }

    [Fact]
    public async Task First_use_is_accepted_once_it_is_durable_and_a_pin_from_then_on()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustRequest request = A.Dialled(Peer("n2"));
        AssertVerdict(TrustOutcome.Accept, TrustReason.FirstUse, "n2", trust.Decide(request));
        Assert.Empty(_context.Files);
        AssertVerdict(TrustOutcome.Accept, TrustReason.FirstUse, "n2", trust.Decide(request));

        Assert.Null(await CommitAsync(trust, request));
        Assert.Single(_context.Files);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(request));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, trust.Decide(B.Dialled(Peer("n2"))));

        TofuTrust restarted = await StartedAsync(_context);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", restarted.Decide(request));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, restarted.Decide(B.Dialled(Peer("n2"))));
    }

    [Fact]
    public async Task First_use_can_be_turned_off()
    {
        TofuTrust trust = await StartedAsync(new FakeContext { FirstUse = false });
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, trust.Decide(A.Dialled(Peer("n2"))));
        Assert.Equal("n2", Assert.Single(Records(trust, TrustState.Pending)).Peer);
    }

    [Fact]
    public async Task Certificate_of_another_peer_is_the_wrong_peer()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n3", B));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.WrongPeer, null, trust.Decide(A.Dialled(Peer("n2"), Peer("n3", A))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.WrongPeer, null, trust.Decide(B.Dialled(Peer("n2"), Peer("n3"))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.WrongPeer, null, trust.Decide(B.Dialled(Peer("n2", A), Peer("n3"))));
    }

    [Fact]
    public async Task Pin_of_a_name_that_left_the_configuration_does_not_stand_in_the_way_of_a_new_name()
    {
        TofuTrust trust = await PinnedAsync(_context, ("old-name", A));
        Assert.Null(await CommitAsync(trust, A.Dialled(Peer("new-name"))));
        Assert.Equal("new-name", Assert.Single(Records(trust, TrustState.Pinned)).Peer);
    }

    [Fact]
    public async Task Wrong_clock_stops_first_use_but_not_pins()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        DateTimeOffset behind = Now.AddYears(-20);
        TrustRequest Wrong(TrustRequest request) => request with { Now = behind, ClockTrusted = false };
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(Wrong(A.Dialled(Peer("n2")))));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n3", trust.Decide(Wrong(B.Dialled(Peer("n3", B)))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.ClockUntrusted, null, trust.Decide(Wrong(B.Dialled(Peer("n3")))));
    }

    [Fact]
    public async Task Of_concurrent_first_uses_of_different_certificates_exactly_one_wins()
    {
        for (int round = 0; round < 50; round++)
        {
            TofuTrust trust = await StartedAsync(new FakeContext());
            TrustRequest[] requests = [.. new[] { A, B, C }.Select(shown => shown.Dialled(Peer("n2")))];
            TrustVerdict[] verdicts = [.. requests.Select(trust.Decide)];
            string?[] faults = await Task.WhenAll(requests.Zip(verdicts, (request, verdict) =>
                Task.Run(async () => await trust.CommitAsync(request, verdict, CancellationToken.None))));
            Assert.Single(faults, fault => fault is null);
            Assert.Single(requests, request => trust.Decide(request).Reason == TrustReason.StoredPin);
            Assert.Equal(requests[Array.IndexOf(faults, null)].Fingerprint, Assert.Single(Records(trust, TrustState.Pinned)).Fingerprint);
        }
    }

    [Fact]
    public async Task One_certificate_becomes_the_first_of_one_of_two_peers_only()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustRequest two = A.Dialled(Peer("n2"), Peer("n3"));
        TrustRequest three = A.Dialled(Peer("n3"), Peer("n2"));
        TrustVerdict verdict = trust.Decide(three);
        Assert.Null(await CommitAsync(trust, two));
        Assert.NotNull(await trust.CommitAsync(three, verdict, CancellationToken.None));
        Assert.Equal("n2", Assert.Single(Records(trust, TrustState.Pinned)).Peer);
    }

    [Fact]
    public async Task Committing_what_needs_none_writes_nothing()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustRequest request = A.Dialled(Peer("n2", A));
        Assert.Null(await trust.CommitAsync(request, trust.Decide(request), CancellationToken.None));
        Assert.Empty(_context.Files);
    }

    [Fact]
    public async Task Committing_tells_that_verdicts_have_changed()
    {
        TofuTrust trust = await StartedAsync(_context);
        int changes = 0;
        trust.Changed += () => changes++;
        Assert.Null(await CommitAsync(trust, A.Dialled(Peer("n2"))));
        Assert.Equal(1, changes);
    }
}
