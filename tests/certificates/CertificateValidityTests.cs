using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Certificates.Tests;

public sealed class CertificateValidityTests
{
    private static readonly TrustRequest Request = Shown.A.Inbound();

    [Fact]
    public void Validity_is_enforced_to_the_instant()
    {
        Assert.Null(At(Request.NotBefore));
        Assert.Null(At(Request.NotAfter));
        Assert.Equal(
            $"Certificate {Shown.A.Id} is valid from 2026-11-21 12:00:00Z to 2026-11-23 12:00:00Z; it is 2026-11-21 11:59:59Z.",
            At(Request.NotBefore.AddTicks(-1)));
        Assert.NotNull(At(Request.NotAfter.AddTicks(1)));
    }

    [Fact]
    public void Clock_that_is_not_trusted_begins_no_certificate_but_ends_it()
    {
        Assert.Null(At(Request.NotBefore.AddYears(-10), clockTrusted: false));
        Assert.NotNull(At(Request.NotAfter.AddTicks(1), clockTrusted: false));
    }

    private static string? At(DateTimeOffset now, bool clockTrusted = true) =>
        CertificateValidity.Fault(Request with { Now = now, ClockTrusted = clockTrusted });
}
