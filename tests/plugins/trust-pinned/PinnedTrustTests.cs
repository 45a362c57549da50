using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustPinned.Tests;

public sealed class PinnedTrustTests
{
    private readonly PinnedTrust _trust = new(new NoContext());

    [Fact]
    public void Configured_fingerprint_is_accepted_on_both_ends_and_needs_no_commit()
    {
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", _trust.Decide(A.Dialled(Peer("n2", A))));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n3", _trust.Decide(A.Inbound(Peer("n2", B), Peer("n3", A))));
        Assert.Empty(_trust.List().Records);
    }

    [Fact]
    public void Peer_without_a_fingerprint_is_refused_and_what_it_shows_is_listed()
    {
        TrustVerdict verdict = _trust.Decide(A.Dialled(Peer("n2")));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, verdict);
        Assert.Contains(A.Id.ToString(), verdict.Text, StringComparison.Ordinal);
        Assert.Equal(("n2", A.Id), (Single().Peer, Single().Fingerprint));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, _trust.Decide(A.Inbound(Peer("n2"))));
    }

    [Fact]
    public void Stranger_is_refused_and_listed()
    {
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, _trust.Decide(B.Inbound(Peer("n2", A))));
        Assert.Equal(
            new TrustRecord(TrustState.Pending, "", B.Id, B.Key, Now, Now, "inbound", "203.0.113.42:51820"), Single());
    }

    [Fact]
    public void Another_certificate_than_the_configured_one_is_a_conflict()
    {
        TrustVerdict verdict = _trust.Decide(B.Dialled(Peer("n2", A)));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, verdict);
        Assert.Contains(A.Id.ToString(), verdict.Text, StringComparison.Ordinal);
        Assert.Contains(B.Id.ToString(), verdict.Text, StringComparison.Ordinal);
        Assert.Equal(TrustState.Conflict, Single().State);
    }

    [Fact]
    public void Certificate_of_another_peer_is_the_wrong_peer()
    {
        AssertVerdict(TrustOutcome.Refuse, TrustReason.WrongPeer, null, _trust.Decide(A.Dialled(Peer("n2", B), Peer("n3", A))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.WrongPeer, null, _trust.Decide(A.Dialled(Peer("n2"), Peer("n3", A))));
    }

    [Fact]
    public void Form_and_validity_count_for_configured_fingerprints_too()
    {
        Shown p521 = Ec(ECCurve.NamedCurves.nistP521);
        AssertVerdict(TrustOutcome.Refuse, TrustReason.UnacceptableCertificate, null, _trust.Decide(p521.Dialled(Peer("n2", p521))));
        TrustRequest late = A.Inbound(Peer("n2", A)) with { Now = Now.AddDays(2) };
        AssertVerdict(TrustOutcome.Refuse, TrustReason.OutsideValidity, null, _trust.Decide(late));
        Assert.Empty(_trust.List().Records);
    }

    [Fact]
    public void Wrong_clock_does_not_stop_configured_fingerprints()
    {
        TrustRequest behind = A.Dialled(Peer("n2", A)) with { Now = Now.AddYears(-10), ClockTrusted = false };
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", _trust.Decide(behind));
    }

    [Fact]
    public void Verdicts_follow_the_configuration_at_once()
    {
        TrustRequest request = A.Inbound(Peer("n2", A));
        Assert.Equal(TrustOutcome.Accept, _trust.Decide(request).Outcome);
        Assert.Equal(TrustOutcome.Pending, _trust.Decide(request with { Peers = [Peer("n2", B)] }).Outcome);
        Assert.Equal(TrustOutcome.Pending, _trust.Decide(request with { Peers = [] }).Outcome);
    }

    [Fact]
    public async Task Commit_widens_nothing()
    {
        TrustRequest stranger = A.Dialled(Peer("n2"));
        TrustVerdict forged = new(TrustOutcome.Accept, "n2", TrustReason.FirstUse, "", NeedsCommit: true);
        Assert.NotNull(await _trust.CommitAsync(stranger, forged, CancellationToken.None));
        Assert.Equal(TrustOutcome.Pending, _trust.Decide(stranger).Outcome);
        TrustRequest known = A.Dialled(Peer("n2", A));
        Assert.Null(await _trust.CommitAsync(known, _trust.Decide(known), CancellationToken.None));
    }

    [Theory]
    [InlineData(TrustAction.Accept)]
    [InlineData(TrustAction.Replace)]
    [InlineData(TrustAction.Deny)]
    [InlineData((TrustAction)99)]
    public async Task Orders_change_no_verdict_and_say_what_to_do(TrustAction action)
    {
        TrustRequest stranger = A.Inbound(Peer("n2"));
        _trust.Decide(stranger);
        TrustResult result = await _trust.ApplyAsync(new TrustOrder(action, "n2", A.Id, B.Id), CancellationToken.None);
        Assert.False(result.Done);
        Assert.NotEmpty(result.Text);
        Assert.Equal(TrustOutcome.Pending, _trust.Decide(stranger).Outcome);
        Assert.Equal(TrustOutcome.Accept, _trust.Decide(A.Inbound(Peer("n2", A))).Outcome);
    }

    [Fact]
    public async Task Stranger_can_be_taken_off_the_list()
    {
        _trust.Decide(A.Inbound());
        Assert.True((await _trust.ApplyAsync(new TrustOrder(TrustAction.Forget, null, A.Id), CancellationToken.None)).Done);
        Assert.Empty(_trust.List().Records);
        Assert.False((await _trust.ApplyAsync(new TrustOrder(TrustAction.Forget, null, A.Id), CancellationToken.None)).Done);
    }

    [Fact]
    public void Listing_is_healthy_sorted_and_bounded()
    {
        _trust.Decide(C.Dialled(Peer("b", A)));
        _trust.Decide(C.Dialled(Peer("a", A)));
        for (int i = 0; i < 200; i++)
            _trust.Decide(B.Inbound() with { Fingerprint = Fingerprint.Of(BitConverter.GetBytes(i)) });
        TrustListing listing = _trust.List();
        Assert.Equal((true, "ok", 66), (listing.Healthy, listing.HealthText, listing.Records.Length));
        Assert.Equal(
            listing.Records.OrderBy(r => r.State).ThenBy(r => r.Peer, StringComparer.Ordinal).ThenBy(r => r.Fingerprint),
            listing.Records);
    }

    private TrustRecord Single() => Assert.Single(_trust.List().Records);

    private static void AssertVerdict(TrustOutcome outcome, TrustReason reason, string? peer, TrustVerdict verdict)
    {
        Assert.Equal((outcome, reason, peer, false), (verdict.Outcome, verdict.Reason, verdict.Peer, verdict.NeedsCommit));
        Assert.NotEmpty(verdict.Text);
    }

    /// <summary>A host that gives nothing: whatever the plugin asked for would fail the test.</summary>
    private sealed class NoContext : IPluginContext
    {
        public string Name => throw new NotSupportedException();

        public ILogger Logger => throw new NotSupportedException();

        public TimeProvider Time => throw new NotSupportedException();

        public Random Random => throw new NotSupportedException();

        public Meter Meter => throw new NotSupportedException();

        public IPluginSettings Settings => throw new NotSupportedException();

        public IPluginStore Store => throw new NotSupportedException();

        public CancellationToken Stopping => throw new NotSupportedException();
    }
}
