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

        public bool Throws { get; set; }

        public event Action? Changed;

        public TrustVerdict Decide(TrustRequest request) => Throws
            ? throw new InvalidOperationException("broken")
            : new TrustVerdict(Outcome, Peer, TrustReason.StoredPin, "fake", NeedsCommit: NeedsCommit);

        public ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken) =>
            Throws ? throw new InvalidOperationException("broken") : ValueTask.FromResult(CommitFault);

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
