using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Plugins.TrustTofu.Tests.Tofu;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

public sealed class CertificateTests
{
    private readonly FakeContext _context = new();

    [Fact]
    public async Task Unacceptable_certificate_is_refused_even_when_pinned_and_not_listed()
    {
        TofuTrust trust = await StartedAsync(_context);
        Shown p521 = Ec(ECCurve.NamedCurves.nistP521);
        AssertVerdict(TrustOutcome.Refuse, TrustReason.UnacceptableCertificate, null, trust.Decide(p521.Dialled(Peer("n2", p521))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.UnacceptableCertificate, null, trust.Decide(p521.Inbound(Peer("n2"))));
        Assert.Empty(trust.List().Records);
    }

    [Fact]
    public async Task Validity_is_enforced_to_the_instant()
    {
        TofuTrust trust = await StartedAsync(_context);
        TrustRequest request = A.Dialled(Peer("n2", A));
        TrustReason At(DateTimeOffset now, bool trusted = true) =>
            trust.Decide(request with { Now = now, ClockTrusted = trusted }).Reason;

        Assert.Equal(TrustReason.ConfiguredPin, At(request.NotBefore));
        Assert.Equal(TrustReason.ConfiguredPin, At(request.NotAfter));
        Assert.Equal(TrustReason.OutsideValidity, At(request.NotBefore.AddTicks(-1)));
        Assert.Equal(TrustReason.OutsideValidity, At(request.NotAfter.AddTicks(1)));
        Assert.Equal(TrustReason.OutsideValidity, At(request.NotAfter.AddTicks(1), trusted: false));
        Assert.Equal(TrustReason.ConfiguredPin, At(request.NotBefore.AddTicks(-1), trusted: false));
    }
}
