namespace VibePN.Contracts.Tests;

public sealed class IpPrefixTests
{
    [Theory]
    [InlineData("10.42.0.0/24", "10.42.0.0/24", "10.42.0.255", false)]
    [InlineData("10.42.0.99/24", "10.42.0.0/24", "10.42.0.255", true)]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", "255.255.255.255", false)]
    [InlineData("128.0.0.1/0", "0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("10.42.0.36/32", "10.42.0.36/32", "10.42.0.36", false)]
    [InlineData("fd5a:1c3e:77::/64", "fd5a:1c3e:77::/64", "fd5a:1c3e:77:0:ffff:ffff:ffff:ffff", false)]
    [InlineData("fd5a:1c3e:77::1/64", "fd5a:1c3e:77::/64", "fd5a:1c3e:77:0:ffff:ffff:ffff:ffff", true)]
    [InlineData("::/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false)]
    [InlineData("::1/128", "::1/128", "::1", false)]
    public void Text_becomes_the_canonical_block(string text, string canonical, string last, bool hostBits)
    {
        Assert.True(IpPrefix.TryParse(text, out IpPrefix prefix, out bool hadHostBits));
        Assert.Equal(canonical, prefix.ToString());
        Assert.Equal(last, prefix.Last.ToString());
        Assert.Equal(hostBits, hadHostBits);
        Assert.Equal(IpPrefix.Parse(canonical), prefix);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("10.42.0.0")]
    [InlineData("10.42.0.0/")]
    [InlineData("/24")]
    [InlineData("10.42.0.0/33")]
    [InlineData("10.42.0.0/-1")]
    [InlineData("10.42.0.0/+8")]
    [InlineData("10.42.0.0/ 8")]
    [InlineData("10.42.0.0/08")]
    [InlineData("10.42.0.0/00")]
    [InlineData("10.42.0.0/24/24")]
    [InlineData("10.42.0.0/255.255.255.0")]
    [InlineData("10.42.0/24")]
    [InlineData("fd00::/129")]
    [InlineData("fd00::/1000")]
    [InlineData("fd00::%1/64")]
    public void What_is_no_prefix_is_refused(string? text)
    {
        Assert.False(IpPrefix.TryParse(text, out IpPrefix prefix, out bool hadHostBits));
        Assert.Equal((default, false), (prefix, hadHostBits));
        if (text is not null)
            Assert.Throws<FormatException>(() => IpPrefix.Parse(text));
    }

    [Fact]
    public void Default_value_holds_nothing()
    {
        IpPrefix none = default;
        Assert.Equal(IpFamily.None, none.Family);
        Assert.False(none.IsHost);
        Assert.False(none.Contains(default(IpAddress)));
        Assert.False(none.Contains(IpAddress.Parse("::")));
        Assert.False(none.Contains(none));
        Assert.Equal("none", none.ToString());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(33)]
    public void Length_outside_the_family_is_refused(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new IpPrefix(IpAddress.Parse("10.0.0.1"), length));

    [Fact]
    public void Block_of_every_length_begins_and_ends_where_it_should()
    {
        foreach (IpAddress address in new[] { IpAddress.Parse("170.85.170.85"), IpAddress.Parse("aaaa:5555::aaaa:5555") })
        {
            for (int length = 0; length <= address.BitLength; length++)
            {
                var prefix = new IpPrefix(address, length);
                Assert.True(prefix.Contains(address));
                Assert.True(prefix.Contains(prefix.Address));
                Assert.True(prefix.Contains(prefix.Last));
                Assert.Equal(length == address.BitLength, prefix.IsHost);
                UInt128 size = prefix.Last.Bits - prefix.Address.Bits;
                Assert.Equal(length == 0 && address.Family == IpFamily.V6 ? UInt128.MaxValue
                    : (UInt128.One << (address.BitLength - length)) - 1, size);
                if (length > 0)
                {
                    UInt128 outside = prefix.Last.Bits + 1;
                    IpAddress next = address.Family == IpFamily.V4 ? IpAddress.FromV4((uint)(outside & uint.MaxValue)) : IpAddress.FromV6(outside);
                    Assert.False(prefix.Contains(next));
                }
            }
        }
    }

    [Fact]
    public void Families_never_hold_one_another()
    {
        Assert.False(IpPrefix.Parse("::/0").Contains(IpAddress.Parse("10.0.0.1")));
        Assert.False(IpPrefix.Parse("0.0.0.0/0").Contains(IpAddress.Parse("::1")));
        Assert.False(IpPrefix.Parse("::/0").Overlaps(IpPrefix.Parse("0.0.0.0/0")));
        Assert.NotEqual(IpPrefix.Parse("::/0"), IpPrefix.Parse("0.0.0.0/0"));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.42.0.0/16", true, false)]
    [InlineData("10.0.0.0/8", "10.0.0.0/8", true, true)]
    [InlineData("10.0.0.0/8", "11.0.0.0/8", false, false)]
    [InlineData("fd00::/8", "fd5a::/16", true, false)]
    public void Containment_and_overlap(string wide, string narrow, bool holds, bool heldBy)
    {
        IpPrefix one = IpPrefix.Parse(wide), other = IpPrefix.Parse(narrow);
        Assert.Equal(holds, one.Contains(other));
        Assert.Equal(heldBy, other.Contains(one));
        Assert.Equal(holds || heldBy, one.Overlaps(other));
        Assert.Equal(holds || heldBy, other.Overlaps(one));
    }

    [Fact]
    public void Order_is_by_first_address_then_wider_first()
    {
        IpPrefix[] ordered =
        [
            default, IpPrefix.Parse("0.0.0.0/0"), IpPrefix.Parse("10.0.0.0/8"), IpPrefix.Parse("10.0.0.0/24"),
            IpPrefix.Parse("10.0.1.0/24"), IpPrefix.Parse("::/0"), IpPrefix.Parse("::/128"),
        ];
        for (int i = 0; i < ordered.Length; i++)
        {
            for (int j = 0; j < ordered.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), Math.Sign(ordered[i].CompareTo(ordered[j])));
                Assert.Equal(i == j, ordered[i] == ordered[j]);
                Assert.Equal(i > j, ordered[i] > ordered[j]);
            }
        }
    }
}
