using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Trust;

/// <summary>What the gate itself refuses, however friendly the trust plugin is.</summary>
public sealed class TrustGateTests
{
    private static readonly IPEndPoint Remote = new(IPAddress.Loopback, 51820);
    private static readonly byte[] Own = Certificate("own");
    private static readonly byte[] Alice = Certificate("alice");
    private static readonly byte[] Bob = Certificate("bob");

    private readonly FakeTrust _trust = new();

    [Fact]
    public void A_certificate_that_every_plugin_takes_for_the_dialled_peer_is_accepted()
    {
        TrustGate gate = Gate([_trust, new FakeTrust()]);
        gate.OnDial(1, "alice");
        Assert.True(Ask(gate, Alice, dialId: 1).Accepted);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        Assert.Equal("alice", admission.PeerName);
    }

    [Fact]
    public void A_certificate_that_waits_for_the_operator_is_refused_and_told_of()
    {
        List<string> told = [];
        TrustGate gate = Gate([_trust]);
        gate.PendingSeen = told.Add;
        Assert.True(Ask(gate, Alice).Accepted);
        _trust.Outcome = TrustOutcome.Pending;
        Assert.False(Ask(gate, Bob).Accepted);
        _trust.Outcome = TrustOutcome.Refuse;
        Assert.False(Ask(gate, Bob).Accepted);
        Assert.Equal(["fake"], told);
    }

    [Fact]
    public void Our_own_certificate_is_refused() =>
        Assert.Equal(TrustReason.OwnCertificate, Ask(Gate([_trust]), Own).Reason);

    [Fact]
    public void A_peer_that_the_configuration_does_not_know_is_refused()
    {
        _trust.Peer = "mallory";
        Assert.Equal(TrustReason.Unknown, Ask(Gate([_trust]), Alice).Reason);
    }

    [Fact]
    public void A_configured_fingerprint_binds_even_when_the_plugin_does_not_care()
    {
        TrustGate gate = Gate([_trust], alicePin: Fingerprint.Of(Alice));
        Assert.True(Ask(gate, Alice).Accepted);
        Assert.Equal(TrustReason.Conflict, Ask(gate, Bob).Reason);
    }

    [Fact]
    public void Another_peer_than_the_dialled_one_is_refused()
    {
        TrustGate gate = Gate([_trust]);
        gate.OnDial(1, "bob");
        Assert.Equal(TrustReason.WrongPeer, Ask(gate, Alice, dialId: 1).Reason);
    }

    [Fact]
    public void A_dial_that_nobody_made_is_refused() =>
        Assert.False(Ask(Gate([_trust]), Alice, dialId: 77).Accepted);

    [Fact]
    public void All_plugins_must_accept_and_agree()
    {
        Assert.False(Ask(Gate([_trust, new FakeTrust { Outcome = TrustOutcome.Refuse }]), Alice).Accepted);
        Assert.False(Ask(Gate([_trust, new FakeTrust { Outcome = TrustOutcome.Pending }]), Alice).Accepted);
        Assert.Equal(TrustReason.WrongPeer, Ask(Gate([_trust, new FakeTrust { Peer = "bob" }]), Alice).Reason);
    }

    [Fact]
    public void A_plugin_that_throws_refuses()
    {
        _trust.Throws = true;
        Assert.Equal(TrustReason.PluginFault, Ask(Gate([_trust]), Alice).Reason);
    }

