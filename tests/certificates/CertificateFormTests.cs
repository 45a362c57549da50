using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Certificates.Tests;

public sealed class CertificateFormTests
{
    // A certificate as the predecessor makes them; its fingerprint is 4f20be45…c30c578a.
    private const string Vector = """
        MIIBsDCCAVagAwIBAgIUfzUN78KZgcOXO1nB10cT0ic/su4wCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwSZmluZ2VycHJpbnQtdmVjdG9yMCAXDTI2MTEyMjE3MjEyOFoY
        DzIxMjYxMDI5MTcyMTI4WjAdMRswGQYDVQQDDBJmaW5nZXJwcmludC12ZWN0b3Iw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASubDucPdr0uslsZNuoY2k8qjbIu256
        4+NqFO2xMR9gQWCLKV+jLvk0aqaHcMznmgMXGZ4gnQh/fA0breZ+UrPlo3IwcDAd
        BgNVHQ4EFgQU41EfjSOrbRpUsvYEB2kTadc9W+MwHwYDVR0jBBgwFoAU41EfjSOr
        bRpUsvYEB2kTadc9W+MwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHSUEFjAUBggrBgEF
        BQcDAgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSAAwRQIgbpEeSI/wLISukuywLP/m
        Q0ZfjRdDcazbPlGkEhnkSvgCIQCsNprNedIxjAG0DBQ2j+A5zCGY1oZjuA4rY+Ya
        vdZ+5A==
        """;

    [Fact]
    public void P256_and_P384_are_accepted()
    {
        Assert.Null(CertificateForm.Fault(A.Der));
        Assert.Null(CertificateForm.Fault(Ec(ECCurve.NamedCurves.nistP384).Der));
        Assert.Null(CertificateForm.Fault(Convert.FromBase64String(Vector)));
    }

    [Fact]
    public void Other_keys_are_refused()
    {
        const string fault = "has a key other than P-256 or P-384";
        Assert.Equal(fault, CertificateForm.Fault(Ec(ECCurve.NamedCurves.nistP521).Der));
        using RSA rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=node", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Assert.Equal(fault, CertificateForm.Fault(Of(request).Der));
    }

    [Fact]
    public void Certificates_longer_than_4096_bytes_are_refused()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("1.2.3.4", new byte[4_000], critical: false));
        Assert.Equal("is longer than 4,096 bytes", CertificateForm.Fault(Of(request).Der));
    }

    [Fact]
    public void Every_truncation_and_a_byte_behind_the_end_are_refused()
    {
        for (int length = 0; length < A.Der.Length; length++)
            Assert.NotNull(CertificateForm.Fault(A.Der.AsSpan(0, length)));
        Assert.NotNull(CertificateForm.Fault([.. A.Der, 0]));
        Assert.NotNull(CertificateForm.Fault([.. A.Der, .. A.Der]));
    }

    [Fact]
    public void Random_and_mutated_bytes_are_judged_without_exception_or_allocation()
    {
        var random = new Random(1);
        byte[] bytes = new byte[CertificateForm.MaxBytes];
        _ = CertificateForm.Fault(A.Der);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 200_000; round++)
        {
            A.Der.CopyTo(bytes, 0);
            int length = random.Next(4) == 0 ? random.Next(bytes.Length) : A.Der.Length;
            for (int flips = random.Next(1, 8); flips > 0; flips--)
                bytes[random.Next(A.Der.Length)] = (byte)random.Next(256);
            if (random.Next(50) == 0)
                random.NextBytes(bytes);
            _ = CertificateForm.Fault(bytes.AsSpan(0, length));
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
