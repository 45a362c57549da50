using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Certificates.Tests;

public sealed class StrangersTests
{
    private static readonly TrustVerdict Pending = new(TrustOutcome.Pending, null, TrustReason.Unknown, "");
    private static readonly TrustVerdict Conflict = new(TrustOutcome.Refuse, null, TrustReason.Conflict, "");
    private static readonly TrustVerdict Wrong = new(TrustOutcome.Refuse, null, TrustReason.WrongPeer, "");

    private readonly Strangers _strangers = new();

    [Fact]
    public void Only_what_an_operator_should_see_is_listed()
    {
        _strangers.Note(A.Inbound(), new TrustVerdict(TrustOutcome.Accept, "n2", TrustReason.ConfiguredPin, ""));
        _strangers.Note(A.Inbound(), new TrustVerdict(TrustOutcome.Refuse, null, TrustReason.Denied, ""));
        Assert.Empty(_strangers.Snapshot());
        _strangers.Note(A.Inbound(), Pending);
        _strangers.Note(B.Dialled(Peer("n2", A)), Conflict);
        _strangers.Note(C.Dialled(Peer("n2", A)), Wrong);
        Assert.Equal(
            [(TrustState.Pending, "", A.Id), (TrustState.Conflict, "n2", B.Id), (TrustState.Conflict, "n2", C.Id)],
            _strangers.Snapshot().Select(record => (record.State, record.Peer, record.Fingerprint)));
        Assert.Equal(A.Key, _strangers.KeyOf(A.Id));
        Assert.True(_strangers.KeyOf(P256().Id).IsEmpty);
    }

    [Fact]
    public void Judging_again_what_nobody_shows_lists_nothing_and_still_settles_what_is_listed()
    {
        _strangers.Note(B.Dialled(Peer("n2", A)) with { IsReview = true }, Conflict);
        _strangers.Note(A.Inbound() with { IsReview = true }, Pending);
        Assert.Empty(_strangers.Snapshot());
        _strangers.Note(A.Inbound(), Pending);
        _strangers.Note(A.Inbound() with { IsReview = true }, new TrustVerdict(TrustOutcome.Accept, "n2", TrustReason.ConfiguredPin, ""));
        Assert.Empty(_strangers.Snapshot());
    }

    [Fact]
    public void Both_lists_are_bounded_and_strangers_push_out_no_conflict()
    {
        _strangers.Note(B.Dialled(Peer("n2", A)), Conflict);
        for (int i = 0; i < 1_000; i++)
        {
            _strangers.Note(A.Inbound() with { Fingerprint = Numbered(i) }, Pending);
            if (i % 50 == 0)
                _strangers.Note(A.Inbound() with { Fingerprint = Numbered(0) }, Pending); // shown again and again: stays
        }
        TrustRecord[] records = _strangers.Snapshot();
        Assert.Equal(Strangers.Capacity + 1, records.Length);
        Assert.Contains(records, record => record.State == TrustState.Conflict);
        Assert.Contains(records, record => record.Fingerprint == Numbered(0));
        Assert.Contains(records, record => record.Fingerprint == Numbered(999));
        Assert.DoesNotContain(records, record => record.Fingerprint == Numbered(900));
    }

    [Fact]
    public void Forgetting_takes_a_certificate_off_both_lists()
    {
        _strangers.Note(A.Inbound(), Pending);
        _strangers.Note(A.Dialled(Peer("n2", B)), Conflict);
        _strangers.Note(C.Inbound(), Pending);
        Assert.Equal(2, _strangers.Forget(A.Id));
        Assert.Equal(0, _strangers.Forget(A.Id));
        Assert.Equal(C.Id, Assert.Single(_strangers.Snapshot()).Fingerprint);
    }

    [Fact]
    public void A_certificate_that_is_accepted_is_a_stranger_no_more_but_for_what_it_did_in_anothers_place()
    {
        _strangers.Note(A.Inbound(), Pending);
        _strangers.Note(A.Dialled(Peer("n2", B)), Conflict);
        _strangers.Note(A.Dialled(Peer("n3", C)), Wrong);
        _strangers.Note(A.Inbound(), new TrustVerdict(TrustOutcome.Accept, "n2", TrustReason.ConfiguredPin, ""));
        Assert.Equal("n3", Assert.Single(_strangers.Snapshot()).Peer);
        Assert.True(_strangers.Has(A.Id));
        Assert.False(_strangers.Has(B.Id));
    }

    private static Fingerprint Numbered(int number)
    {
        byte[] bytes = new byte[Fingerprint.Length];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return new Fingerprint(bytes);
    }
}
