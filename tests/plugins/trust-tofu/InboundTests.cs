using System.Net;
using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Plugins.TrustTofu.Tests.Tofu;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

public sealed class InboundTests
{
    private readonly FakeContext _context = new();

    [Fact]
    public async Task Configured_fingerprint_is_accepted_as_its_peer()
    {
        TofuTrust trust = await StartedAsync(_context);
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n3", trust.Decide(A.Inbound(Peer("n2", B), Peer("n3", A))));
    }

    [Fact]
    public async Task Stored_pin_is_accepted_as_its_peer()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(A.Inbound(Peer("n3"), Peer("n2"))));
    }

    [Fact]
    public async Task Stored_pin_is_void_once_its_peer_has_another_configured_fingerprint_or_is_gone()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, trust.Decide(A.Inbound(Peer("n2", B))));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, trust.Decide(A.Inbound(Peer("n3"))));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n3", trust.Decide(A.Inbound(Peer("n2"), Peer("n3", A))));
    }

    [Fact]
    public async Task Stranger_is_never_trusted_on_first_use_but_listed()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustVerdict verdict = trust.Decide(A.Inbound(Peer("n2")));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, verdict);
        Assert.NotNull(await trust.CommitAsync(
            A.Inbound(Peer("n2")), verdict with { NeedsCommit = true, Peer = "n2" }, CancellationToken.None));
        Assert.Empty(_context.Files);

        TrustRecord record = Assert.Single(Records(trust, TrustState.Pending));
        Assert.Equal(
            new TrustRecord(TrustState.Pending, "", A.Id, A.Key, Now, Now, "inbound", "203.0.113.42:51820"), record);
    }

    [Fact]
    public async Task Answering_with_a_dialled_peer_in_the_request_is_still_inbound()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustRequest odd = A.Dialled(Peer("n2")) with { Role = ConnectionRole.Responder };
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, trust.Decide(odd));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null,
            trust.Decide(A.Inbound(Peer("n2")) with { Role = ConnectionRole.Initiator }));
    }

    [Fact]
    public async Task Strangers_list_is_bounded_and_the_longest_unseen_makes_room()
    {
        TofuTrust trust = await StartedAsync(_context);
        trust.Decide(B.Dialled(Peer("n2", A)));
        TrustRequest stranger = A.Inbound(Peer("n2"));
        for (int i = 0; i < 64; i++)
            trust.Decide(stranger with { Fingerprint = Numbered(i) });
        trust.Decide(stranger with { Fingerprint = Numbered(0), Now = Now.AddMinutes(1) });
        trust.Decide(stranger with { Fingerprint = Numbered(64) });

        TrustRecord[] pending = [.. Records(trust, TrustState.Pending)];
        Assert.Equal(64, pending.Length);
        TrustRecord again = Assert.Single(pending, record => record.Fingerprint == Numbered(0));
        Assert.Equal((Now, Now.AddMinutes(1)), (again.FirstSeen, again.LastSeen));
        Assert.DoesNotContain(pending, record => record.Fingerprint == Numbered(1));
        Assert.Single(Records(trust, TrustState.Conflict));
    }

    [Fact]
    public async Task Deciding_from_many_threads_loses_nothing()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        TrustRequest known = A.Inbound(Peer("n2"));
        TrustRequest stranger = B.Inbound(Peer("n2"));
        Parallel.For(0, 2_000, i =>
        {
            Assert.Equal(TrustReason.StoredPin, trust.Decide(known).Reason);
            Assert.Equal(TrustOutcome.Pending, trust.Decide(
                stranger with { Fingerprint = Numbered(i), Remote = new IPEndPoint(i, 1) }).Outcome);
            if (i % 100 == 0)
                Assert.InRange(trust.List().Records.Length, 1, 65);
        });
        Assert.Equal(64, Records(trust, TrustState.Pending).Length);
    }

    private static Fingerprint Numbered(int number)
    {
        byte[] bytes = new byte[Fingerprint.Length];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return new Fingerprint(bytes);
    }
}