    [Fact]
    public void Anything_but_one_readable_certificate_is_refused()
    {
        TrustGate gate = Gate([_trust]);
        Assert.False(Ask(gate, Alice, count: 0).Accepted);
        Assert.False(Ask(gate, Alice, count: 2).Accepted);
        Assert.False(Ask(gate, []).Accepted);
        Assert.False(Ask(gate, new byte[TrustGate.MaxCertificateBytes + 1]).Accepted);
        Assert.False(Ask(gate, [.. Alice, 0]).Accepted);
        var random = new Random(1);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] mutated = [.. Alice];
            mutated[random.Next(mutated.Length)] ^= (byte)(1 << random.Next(8));
            HandshakeVerdict verdict = Ask(gate, mutated);
            Assert.True(verdict.Peer != Fingerprint.Of(Alice));
        }
    }

    [Fact]
    public void A_verdict_that_changes_ends_the_admission()
    {
        TrustGate gate = Gate([_trust]);
        Assert.True(Ask(gate, Alice).Accepted);
        Assert.Null(gate.JudgeAgain(Fingerprint.Of(Alice)));
        _trust.Outcome = TrustOutcome.Refuse;
        Assert.NotNull(gate.JudgeAgain(Fingerprint.Of(Alice)));
        Assert.False(gate.TryGetAdmission(Fingerprint.Of(Alice), out _));
    }

    [Fact]
    public async Task A_commit_that_fails_or_throws_is_a_reason_to_close()
    {
        _trust.NeedsCommit = true;
        TrustGate gate = Gate([_trust]);
        Ask(gate, Alice);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        Assert.True(admission.NeedsCommit);
        Assert.Null(await gate.CommitAsync(admission, TestContext.Current.CancellationToken));
        _trust.CommitFault = "disk full";
        Assert.Equal("disk full", await gate.CommitAsync(admission, TestContext.Current.CancellationToken));
        _trust.Throws = true;
        Assert.Contains("failed", await gate.CommitAsync(admission, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_plugins_decide_from_the_swap_on()
    {
        TrustGate gate = Gate([_trust]);
        gate.SetPlugins([new FakeTrust { Outcome = TrustOutcome.Refuse }]);
        Assert.False(Ask(gate, Alice).Accepted);
        gate.SetPlugins([_trust, new FakeTrust()]);
        Assert.True(Ask(gate, Alice).Accepted);
        Assert.Throws<ArgumentOutOfRangeException>(() => gate.SetPlugins([]));
    }

    [Fact]
    public void Sessions_that_the_new_plugins_accept_stay_and_the_others_end()
    {
        TrustGate gate = Gate([_trust]);
        Ask(gate, Alice);
        gate.SetPlugins([new FakeTrust(), new FakeTrust()]);
        Assert.Null(gate.JudgeAgain(Fingerprint.Of(Alice)));
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        Assert.Equal(2, admission.Verdicts.Length);
        gate.SetPlugins([new FakeTrust { Outcome = TrustOutcome.Refuse }]);
        Assert.NotNull(gate.JudgeAgain(Fingerprint.Of(Alice)));
        Assert.False(gate.TryGetAdmission(Fingerprint.Of(Alice), out _));
    }

    [Fact]
    public void A_session_that_the_new_plugins_would_have_to_make_durable_first_is_dialled_anew()
    {
        TrustGate gate = Gate([_trust]);
        Ask(gate, Alice);
        Assert.Contains("made anew", gate.Preview(Fingerprint.Of(Alice), [new FakeTrust { NeedsCommit = true }]), StringComparison.Ordinal);
        Assert.Null(gate.JudgeAgain(Fingerprint.Of(Alice))); // a preview changes nothing
        gate.SetPlugins([new FakeTrust { NeedsCommit = true }]);
        Assert.Contains("made anew", gate.JudgeAgain(Fingerprint.Of(Alice)), StringComparison.Ordinal);
        Assert.True(Ask(gate, Alice).Accepted);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        Assert.True(admission.NeedsCommit);
        Assert.Null(gate.JudgeAgain(Fingerprint.Of(Alice)));
    }

    [Fact]
    public async Task A_commit_after_the_swap_is_one_of_the_new_plugins()
    {
        _trust.NeedsCommit = true;
        _trust.CommitFault = "the old plugin is not asked any more";
        TrustGate gate = Gate([_trust]);
        Ask(gate, Alice);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        var second = new FakeTrust { NeedsCommit = true };
        gate.SetPlugins([new FakeTrust(), second]);
        Assert.Null(await gate.CommitAsync(admission, TestContext.Current.CancellationToken));
        Assert.Equal(1, second.Commits);
        gate.SetPlugins([new FakeTrust { Outcome = TrustOutcome.Refuse }]);
        Assert.Equal("fake", await gate.CommitAsync(admission, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Plugins_are_swapped_while_many_are_judged()
    {
        TrustGate gate = Gate([_trust]);
        ImmutableArray<ITrustPlugin> one = [new FakeTrust()];
        ImmutableArray<ITrustPlugin> three = [new FakeTrust(), new FakeTrust(), new FakeTrust()];
        Parallel.For(0, 2_000, i =>
        {
            if (i % 10 == 0)
                gate.SetPlugins(i % 20 == 0 ? one : three);
            Assert.True(Ask(gate, Alice).Accepted);
            Assert.Null(gate.JudgeAgain(Fingerprint.Of(Alice)));
            Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
            Assert.Equal(admission.Model.Plugins.Length, admission.Verdicts.Length);
        });
    }

    [Fact]
    public void Admissions_are_bounded_however_many_certificates_a_peer_shows()
    {
        TrustGate gate = Gate([_trust]);
        byte[][] shown = [.. Enumerable.Range(0, 3 * AdmissionTable.MaxEach).Select(i => Certificate($"alice{i}"))];
        foreach (byte[] certificate in shown)
            Assert.True(Ask(gate, certificate).Accepted);
        Assert.Equal(4, gate.Admissions);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(shown[^1]), out _));
        Assert.False(gate.TryGetAdmission(Fingerprint.Of(shown[0]), out _));
        gate.SetPeers([new PeerConfiguration { Name = "bob", Addresses = ["bob:1"] }]);
        Assert.Equal(0, gate.Admissions);
    }

    [Fact]
    public void A_certificate_that_becomes_another_peers_is_remembered_once()
    {
        TrustGate gate = Gate([_trust]);
        Ask(gate, Alice);
        _trust.Peer = "bob";
        Ask(gate, Alice);
        Assert.Equal(1, gate.Admissions);
        Assert.True(gate.TryGetAdmission(Fingerprint.Of(Alice), out Admission admission));
        Assert.Equal("bob", admission.PeerName);
    }

    private static TrustGate Gate(ImmutableArray<ITrustPlugin> plugins, Fingerprint? alicePin = null) => new(
        Fingerprint.Of(Own), plugins, TimeProvider.System, NullLogger.Instance,
        [
            new PeerConfiguration { Name = "alice", Addresses = ["alice:1"], Fingerprint = alicePin },
            new PeerConfiguration { Name = "bob", Addresses = ["bob:1"] },
        ]);

    private static HandshakeVerdict Ask(TrustGate gate, byte[] der, long dialId = 0, int count = 1) => gate.Judge(
        new HandshakeQuestion(
            dialId == 0 ? ConnectionRole.Responder : ConnectionRole.Initiator, dialId, der, count, "vibepn/1", Remote));

    private static byte[] Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.RawData;
    }

    private sealed class FakeTrust : ITrustPlugin
    {
        public TrustOutcome Outcome { get; set; } = TrustOutcome.Accept;

        public string Peer { get; set; } = "alice";

        public bool NeedsCommit { get; set; }

        public string? CommitFault { get; set; }

        public int Commits { get; private set; }

        public bool Throws { get; set; }

        public event Action? Changed;

        public TrustVerdict Decide(TrustRequest request) => Throws
            ? throw new InvalidOperationException("broken")
            : new TrustVerdict(Outcome, Peer, TrustReason.StoredPin, "fake", NeedsCommit: NeedsCommit);

        public ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken)
        {
            Commits++;
            return Throws ? throw new InvalidOperationException("broken") : ValueTask.FromResult(CommitFault);
        }

        public TrustListing List() => new(true, "ok", []);

        public ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken)
        {
            Changed?.Invoke();
            return ValueTask.FromResult(new TrustResult(true, ""));
        }

        public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
