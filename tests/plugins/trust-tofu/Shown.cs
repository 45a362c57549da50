using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu.Tests;

/// <summary>A certificate as a peer shows it, and short ways to ask about it.</summary>
internal sealed class Shown
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static readonly Shown A = P256();
    public static readonly Shown B = P256();
    public static readonly Shown C = P256();

    private Shown(byte[] der)
    {
        Der = der;
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
        Id = Fingerprint.Of(der);
        Key = Fingerprint.Of(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    public byte[] Der { get; }

    public Fingerprint Id { get; }

    public Fingerprint Key { get; }

    public static Shown P256() => Ec(ECCurve.NamedCurves.nistP256);

    public static Shown Ec(ECCurve curve)
    {
        using ECDsa key = ECDsa.Create(curve);
        return Of(new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256));
    }

    public static Shown Of(CertificateRequest request)
    {
        using X509Certificate2 certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        return new Shown(certificate.RawData);
    }

    public static ConfiguredPeer Peer(string name, Shown? pinned = null) => new(name, pinned?.Id, Dialable: true);

    /// <summary>The peer dials us.</summary>
    public TrustRequest Inbound(params ConfiguredPeer[] peers) => new()
    {
        Fingerprint = Id,
        PublicKey = Key,
        CertificateDer = Der,
        NotBefore = Now.AddDays(-1),
        NotAfter = Now.AddDays(1),
        Role = ConnectionRole.Responder,
        Peers = [.. peers],
        Protocol = "vibepn/1",
        Remote = new IPEndPoint(IPAddress.Parse("203.0.113.42"), 51820),
        Now = Now,
    };

    /// <summary>We dialled the first of the peers.</summary>
    public TrustRequest Dialled(params ConfiguredPeer[] peers) =>
        Inbound(peers) with { Role = ConnectionRole.Initiator, Dialled = peers[0] };

    public static async Task<TofuTrust> StartedAsync(FakeContext context)
    {
        var trust = new TofuTrust(context);
        await trust.StartAsync(CancellationToken.None);
        return trust;
    }

    /// <summary>A started plugin that has pinned the certificates on first use.</summary>
    public static async Task<TofuTrust> PinnedAsync(FakeContext context, params (string Peer, Shown Certificate)[] pins)
    {
        TofuTrust trust = await StartedAsync(context);
        foreach ((string peer, Shown certificate) in pins)
            Assert.Null(await CommitAsync(trust, certificate.Dialled(Peer(peer))));
        return trust;
    }

    public static async Task<string?> CommitAsync(TofuTrust trust, TrustRequest request)
    {
        TrustVerdict verdict = trust.Decide(request);
        Assert.True(verdict.NeedsCommit, verdict.Text);
        return await trust.CommitAsync(request, verdict, CancellationToken.None);
    }

    public static void AssertVerdict(TrustOutcome outcome, TrustReason reason, string? peer, TrustVerdict verdict)
    {
        Assert.Equal((outcome, reason, peer), (verdict.Outcome, verdict.Reason, verdict.Peer));
        Assert.NotEmpty(verdict.Text);
        Assert.Equal(reason == TrustReason.FirstUse, verdict.NeedsCommit);
    }

    public static ImmutableArray<TrustRecord> Records(TofuTrust trust, TrustState state) =>
        [.. trust.List().Records.Where(record => record.State == state)];
}
