using System.Net;
using System.Text;

namespace VibePN.Contracts.Tests;

public sealed class IpAddressTests
{
    [Theory]
    [InlineData("0.0.0.0", IpFamily.V4)]
    [InlineData("10.42.0.36", IpFamily.V4)]
    [InlineData("255.255.255.255", IpFamily.V4)]
    [InlineData("::", IpFamily.V6)]
    [InlineData("fd5a:1c3e:77::1", IpFamily.V6)]
    [InlineData("::ffff:10.42.0.36", IpFamily.V6)]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", IpFamily.V6)]
    public void Text_and_bytes_go_there_and_back(string text, IpFamily family)
    {
        IpAddress address = IpAddress.Parse(text);
        Assert.Equal(family, address.Family);
        Assert.Equal(text, address.ToString());
        byte[] bytes = new byte[16];
        int written = address.CopyTo(bytes);
        Assert.Equal(family == IpFamily.V4 ? 4 : 16, written);
        Assert.Equal(IPAddress.Parse(text).GetAddressBytes(), bytes[..written]);
        Assert.Equal(address, IpAddress.FromBytes(bytes.AsSpan(0, written)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("10")]
    [InlineData("10.1")]
    [InlineData("10.1.2")]
    [InlineData("167772161")]
    [InlineData("0x0a000001")]
    [InlineData("10.0.0.256")]
    [InlineData("10.0.0.1.2")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("[fd00::1]")]
    [InlineData("[fd00::1]:80")]
    [InlineData("fd00::1::2")]
    [InlineData("10.0.0.1/32")]
    [InlineData("node2.example")]
    public void What_is_no_address_is_refused(string? text)
    {
        Assert.False(IpAddress.TryParse(text, out IpAddress address));
        Assert.Equal(default, address);
        if (text is not null)
            Assert.Throws<FormatException>(() => IpAddress.Parse(text));
    }

    [Fact]
    public void Default_value_is_no_address()
    {
        IpAddress none = default;
        Assert.Equal(IpFamily.None, none.Family);
        Assert.Equal((0, 0), (none.BitLength, none.ByteLength));
        Assert.Equal(0, none.CopyTo([]));
        Assert.Equal("none", none.ToString());
        Assert.NotEqual(IpAddress.Parse("0.0.0.0"), none);
        Assert.NotEqual(IpAddress.Parse("0.0.0.0"), IpAddress.Parse("::"));
    }

    [Fact]
    public void Order_is_by_family_then_number()
    {
        IpAddress[] ordered =
        [
            default, IpAddress.Parse("0.0.0.0"), IpAddress.Parse("9.255.255.255"), IpAddress.Parse("10.0.0.0"),
            IpAddress.Parse("255.255.255.255"), IpAddress.Parse("::"), IpAddress.Parse("::1"), IpAddress.Parse("fd00::"),
        ];
        for (int i = 0; i < ordered.Length; i++)
        {
            for (int j = 0; j < ordered.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), Math.Sign(ordered[i].CompareTo(ordered[j])));
                Assert.Equal(i < j, ordered[i] < ordered[j]);
                Assert.Equal(i >= j, ordered[i] >= ordered[j]);
                Assert.Equal(i == j, ordered[i] == ordered[j]);
                Assert.Equal(i == j, ordered[i].Equals((object)ordered[j]));
            }
        }
    }

    [Fact]
    public void Only_4_or_16_bytes_make_an_address()
    {
        for (int length = 0; length <= 20; length++)
        {
            byte[] bytes = new byte[length];
            if (length is 4 or 16)
                Assert.Equal(length, IpAddress.FromBytes(bytes).ByteLength);
            else
                Assert.Throws<ArgumentException>(() => IpAddress.FromBytes(bytes));
        }
    }

    [Fact]
    public void Random_text_never_throws_and_what_parses_prints_to_the_same_address()
    {
        var random = new Random(1);
        const string alphabet = "0123456789abcdefx.:%[]/ ";
        int parsed = 0;
        for (int round = 0; round < 200_000; round++)
        {
            var text = new StringBuilder(random.Next(2) == 0 ? "10.1.2." : "fd00::");
            for (int i = random.Next(12); i > 0; i--)
                text.Append(alphabet[random.Next(alphabet.Length)]);
            if (!IpAddress.TryParse(text.ToString(), out IpAddress address))
                continue;
            parsed++;
            Assert.Equal(address, IpAddress.Parse(address.ToString()));
        }
        Assert.InRange(parsed, 1_000, 200_000);
    }
}
