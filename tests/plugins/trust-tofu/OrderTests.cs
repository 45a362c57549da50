using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Plugins.TrustTofu.Tests.Tofu;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

public sealed class OrderTests
{
    private readonly FakeContext _context = new();

    [Fact]
    public async Task Accepting_a_pending_certificate_pins_it_and_takes_it_off_the_list()
    {
        TofuTrust trust = await StartedAsync(_context);
        trust.Decide(A.Inbound(Peer("n2")));
        Assert.True((await ApplyAsync(trust, TrustAction.Accept, "n2", A.Id)).Done);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(A.Inbound(Peer("n2"))));
        Assert.Equal(
            new TrustRecord(TrustState.Pinned, "n2", A.Id, A.Key, Now, Now, "operator", ""), Assert.Single(trust.List().Records));
    }

    [Fact]
    public async Task Accepting_needs_a_peer_without_another_pin_and_a_certificate_of_no_other_peer()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, "n2", B.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, "n3", A.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, null, B.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, "n3", default)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, new string('x', 129), B.Id)).Done);
        Assert.True((await ApplyAsync(trust, TrustAction.Accept, "n2", A.Id)).Done);
        Assert.Single(Records(trust, TrustState.Pinned));
    }

    [Fact]
    public async Task Replacing_needs_both_fingerprints()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        Assert.False((await ApplyAsync(trust, TrustAction.Replace, "n2", B.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Replace, "n2", B.Id, C.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Replace, "n3", B.Id, A.Id)).Done);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(A.Dialled(Peer("n2"))));

        Assert.True((await ApplyAsync(trust, TrustAction.Replace, "n2", B.Id, A.Id)).Done);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(B.Dialled(Peer("n2"))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Conflict, null, trust.Decide(A.Dialled(Peer("n2"))));
    }

    [Fact]
    public async Task Denied_certificate_is_refused_even_when_configured()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        Assert.True((await ApplyAsync(trust, TrustAction.Deny, null, A.Id)).Done);
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(A.Dialled(Peer("n2"))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(A.Dialled(Peer("n2", A))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(A.Inbound(Peer("n2"))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null,
            (await StartedAsync(_context)).Decide(A.Inbound(Peer("n2", A))));
    }

    [Fact]
    public async Task Another_certificate_over_a_denied_certificates_key_is_refused_too()
    {
        TofuTrust trust = await StartedAsync(_context);
        trust.Decide(A.Inbound());
        Assert.True((await ApplyAsync(trust, TrustAction.Deny, null, A.Id)).Done);
        TrustRequest reissued = B.Inbound(Peer("n2", B)) with { PublicKey = A.Key };
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(reissued));
    }

    [Fact]
    public async Task Public_key_can_be_denied_directly()
    {
        TofuTrust trust = await StartedAsync(_context);
        Assert.True((await ApplyAsync(trust, TrustAction.Deny, null, A.Key)).Done);
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(A.Inbound(Peer("n2", A))));
        Assert.False((await ApplyAsync(trust, TrustAction.Deny, null, default)).Done);
    }

    [Fact]
    public async Task Denied_certificate_cannot_be_accepted_until_the_denial_is_forgotten()
    {
        TofuTrust trust = await StartedAsync(_context);
        await ApplyAsync(trust, TrustAction.Deny, null, A.Id);
        Assert.False((await ApplyAsync(trust, TrustAction.Accept, "n2", A.Id)).Done);
        Assert.True((await ApplyAsync(trust, TrustAction.Forget, null, A.Id)).Done);
        Assert.True((await ApplyAsync(trust, TrustAction.Accept, "n2", A.Id)).Done);
    }

    [Fact]
    public async Task Forgetting_works_by_peer_and_by_fingerprint()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A), ("n3", B));
        Assert.False((await ApplyAsync(trust, TrustAction.Forget, null, default)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Forget, "n2", B.Id)).Done);
        Assert.True((await ApplyAsync(trust, TrustAction.Forget, "n2", default)).Done);
        Assert.True((await ApplyAsync(trust, TrustAction.Forget, null, B.Id)).Done);
        Assert.False((await ApplyAsync(trust, TrustAction.Forget, "n2", default)).Done);
        Assert.Empty(trust.List().Records);
    }

    [Fact]
    public async Task Pending_certificate_can_be_taken_off_the_list()
    {
        TofuTrust trust = await StartedAsync(_context);
        trust.Decide(A.Inbound());
        Assert.True((await ApplyAsync(trust, TrustAction.Forget, null, A.Id)).Done);
        Assert.Empty(trust.List().Records);
        Assert.Empty(_context.Files);
    }

    [Fact]
    public async Task Every_change_is_told_and_refusals_are_not()
    {
        TofuTrust trust = await StartedAsync(_context);
        int changes = 0;
        trust.Changed += () => changes++;
        await ApplyAsync(trust, TrustAction.Accept, "n2", A.Id);
        await ApplyAsync(trust, TrustAction.Replace, "n2", B.Id, A.Id);
        await ApplyAsync(trust, TrustAction.Deny, null, C.Id);
        await ApplyAsync(trust, TrustAction.Forget, null, C.Id);
        Assert.Equal(4, changes);
        await ApplyAsync(trust, TrustAction.Forget, null, C.Id);
        await ApplyAsync(trust, (TrustAction)99, null, C.Id);
        Assert.Equal(4, changes);
        Assert.Equal(4, _context.Lines.Count(line => line.StartsWith("Warning: audit:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Listing_is_sorted_by_state_then_name_then_fingerprint()
    {
        TofuTrust trust = await PinnedAsync(_context, ("b", A), ("a", B));
        await ApplyAsync(trust, TrustAction.Deny, null, C.Id);
        trust.Decide(P256().Inbound());
        trust.Decide(P256().Dialled(Peer("a")));
        TrustListing listing = trust.List();
        Assert.True(listing.Healthy);
        Assert.Equal("ok", listing.HealthText);
        Assert.Equal(
            ["Pinned a", "Pinned b", "Pending ", "Conflict a", "Denied "],
            listing.Records.Select(record => $"{record.State} {record.Peer}"));
    }

    [Fact]
    public async Task A_plan_says_what_an_order_would_do_and_changes_nothing()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        trust.Decide(C.Inbound());
        byte[] before = _context.Files[PinStore.FileName];
        foreach ((TrustOrder order, bool would) in new[]
        {
            (new TrustOrder(TrustAction.Accept, "n3", B.Id), true),
            (new TrustOrder(TrustAction.Accept, "n2", B.Id), false),
            (new TrustOrder(TrustAction.Replace, "n2", B.Id, A.Id), true),
            (new TrustOrder(TrustAction.Deny, null, A.Id), true),
            (new TrustOrder(TrustAction.Forget, "n2", default), true),
            (new TrustOrder(TrustAction.Forget, null, C.Id), true),
            (new TrustOrder(TrustAction.Forget, null, B.Id), false),
        })
        {
            TrustResult plan = trust.Plan(order);
            Assert.Equal((order, would), (order, plan.Done));
            Assert.NotEmpty(plan.Text);
        }
        Assert.Same(before, _context.Files[PinStore.FileName]);
        Assert.Equal(["Pinned n2", "Pending "], trust.List().Records.Select(record => $"{record.State} {record.Peer}"));
    }

    [Fact]
    public async Task A_compared_certificate_is_verified_with_the_pin_that_it_has_or_a_new_one()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        Assert.True((await ApplyAsync(trust, TrustAction.Verify, "n2", A.Id)).Done);
        Assert.Equal(("verified", A.Key), (Assert.Single(trust.List().Records).How, trust.List().Records[0].PublicKey));
        Assert.False((await ApplyAsync(trust, TrustAction.Verify, "n2", B.Id)).Done); // no way around a replacement
        Assert.True((await ApplyAsync(trust, TrustAction.Verify, "n3", C.Id)).Done); // pinned in the configuration until now
        await ApplyAsync(trust, TrustAction.Deny, null, B.Id);
        Assert.False((await ApplyAsync(trust, TrustAction.Verify, "n4", B.Id)).Done);
        Assert.Equal(["verified", "verified"], Records(await StartedAsync(_context), TrustState.Pinned).Select(record => record.How));
    }

    [Fact]
    public async Task A_denial_takes_the_key_that_the_node_has_seen()
    {
        TofuTrust trust = await StartedAsync(_context);
        var order = new TrustOrder(TrustAction.Deny, null, A.Id) { PublicKey = A.Key };
        Assert.True((await trust.ApplyAsync(order, CancellationToken.None)).Done);
        AssertVerdict(TrustOutcome.Refuse, TrustReason.Denied, null, trust.Decide(B.Inbound(Peer("n2", B)) with { PublicKey = A.Key }));
    }

    private static async Task<TrustResult> ApplyAsync(
        TofuTrust trust, TrustAction action, string? peer, Fingerprint fingerprint, Fingerprint? previous = null)
    {
        TrustResult result = await trust.ApplyAsync(new TrustOrder(action, peer, fingerprint, previous), CancellationToken.None);
        Assert.NotEmpty(result.Text);
        return result;
    }
}
