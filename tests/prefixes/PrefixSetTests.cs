using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

public sealed class PrefixSetTests
{
    [Fact]
    public void Empty_set_holds_nothing()
    {
        Assert.Equal(0, PrefixSet.Empty.Count);
        Assert.False(PrefixSet.Empty.Contains(IpAddress.Parse("10.0.0.1")));
        Assert.False(PrefixSet.Empty.Contains(IpPrefix.Parse("10.0.0.1/32")));
        Assert.False(PrefixSet.Empty.Contains(default(IpPrefix)));
    }

    [Theory]
    [InlineData("10.42.0.0/24", true)]
    [InlineData("10.42.0.128/25", true)]
    [InlineData("10.42.0.0/23", true)] // two neighbours together
    [InlineData("10.42.0.0/22", false)]
    [InlineData("10.41.255.0/24", false)]
    [InlineData("192.168.7.9/32", true)]
    [InlineData("192.168.7.8/31", false)]
    [InlineData("0.0.0.0/0", false)]
    [InlineData("fd00::/64", true)]
    [InlineData("fd00::/63", false)]
    [InlineData("::/0", false)]
    public void A_prefix_is_inside_when_all_of_it_is(string prefix, bool inside)
    {
        PrefixSet set = Set("10.42.1.0/24", "10.42.0.0/24", "10.42.0.0/25", "192.168.7.9/32", "fd00::/64", "fd00::1/128");
        Assert.Equal(inside, set.Contains(IpPrefix.Parse(prefix)));
    }

    [Fact]
    public void Families_never_join()
    {
        // Side by side as numbers: the last IPv4 address and the IPv6 address behind it.
        PrefixSet set = Set("255.255.255.255/32", "::1:0:0/96");
        Assert.True(set.Contains(IpAddress.Parse("255.255.255.255")));
        Assert.False(set.Contains(IpAddress.Parse("::ffff:ffff")));
        Assert.True(set.Contains(IpPrefix.Parse("::1:0:0/100")));
        Assert.False(set.Contains(IpPrefix.Parse("::/64")));
    }

    [Fact]
    public void Random_sets_agree_with_asking_every_prefix()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var prefixes = new IpPrefix[random.Next(1, 12)];
            for (int i = 0; i < prefixes.Length; i++)
                prefixes[i] = new IpPrefix(IpAddress.FromV4((uint)random.Next(256)), random.Next(24, 33));
            PrefixSet set = PrefixSet.Of(prefixes);
            bool[] member = [.. Enumerable.Range(0, 257).Select(a => prefixes.Any(p => p.Contains(IpAddress.FromV4((uint)a))))];
            for (uint address = 0; address <= 256; address++)
                Assert.Equal(member[address], set.Contains(IpAddress.FromV4(address)));
            for (int length = 24; length <= 32; length++)
            {
                int size = 1 << (32 - length);
                for (int first = 0; first < 256; first += size)
                {
                    Assert.Equal(
                        Enumerable.Range(first, size).All(a => member[a]),
                        set.Contains(new IpPrefix(IpAddress.FromV4((uint)first), length)));
                }
            }
        }
    }

    private static PrefixSet Set(params string[] prefixes) => PrefixSet.Of([.. prefixes.Select(IpPrefix.Parse)]);
}
