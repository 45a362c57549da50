using System.Security.Cryptography;

namespace VibePN.Contracts.Tests;

public sealed class FingerprintTests
{
    private const string Text = "4f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578a";

    // The certificate whose fingerprint is Text; the predecessor computes the same.
    private const string Certificate = """
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
    public void Identity_is_the_hash_of_the_whole_certificate() =>
        Assert.Equal(Text, Fingerprint.Of(Convert.FromBase64String(Certificate)).ToString());

    [Fact]
    public void Text_is_read_in_either_case_and_written_in_lower()
    {
        Assert.Equal(Fingerprint.Parse(Text), Fingerprint.Parse(Text.ToUpperInvariant()));
        Assert.Equal(Text, Fingerprint.Parse(Text.ToUpperInvariant()).ToString());
        Assert.Equal("4f20be458a9d", Fingerprint.Parse(Text).ToShortString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("4f20be45")]
    [InlineData("4f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578")]
    [InlineData("4f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578a0")]
    [InlineData("4f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578g")]
    [InlineData(" f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578a")]
    public void What_is_not_64_digits_is_refused(string? text)
    {
        Assert.False(Fingerprint.TryParse(text, out Fingerprint value));
        Assert.True(value.IsEmpty);
        if (text is not null)
            Assert.Throws<FormatException>(() => Fingerprint.Parse(text));
    }

    [Fact]
    public void Only_32_bytes_make_a_fingerprint()
    {
        for (int length = 0; length <= 40; length++)
        {
            byte[] bytes = new byte[length];
            if (length == Fingerprint.Length)
                Assert.True(new Fingerprint(bytes).IsEmpty);
            else
                Assert.Throws<ArgumentException>(() => new Fingerprint(bytes));
        }
    }

    [Fact]
    public void Order_equality_and_hash_agree_with_the_bytes()
    {
        var random = new Random(1);
        byte[] a = new byte[Fingerprint.Length], b = new byte[Fingerprint.Length], copy = new byte[Fingerprint.Length];
        for (int round = 0; round < 20_000; round++)
        {
            random.NextBytes(a);
            a.CopyTo(b, 0);
            if (round % 3 != 0)
                b[random.Next(b.Length)] = (byte)random.Next(256);
            var one = new Fingerprint(a);
            var other = new Fingerprint(b);
            int expected = a.AsSpan().SequenceCompareTo(b);
            Assert.Equal(Math.Sign(expected), Math.Sign(one.CompareTo(other)));
            Assert.Equal(expected == 0, one == other);
            Assert.Equal(expected < 0, one < other);
            Assert.Equal(expected > 0, one > other);
            if (expected == 0)
                Assert.Equal(one.GetHashCode(), other.GetHashCode());
            one.CopyTo(copy);
            Assert.Equal(a, copy);
        }
    }

    [Fact]
    public void Every_bit_counts()
    {
        byte[] bytes = SHA256.HashData([]);
        var original = new Fingerprint(bytes);
        for (int bit = 0; bit < 256; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(original, new Fingerprint(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
